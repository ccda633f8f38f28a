"""The sections ``optimizer`` and ``scheduler`` of a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from findalike.config.section import Section

Beta = Annotated[float, Field(ge=0.0, lt=1.0)]
Rate = Annotated[float, Field(gt=0.0, le=100.0)]


class OptimizerSection(Section):
    """How weights are moved.

    Attributes:
        name: the algorithm, that of torch.
        lr: learning rate of the head and of what the losses own, such as class weights.
        backbone_lr: that of the backbone's last layers; ``lr`` by default.
        layer_decay: factor from each stage of the backbone to the one before it.
        weight_decay: not for biases and normalisation layers.
        momentum: of ``sgd``.
        betas: of ``adamw`` and ``adam``.
    """

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: Rate = 3e-4
    backbone_lr: Rate | None = None
    layer_decay: float = Field(default=1.0, gt=0.0, le=1.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0)
    betas: tuple[Beta, Beta] = (0.9, 0.999)


class SchedulerSection(Section):
    """How the learning rates change, step by step.

    Attributes:
        name: after the warm-up: stay ``constant``, fall to ``final`` as a ``cosine`` or on a
            line (``linear``), or by ``gamma`` in a ``step``.
        warm_up_steps: steps in which the rates rise from 0.
        final: share of the rates that is left at the end.
        step_epochs: epochs from one ``step`` to the next.
        gamma: factor of a ``step``.
    """

    name: Literal["constant", "cosine", "linear", "step"] = "cosine"
    warm_up_steps: int = Field(default=0, ge=0)
    final: float = Field(default=0.0, ge=0.0, le=1.0)
    step_epochs: int = Field(default=1, ge=1)
    gamma: float = Field(default=0.1, gt=0.0, le=1.0)
