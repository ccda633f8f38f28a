"""Now and then a worker looks at itself, for the metrics."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from findalike.server.logs import server_log
from findalike.server.metrics import Metrics

_STATUS = Path("/proc/self/statm")
_FILES = Path("/proc/self/fd")


def process_state() -> dict[str, float]:
    """Memory in bytes, processor time in seconds and open files of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    state = {"cpu_seconds": usage.ru_utime + usage.ru_stime, "workers": 1.0}
    with suppress(OSError):  # there is no /proc on other systems than Linux
        pages = int(_STATUS.read_text().split()[1])
        state["memory_bytes"] = float(pages * resource.getpagesize())
        state["open_files"] = float(sum(1 for _ in _FILES.iterdir()))
    return state


class Sampler:
    """Measures the state of a worker every few seconds, until it is stopped."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        look: Callable[[], dict[str, float]],
        look_at_shop: Callable[[], dict[str, float]],
        seconds: float = 5.0,
    ) -> None:
        """Set up.

        Args:
            metrics: where to.
            look: measures what is in memory, on the event loop.
            look_at_shop: measures what is on the disk, in a thread.
            seconds: between two looks.
        """
        self._metrics = metrics
        self._look = look
        self._look_at_shop = look_at_shop
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def look(self) -> None:
        """Measure what takes no time at once: for the worker that is asked for its metrics."""
        self._metrics.measured({**process_state(), **self._look()})

    async def _run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self.look()
                self._metrics.measured(await asyncio.to_thread(self._look_at_shop))
            except Exception:
                server_log().warning("the state could not be measured", exc_info=True)
            await asyncio.sleep(max(0.1, self._seconds - (time.monotonic() - began)))
