"""A batch plan as torch's DataLoader takes it, one epoch at a time, from any batch on."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import Sampler

from findalike.data.training.draws import Draw
from findalike.data.training.mixture import Mixture
from findalike.data.training.samplers import BatchPlan


class PlannedBatches(Sampler[list[Draw]]):
    """Yields the batches of the epoch that was set, so that a resumed run draws what it would have.

    Args:
        plan: of this rank.
    """

    def __init__(self, plan: BatchPlan) -> None:
        self.plan = plan
        self._epoch = 0
        self._start = 0

    def set_epoch(self, epoch: int, *, start: int = 0) -> None:
        """Say which epoch comes next, and how many of its batches are left out as done."""
        self._epoch = epoch
        self._start = start

    def __iter__(self) -> Iterator[list[Draw]]:
        return self.plan.iterate(self._epoch, start=self._start)

    def __len__(self) -> int:
        return max(self.plan.length - self._start, 0)


class InOrder(Sampler[list[Draw]]):
    """The images of the validation loss in order, every ``world``-th of them on each rank."""

    def __init__(self, mixture: Mixture, *, batch_size: int, rank: int = 0, world: int = 1) -> None:
        self._ids = mixture.val_ids[rank::world]
        self._batch_size = batch_size

    def __iter__(self) -> Iterator[list[Draw]]:
        for start in range(0, len(self._ids), self._batch_size):
            yield [Draw(i, 0) for i in self._ids[start : start + self._batch_size]]

    def __len__(self) -> int:
        return (len(self._ids) + self._batch_size - 1) // self._batch_size
