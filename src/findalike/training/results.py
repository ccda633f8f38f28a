"""What a training leaves behind, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KeptWeights:
    """A file of weights and how good they are.

    Attributes:
        path: the file.
        step: after how many steps of the optimizer.
        epoch: after how many whole epochs.
        figures: what validation said: ``map``, ``NAME/map``, ``val_loss``.
    """

    path: Path
    step: int
    epoch: int
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a training left behind.

    Attributes:
        best: by ``validate.criterion``; the last ones where nothing judges them.
        last: after the last step.
        kept: by the section ``keep``, best first.
        steps: of the optimizer that were made.
        epochs: that were begun.
        images: the network was trained on, over all devices, each as often as it came.
        seconds: spent in training and validation, over all sittings.
        stopped_early: whether ``validate.patience`` ended the run.
    """

    best: KeptWeights
    last: KeptWeights
    kept: tuple[KeptWeights, ...]
    steps: int
    epochs: int
    images: int
    seconds: float
    stopped_early: bool
