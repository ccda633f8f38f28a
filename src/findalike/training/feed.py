"""What a training is fed with, and the loader that can begin at any batch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler


class Plan(Protocol):
    """The batches of one rank; `findalike.data.training.samplers.BatchPlan` is one."""

    length: int
    """Batches of an epoch, the same on every rank and in every epoch."""

    def iterate(self, epoch: int, *, start: int = 0) -> Iterator[Sequence[Any]]:
        """The batches of an epoch from the ``start``-th on: a pure function of both."""
        ...


@dataclass(frozen=True, slots=True)
class Feed:
    """The data of a run.

    Several devices are served by processes of their own, which all of this must be able to go to:
    a plan is made by a class, a function of a module or a `functools.partial`, not by a lambda.

    Attributes:
        pictures: an entry of a batch → (pixels (3, s, s) uint8, label, image id). What is random
            about it must follow from the entry.
        plan: (rank, how many ranks) → the batches of that rank.
        validation: pictures for the validation loss; None where the data has none.
        validation_batches: the batches of these.
    """

    pictures: Dataset[tuple[Tensor, int, int]]
    plan: Callable[[int, int], Plan]
    validation: Dataset[tuple[Tensor, int, int]] | None = None
    validation_batches: Iterable[Sequence[Any]] = ()


class RunBatches(Sampler[list[Any]]):
    """All batches of a run, epoch after epoch, from any one on.

    One loader for the whole run: workers and what they hold in memory live on from epoch to epoch.
    Of each epoch the batches that do not fill another step of ``accumulate`` are left out.
    """

    def __init__(self, plan: Plan, *, per_epoch: int, total: int, start: int) -> None:
        self._plan = plan
        self._per_epoch = per_epoch
        self._total = total
        self._start = start

    def __iter__(self) -> Iterator[list[Any]]:
        done = self._start
        while done < self._total:
            epoch, first = divmod(done, self._per_epoch)
            batches = self._plan.iterate(epoch, start=first)
            for _, batch in zip(range(first, self._per_epoch), batches, strict=False):
                yield list(batch)
                done += 1
                if done == self._total:
                    return

    def __len__(self) -> int:
        """Batches of the whole run, for Lightning counts those before a resume as well."""
        return self._total


def training_loader(
    pictures: Dataset[tuple[Tensor, int, int]], batches: RunBatches, *, workers: int, pinned: bool
) -> DataLoader[tuple[Tensor, int, int]]:
    """The loader of a run."""
    # Forked workers share the pictures that are kept in memory; others would keep a copy each.
    forks = workers > 0 and sys.platform == "linux"
    return ResumableLoader(
        pictures,
        batch_sampler=batches,
        num_workers=workers,
        pin_memory=pinned,
        prefetch_factor=4 if workers else None,
        multiprocessing_context="fork" if forks else None,
    )


class ResumableLoader(DataLoader[tuple[Tensor, int, int]]):
    """Tells Lightning that it begins where the checkpoint was: its sampler was made to."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the position follows from the step."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to do."""
