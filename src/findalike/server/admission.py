"""Who may come in: a bounded number of searches, and a bounded share of what they need."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from findalike.server.problems import Problem

SMOOTHING = 0.1
"""Share of the latest search in the running means."""


class Admission:
    """Places for searches that were accepted and are not answered yet.

    How long the present queue will take is estimated by Little's law: searches leave at the rate
    at which they are under way, divided by the time each takes, both as running means.
    """

    def __init__(
        self, *, places: int, deadline: float, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Open a queue.

        Args:
            places: searches at once, at most.
            deadline: seconds after which a search is given up; one that would wait longer is
                not let in.
            clock: seconds, from any beginning.
        """
        self.places = places
        self.taken = 0
        self.refused = 0
        self._deadline = deadline
        self._clock = clock
        self._mean_seconds = 0.0
        self._mean_taken = 1.0

    @contextmanager
    def enter(self, places: int = 1) -> Iterator[None]:
        """Hold places while the block runs.

        Raises:
            Problem: 429 with ``Retry-After`` if there is no room.
        """
        estimate = self.seconds_to_clear()
        if self.taken + places > self.places or estimate > self._deadline:
            self.refused += 1
            raise busy(f"{self.taken} searches are under way", estimate)
        self.taken += places
        started, ahead = self._clock(), self.taken
        try:
            yield
        finally:
            self.taken -= places
            self._mean_seconds += SMOOTHING * (self._clock() - started - self._mean_seconds)
            self._mean_taken += SMOOTHING * (ahead - self._mean_taken)

    def seconds_to_clear(self) -> float:
        """How long the searches under way will take, as far as the latest ones tell."""
        return self.taken * self._mean_seconds / self._mean_taken


class Budget:
    """So much of something at once: in all, and for each of those who take it.

    Whoever means harm, or does it by mistake, can use up a share and leaves the rest to others.
    """

    def __init__(self, most: int, *, share: int, what: str) -> None:
        """Set up a budget that nobody holds anything of.

        Args:
            most: what all hold together, at most.
            share: what one holds, at most.
            what: the thing with its verb, as in "bytes of requests are in memory".
        """
        self.most = most
        self.share = share
        self.held = 0
        self._what = what
        self._by_owner: Counter[str] = Counter()

    def take(self, amount: int, owner: str | None) -> None:
        """Hold some of it.

        Args:
            owner: who does; None for one that is no certain one and has no share of its own.

        Raises:
            Problem: 429 with ``Retry-After`` if there is no room.
        """
        if self.held + amount > self.most:
            raise busy(f"{self.held:,} {self._what}", 1.0)
        if owner is not None and self._by_owner[owner] + amount > self.share:
            raise busy(f"{self._by_owner[owner]:,} {self._what} for you alone", 1.0)
        self.held += amount
        if owner is not None:
            self._by_owner[owner] += amount

    def give_back(self, amount: int, owner: str | None) -> None:
        """Let some of it go."""
        self.held -= amount
        if owner is not None:
            self._by_owner[owner] -= amount
            if not self._by_owner[owner]:
                del self._by_owner[owner]


def busy(what: str, seconds: float) -> Problem:
    """The problem of a service that has no room, and when to come again."""
    pause = max(1, math.ceil(seconds))
    return Problem(
        429,
        "queue-full",
        f"the service is busy: {what}",
        next_step=f"try again after {pause} second{'s' if pause > 1 else ''}",
        title="The service is busy",
        headers={"Retry-After": str(pause)},
    )
