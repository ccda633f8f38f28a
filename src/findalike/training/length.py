"""How long a run is: its steps and epochs."""

from __future__ import annotations

from dataclasses import dataclass

from findalike.config import TrainSection
from findalike.errors import RecipeError


@dataclass(frozen=True, slots=True)
class RunLength:
    """Steps are those of the optimizer, batches what the network sees at once.

    Attributes:
        steps: of the run.
        steps_per_epoch: of an epoch.
        accumulate: batches of a step.
    """

    steps: int
    steps_per_epoch: int
    accumulate: int

    @property
    def batches(self) -> int:
        """Batches of the run on one device."""
        return self.steps * self.accumulate

    @property
    def batches_per_epoch(self) -> int:
        """Batches of an epoch on one device."""
        return self.steps_per_epoch * self.accumulate

    @property
    def epochs(self) -> int:
        """Epochs of the run, of which the last one may end early."""
        return -(-self.steps // self.steps_per_epoch)


def run_length(train: TrainSection, batches: int) -> RunLength:
    """The length of a run whose epochs have so many batches on one device.

    Raises:
        RecipeError: if an epoch has fewer batches than make a step.
    """
    per_epoch = batches // train.accumulate
    if per_epoch < 1:
        raise RecipeError(
            f"train.accumulate is {train.accumulate}, and an epoch has {batches} batches of "
            f"{train.batch_size}: give at most {batches}, or a smaller train.batch_size"
        )
    if train.steps is not None:
        return RunLength(train.steps, per_epoch, train.accumulate)
    if train.epochs is None:
        raise RecipeError("train names neither epochs nor steps: give one of them")
    return RunLength(train.epochs * per_epoch, per_epoch, train.accumulate)
