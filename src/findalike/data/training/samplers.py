"""Which images make each batch of an epoch: a pure function of seed, epoch, rank and world."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from findalike.config.sampling import SamplerSection
from findalike.data.training.draws import Draw, draw_seeds
from findalike.data.training.mixture import Integers, Mixture
from findalike.data.training.streams import GroupedRounds, LabelImages, Rounds
from findalike.errors import SettingError, TrainingDataError

Take = Callable[[int], list[int]]
"""Called with how many images of a set a batch wants; returns their ids."""


class BatchPlan:
    """The batches of a training.

    All ranks plan the same global batch of ``batch_size * world`` images, and each takes its
    stretch of it: joined in the order of the ranks, their batches are those of one process with a
    batch of that size, with the same seeds for the same pictures. Every rank has the same number
    of batches. An epoch has as many images as there are, rounded down to whole global batches, and
    at least one of those.

    Images of a label come in rounds, each once before any comes again; so do the labels of a set.
    Where a label has fewer images than ``per_class``, they repeat. The last label of a batch gets
    fewer where ``per_class`` does not divide the set's part of it. ``shuffled`` takes every image
    once an epoch, if no set states a share; otherwise each set is gone through at its own pace.

    Args:
        mixture: what to draw from.
        section: how.
        batch_size: images of a batch on one device.
        seed: of the run.
        rank: number of this device, from 0.
        world: how many devices there are.

    Raises:
        SettingError: for numbers out of range.
        TrainingDataError: if the sampler needs what the data has not got.
    """

    def __init__(
        self,
        mixture: Mixture,
        section: SamplerSection,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if batch_size < 1 or world < 1 or not 0 <= rank < world:
            raise SettingError(
                f"batch_size {batch_size}, rank {rank} and world {world}: batch_size and world "
                f"must be 1 or more, and rank 0 to world - 1"
            )
        _check(mixture, section)
        self._mixture = mixture
        self._section = section
        self._seed = seed
        self._world = world
        self._own = slice(rank * batch_size, (rank + 1) * batch_size)
        self._global_size = batch_size * world
        self.length = max(mixture.size // self._global_size, 1)
        """Batches of an epoch, the same on every rank."""

    def batches(self, epoch: int, *, start: int = 0) -> list[list[Draw]]:
        """This rank's batches of an epoch, from the ``start``-th on."""
        return list(self.iterate(epoch, start=start))

    def iterate(self, epoch: int, *, start: int = 0) -> Iterator[list[Draw]]:
        """The same one after the other, which takes little memory."""
        ids = self.image_ids(epoch)
        for number in range(start, self.length):
            places = np.arange(self._global_size, dtype=np.int64) + number * self._global_size
            seeds = draw_seeds(self._seed, epoch, places[self._own])
            yield [
                Draw(image, seed)
                for image, seed in zip(ids[number, self._own].tolist(), seeds.tolist(), strict=True)
            ]

    def image_ids(self, epoch: int) -> Integers:
        """The ids of all ranks' batches, int64 (length, batch_size * world)."""
        rng = np.random.default_rng(np.random.SeedSequence((self._seed, epoch, 1)))
        if self._section.name == "shuffled" and not self._mixture.stated_shares:
            return self._shuffled(rng)
        unit = self._section.per_class if "per_class" in _uses(self._section) else 1
        takes = [self._take(position, rng) for position in range(len(self._mixture.sets))]
        slots = -(-self._global_size // unit)
        quotas = _quotas(self._mixture.shares * slots, slots, self.length, rng)
        batches = np.empty((self.length, self._global_size), np.int64)
        for number, counts in enumerate(quotas.tolist()):
            ids = [i for take, n in zip(takes, counts, strict=True) for i in take(n * unit)]
            # The labels of all sets mixed, lest each device sees one set only.
            blocks = np.array(ids, np.int64).reshape(slots, unit)[rng.permutation(slots)]
            batches[number] = blocks.ravel()[: self._global_size]
        return batches

    def _shuffled(self, rng: np.random.Generator) -> Integers:
        wanted = self.length * self._global_size
        order = rng.permutation(self._mixture.size)
        # Fewer images than one batch holds: they repeat, each as often as the others, give or
        # take one.
        rounds = [order]
        while sum(map(len, rounds)) < wanted:
            rounds.append(rng.permutation(self._mixture.size))
        return np.concatenate(rounds)[:wanted].astype(np.int64).reshape(self.length, -1)

    def _take(self, position: int, rng: np.random.Generator) -> Take:
        """How one set gives its part of a batch."""
        mixture, section = self._mixture, self._section
        ids = np.flatnonzero(mixture.set_of[: mixture.size] == position)
        if section.name == "shuffled":
            return Rounds([[image] for image in ids.tolist()], rng).take
        labels = mixture.labels[ids]
        order = np.argsort(labels, kind="stable")
        names, starts = np.unique(labels[order], return_index=True)
        members = np.split(ids[order], starts[1:])
        images: dict[int, LabelImages] = {}
        users = mixture.users if section.both_domains else None

        def of_label(place: int, count: int) -> list[int]:
            if place not in images:
                own = members[place]
                domains = users[own].tolist() if users is not None else None
                images[place] = LabelImages(own.tolist(), domains, rng)
            return images[place].take(count)

        if section.name == "group-aware":
            rounds: Rounds = GroupedRounds(_by_group(mixture.groups[names]), section.per_group, rng)
        else:
            rounds = Rounds([[place] for place in range(len(names))], rng)
        each = 1 if section.name == "balanced" else section.per_class

        def take(count: int) -> list[int]:
            return [i for place in rounds.take(count // each) for i in of_label(place, each)]

        return take


def _uses(section: SamplerSection) -> tuple[str, ...]:
    """The keys that a sampler goes by."""
    return {
        "shuffled": (),
        "balanced": ("both_domains",),
        "m-per-class": ("per_class", "both_domains"),
        "group-aware": ("per_class", "per_group", "both_domains"),
    }[section.name]


def _check(mixture: Mixture, section: SamplerSection) -> None:
    if section.both_domains and "both_domains" not in _uses(section):
        raise TrainingDataError(
            f"sampler.both_domains is true, and {section.name!r} takes every image once, whoever "
            f"took it: use balanced, m-per-class or group-aware"
        )
    if section.both_domains and len(np.unique(mixture.users[: mixture.size])) < 2:
        raise TrainingDataError(
            "sampler.both_domains is true, and all images are of one domain: give the data a "
            "column domain with user and seller, or leave the key out"
        )
    if section.name == "group-aware" and not (mixture.groups >= 0).any():
        raise TrainingDataError(
            "sampler.name is group-aware, and no image has a group: give the data a column group, "
            "or use m-per-class"
        )


def _by_group(groups: Integers) -> list[list[int]]:
    """Places of the labels of each group; those without one make a group of their own."""
    order = np.argsort(groups, kind="stable")
    _, starts = np.unique(groups[order], return_index=True)
    return [part.tolist() for part in np.split(order, starts[1:])]


def _quotas(
    wanted: NDArray[np.float64], slots: int, length: int, rng: np.random.Generator
) -> Integers:
    """Whole numbers that sum to ``slots`` in each batch and follow ``wanted`` in the long run.

    What rounding takes from a set in one batch it gets in a later one; the epoch starts at a
    random debt, so that a set with less than one image an epoch gets its part over many epochs.
    """
    debt = rng.uniform(-0.5, 0.5, len(wanted))
    debt -= debt.mean()
    quotas = np.zeros((length, len(wanted)), np.int64)
    for number in range(length):
        debt += wanted
        counts = np.maximum(np.floor(debt), 0).astype(np.int64)
        while (missing := slots - int(counts.sum())) != 0:
            gap = debt - counts
            if missing > 0:
                counts[int(np.argmax(gap))] += 1
            else:
                counts[int(np.argmin(np.where(counts > 0, gap, np.inf)))] -= 1
        debt -= counts
        quotas[number] = counts
    return quotas
