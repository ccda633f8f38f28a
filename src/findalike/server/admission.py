"""Who may come in: a bounded number of searches, and a bounded number of bytes in memory."""

from __future__ import annotations

import math
import time
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


class ByteBudget:
    """Bytes of requests that are held in memory at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    def take(self, size: int) -> None:
        """Hold bytes.

        Raises:
            Problem: 429 with ``Retry-After`` if there is no room.
        """
        if self.held + size > self.most:
            raise busy(f"{self.held:,} bytes of uploads are in memory", 1.0)
        self.held += size

    def give_back(self, size: int) -> None:
        """Let bytes go."""
        self.held -= size


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
