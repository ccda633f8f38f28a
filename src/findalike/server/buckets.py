"""Token buckets: so many at once, then so many a second, for each of a bounded number of names."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an attempt to take tokens.

    Attributes:
        allowed: whether they were there; if not, none was taken.
        left: whole tokens that are left.
        wait: seconds until they would have been there, 0 if they were.
        full: seconds until the bucket is full again.
    """

    allowed: bool
    left: int
    wait: float
    full: float


class Buckets:
    """One bucket a name. Safe to call from several threads.

    Memory is bounded: of more names than ``names``, those asked for longest ago are forgotten. A
    forgotten bucket is a full one, so a flood of names can free a name of its past, never lock one
    out; and it needs as many sources as there are names here.
    """

    def __init__(
        self,
        *,
        burst: int,
        per_second: float,
        names: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up full buckets.

        Args:
            burst: tokens in a full bucket.
            per_second: how many come back a second.
            names: the most buckets that are kept.
            clock: seconds; for tests.
        """
        self._burst = float(burst)
        self._rate = per_second
        self._names = names
        self._clock = clock
        self._guard = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, tokens: int = 1) -> Taken:
        """Take tokens from the bucket of ``name``, all of them or none; 0 only looks."""
        with self._guard:
            now = self._clock()
            level, then = self._buckets.pop(name, (self._burst, now))
            level = min(self._burst, level + (now - then) * self._rate)
            needed = min(float(max(tokens, 1)), self._burst)
            allowed = level >= needed
            if allowed and tokens:
                level -= needed
            self._buckets[name] = (level, now)
            while len(self._buckets) > self._names:
                self._buckets.popitem(last=False)
        wait = 0.0 if allowed else (needed - level) / self._rate
        return Taken(allowed, int(level), wait, (self._burst - level) / self._rate)

    def __len__(self) -> int:
        return len(self._buckets)
