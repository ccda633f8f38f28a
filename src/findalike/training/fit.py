"""Training one run: Lightning's loop, with everything that is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from findalike.config import Run
from findalike.models.network import EmbeddingNetwork
from findalike.training.feed import Feed
from findalike.training.progress import TrainingProgress
from findalike.training.run_folder import RunFolder
from findalike.types import Embeddings, Pixels

Embed = Callable[[Pixels], Embeddings]
"""(n, s, s, 3) uint8 → (n, d) float32, unit rows."""

Validate = Callable[[Embed], Mapping[str, float]]
"""Judges a network: ``NAME/map`` of each validation set and their mean as ``map``."""

Teacher = Callable[[Tensor], Tensor]
"""uint8 pictures (n, 3, s, s) → unit embeddings (n, t), without gradients."""


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


def fit(
    run: Run,
    *,
    network: EmbeddingNetwork,
    losses: nn.ModuleList,
    feed: Feed,
    folder: RunFolder,
    validate: Validate | None = None,
    teacher: Teacher | None = None,
    devices: str = "auto",
    progress: TrainingProgress | None = None,
) -> FitResult:
    """Train a run to its end, or go on with it where its checkpoint is.

    Args:
        run: its settings.
        network: with the weights the run starts from; holds those of the last step afterwards.
        losses: one for each entry of ``run.losses``, in that order.
        feed: the pictures.
        folder: where everything is written; whether it is gone on with is the folder's matter.
        validate: judges the network; None where the run has no validation sets.
        teacher: for ``run.distillation``.
        devices: see `findalike.training.devices.parse_devices`.
        progress: is told how it goes.
    """
    raise NotImplementedError
