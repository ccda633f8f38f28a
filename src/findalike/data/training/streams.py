"""Endless orders of things: shuffled rounds in which nothing repeats before all have come."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np


class Rounds:
    """Items in shuffled rounds, each once a round.

    A chunk that is taken has no item twice as long as there are items enough, also where it
    reaches over the end of a round.

    Args:
        chunks: items that stay together in a round; single ones for a plain shuffle.
        rng: chance; may be shared.
    """

    def __init__(self, chunks: Sequence[Sequence[int]], rng: np.random.Generator) -> None:
        self._chunks = chunks
        self._rng = rng
        self._order: list[int] = []
        self._at = 0

    def take(self, count: int) -> list[int]:
        """The next ``count`` items."""
        taken: list[int] = []
        while len(taken) < count:
            if self._at == len(self._order):
                self._refill(set(taken[-len(self._order) :]) if self._order else ())
            end = min(self._at + count - len(taken), len(self._order))
            taken += self._order[self._at : end]
            self._at = end
        return taken

    def _refill(self, last: Collection[int]) -> None:
        order = [
            item
            for at in self._rng.permutation(len(self._chunks)).tolist()
            for item in self._chunks[at]
        ]
        if last and len(last) < len(order):
            # What was just taken comes last, so that it does not come twice in a row.
            order = [i for i in order if i not in last] + [i for i in order if i in last]
        self._order = order
        self._at = 0


class GroupedRounds(Rounds):
    """Rounds whose items come group by group, so many of a group at a time.

    Args:
        groups: the items of each group.
        together: how many of one group follow each other.
    """

    def __init__(
        self, groups: Sequence[Sequence[int]], together: int, rng: np.random.Generator
    ) -> None:
        super().__init__((), rng)
        self._groups = groups
        self._together = together

    def _refill(self, last: Collection[int]) -> None:
        chunks: list[list[int]] = []
        for group in self._groups:
            items = [group[at] for at in self._rng.permutation(len(group)).tolist()]
            chunks += [
                items[start : start + self._together]
                for start in range(0, len(items), self._together)
            ]
        self._chunks = chunks
        super()._refill(last)


class LabelImages:
    """The images of one label, in rounds; user and seller photos in turn if asked for."""

    def __init__(
        self,
        images: Sequence[int],
        users: Sequence[bool] | None,
        rng: np.random.Generator,
    ) -> None:
        parts = [list(images)]
        if users is not None:
            by_domain = [
                [i for i, u in zip(images, users, strict=True) if u is w] for w in (True, False)
            ]
            parts = [part for part in by_domain if part]
        self._rounds = [Rounds([[image] for image in part], rng) for part in parts]
        self._turn = int(rng.integers(len(parts)))

    def take(self, count: int) -> list[int]:
        """The next ``count`` images."""
        if len(self._rounds) == 1:
            return self._rounds[0].take(count)
        sizes = (count - count // 2, count // 2)
        first, second = self._turn, 1 - self._turn
        # An odd count ends the turn with the domain it began with.
        self._turn = second if count % 2 else first
        parts = (self._rounds[first].take(sizes[0]), self._rounds[second].take(sizes[1]))
        return [parts[place % 2][place // 2] for place in range(count)]
