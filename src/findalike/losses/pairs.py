"""What pairs of embeddings cost by their cosine: the contrastive loss as a function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from findalike.errors import SettingError
from findalike.losses.labelled import LabelledEmbeddings
from findalike.losses.precision import without_autocast

Reduction = Literal["pairs", "anchors"]

# Cosines held at once: 4 MB in float32, which stays in a processor's cache.
CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class PairRule:
    """Which pairs cost how much. With s the cosine of a pair:

    * same label: ``max(0, positive_margin - s)``;
    * different labels: ``max(0, s - negative_margin)``;
    * the same image, by its id: nothing, whatever the labels.

    Attributes:
        positive_margin: cosine that pairs of a class are pulled up to, -1 to 1.
        negative_margin: cosine that pairs of two classes are pushed down to, -1 to 1.
        reduction: ``"pairs"``, the mean over positive pairs that cost something plus the mean over
            such negative pairs, as pytorch-metric-learning does by default; ``"anchors"``, the sum
            over all pairs divided by the number of anchors, as in the paper of XBM.
    """

    positive_margin: float = 1.0
    negative_margin: float = 0.5
    reduction: Reduction = "pairs"

    def __post_init__(self) -> None:
        for name in ("positive_margin", "negative_margin"):
            value = getattr(self, name)
            if not -1.0 <= value <= 1.0:
                raise SettingError(f"{name}={value} is no cosine: give -1 to 1")
        if self.reduction not in ("pairs", "anchors"):
            raise SettingError(f"no reduction {self.reduction!r}: choose 'pairs' or 'anchors'")


def contrastive_loss(
    anchors: LabelledEmbeddings,
    references: LabelledEmbeddings,
    rule: PairRule,
    *,
    chunk: int = CHUNK,
) -> Tensor:
    """Loss over all pairs of an anchor and a reference.

    Gradients reach the features of both where they are wanted. They are worked out together with
    the loss: ``chunk`` cosines and one byte for each pair exist at a time, only a gradient of the
    features' shape is kept for backward, and the references may change before backward runs.
    First derivatives only. Without any pair that costs something: 0, and zero gradients.

    Args:
        anchors: n of them.
        references: m of them.
        rule: what a pair costs.
        chunk: cosines held at once; more of them need fewer steps and more memory.

    Returns:
        A scalar of the features' dtype; smaller is better.
    """
    pairs = _Pairs(anchors, references, rule, chunk)
    with without_autocast(anchors.features):
        loss: Tensor = _Contrastive.apply(anchors.features, references.features, pairs)
    return loss


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    anchors: LabelledEmbeddings
    references: LabelledEmbeddings
    rule: PairRule
    chunk: int

    def strips(self) -> Iterator[slice]:
        """Runs of references whose cosines fit into a chunk."""
        step = max(1, self.chunk // max(1, len(self.anchors)))
        for start in range(0, len(self.references), step):
            yield slice(start, start + step)

    def measure(self) -> tuple[Tensor, Tensor, Tensor]:
        """Costs, numbers of pairs that cost something, and slopes.

        Returns:
            Sum over positive and over negative pairs, (2,); their numbers, (2,) int64; the slope
            of each pair's cost by its cosine, (n, m) int8: -1, 0 or 1.
        """
        anchors, references, rule = self.anchors, self.references, self.rule
        features = anchors.features
        slopes = torch.empty(
            (len(anchors), len(references)), dtype=torch.int8, device=features.device
        )
        sums = features.new_zeros(2)
        counts = torch.zeros(2, dtype=torch.int64, device=features.device)
        for strip in self.strips():
            cosines = features @ references.features[strip].to(features.dtype).T
            same = anchors.labels[:, None] == references.labels[strip]
            itself = anchors.image_ids[:, None] == references.image_ids[strip]
            positive = (rule.positive_margin - cosines).masked_fill_(~same | itself, 0.0)
            negative = (cosines - rule.negative_margin).masked_fill_(same | itself, 0.0)
            positive.clamp_(min=0.0)
            negative.clamp_(min=0.0)
            pulled, pushed = positive > 0.0, negative > 0.0
            sums += torch.stack([positive.sum(), negative.sum()])
            counts += torch.stack([pulled.sum(), pushed.sum()])
            slopes[:, strip] = pushed.to(torch.int8) - pulled.to(torch.int8)
        return sums, counts, slopes


class _Contrastive(torch.autograd.Function):
    """Gradients in the forward pass, but after all costs: the mean's divisors are known then."""

    @staticmethod
    def forward(
        ctx: Any, anchor_features: Tensor, reference_features: Tensor, pairs: _Pairs
    ) -> Tensor:
        sums, counts, slopes = pairs.measure()
        averaging = pairs.rule.reduction == "pairs"
        divisors = counts.clamp(min=1) if averaging else torch.full_like(counts, len(pairs.anchors))
        wanted = ctx.needs_input_grad
        to_anchors = torch.zeros_like(anchor_features) if wanted[0] else None
        to_references = torch.zeros_like(reference_features) if wanted[1] else None
        for strip in pairs.strips() if any(wanted) else ():
            signs = slopes[:, strip].to(anchor_features.dtype)
            weights = signs / torch.where(signs < 0, divisors[0], divisors[1])
            if to_anchors is not None:
                to_anchors.addmm_(weights, reference_features[strip].to(weights.dtype))
            if to_references is not None:
                to_references[strip] = weights.T @ anchor_features
        ctx.gradients = (to_anchors, to_references)
        return (sums / divisors.clamp(min=1)).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        return *(None if part is None else part * outer for part in ctx.gradients), None
