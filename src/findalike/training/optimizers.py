"""The optimizer of a run and its parameter groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from findalike.config import OptimizerSection
from findalike.models.network import EmbeddingNetwork


def parameter_groups(
    section: OptimizerSection, network: EmbeddingNetwork, others: Iterable[nn.Parameter]
) -> list[dict[str, Any]]:
    """Parameters with their rates: the later the layer, the faster it learns.

    The last stage of the backbone has ``backbone_lr``, and each one before it ``layer_decay`` times
    the rate of the next (as in BEiT, arXiv:2106.08254). The head, and ``others``, have ``lr``.
    Weight decay is for matrices and kernels, not for vectors: biases, normalisation, exponents.
    What is frozen is in no group.

    Args:
        section: the rates.
        network: the network.
        others: what else is learnt, such as class weights of losses.

    Returns:
        Groups for an optimizer of torch, with a ``name`` each: ``backbone.0``, ``head``...
    """
    backbone_lr = section.backbone_lr if section.backbone_lr is not None else section.lr
    stages = network.stages()
    rated: list[tuple[str, float, Iterable[nn.Parameter]]] = [
        (f"backbone.{place}", backbone_lr * section.layer_decay ** (len(stages) - 1 - place), stage)
        for place, stage in enumerate(stages)
    ]
    rated.append(("head", section.lr, [*network.head_parameters(), *others]))
    groups: list[dict[str, Any]] = []
    for name, rate, parameters in rated:
        learnt = [parameter for parameter in parameters if parameter.requires_grad]
        for kind, decay, chosen in (
            ("", section.weight_decay, [p for p in learnt if p.ndim > 1]),
            (".vectors", 0.0, [p for p in learnt if p.ndim <= 1]),
        ):
            if chosen:
                groups.append(
                    {"name": name + kind, "lr": rate, "weight_decay": decay, "params": chosen}
                )
    return groups


def build_optimizer(
    section: OptimizerSection, groups: list[dict[str, Any]], *, fused: bool
) -> torch.optim.Optimizer:
    """The optimizer of torch that the section names.

    Args:
        section: its name and settings.
        groups: of `parameter_groups`.
        fused: one kernel for all parameters: less time a step, the same numbers but for rounding.
    """
    # Said outright, for torch would choose by the device, and a resumed run may be on another.
    shared: dict[str, Any] = {"fused": True} if fused else {"foreach": False}
    if section.name == "sgd":
        return torch.optim.SGD(groups, lr=section.lr, momentum=section.momentum, **shared)
    kind = torch.optim.AdamW if section.name == "adamw" else torch.optim.Adam
    return kind(groups, lr=section.lr, betas=section.betas, **shared)
