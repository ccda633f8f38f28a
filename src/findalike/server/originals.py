"""What was fetched a moment ago, and what could not be."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class Originals:
    """Pictures by their URL, for a while; one that could not be fetched is held as no bytes.

    A page asks for one picture in several widths, and again for those that fail: a slow or broken
    server behind them is asked once.
    """

    def __init__(
        self,
        *,
        seconds: float,
        most_bytes: int,
        failure_seconds: float,
        most_failures: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold nothing yet.

        Args:
            seconds: that a picture is held.
            most_bytes: of all that are held.
            failure_seconds: that a failure is held.
            most_failures: that are held.
            clock: seconds; for tests.
        """
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._failure_seconds = failure_seconds
        self._most_failures = most_failures
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = self._failures = 0

    def get(self, url: str) -> bytes | None:
        """The picture, no bytes for a failure; None if neither is known."""
        until, data = self._held.get(url, (0.0, b""))
        return data if url in self._held and self._clock() < until else None

    def put(self, url: str, data: bytes) -> None:
        """Hold a picture, or a failure."""
        self._drop(url)
        seconds = self._seconds if data else self._failure_seconds
        self._held[url] = (self._clock() + seconds, data)
        self._bytes += len(data)
        self._failures += not data
        while self._bytes > self._most_bytes or self._failures > self._most_failures:
            self._drop(next(iter(self._held)))

    def _drop(self, url: str) -> None:
        held = self._held.pop(url, None)
        if held is not None:
            self._bytes -= len(held[1])
            self._failures -= not held[1]
