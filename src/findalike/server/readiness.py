"""Whether the shop can still be read, looked at no more often than every two seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

FRESH_SECONDS = 2.0

LOOK_SECONDS = 2.0
"""A disk that does not answer by then is as good as gone."""


class Readiness:
    """Looks at a shop in a thread of its own, so that nothing else waits for a disk that hangs."""

    def __init__(self, look: Callable[[], object]) -> None:
        """Set up; the shop is taken to be there.

        Args:
            look: reads something of the shop; raises if it cannot.
        """
        self._look = look
        self._pool = ThreadPoolExecutor(1, "ready")
        self._looking: asyncio.Future[bool] | None = None
        self._at = -FRESH_SECONDS
        self._ready = True

    async def ready(self) -> bool:
        """Whether the shop could be read just now."""
        if time.monotonic() - self._at > FRESH_SECONDS:
            if self._looking is None or self._looking.done():
                loop = asyncio.get_running_loop()
                self._looking = loop.run_in_executor(self._pool, self._could_look)
            done, _ = await asyncio.wait({self._looking}, timeout=LOOK_SECONDS)
            self._ready = bool(done) and self._looking.result()
            self._at = time.monotonic()
        return self._ready

    def stop(self) -> None:
        """Look no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _could_look(self) -> bool:
        try:
            self._look()
        except Exception:  # engines raise anything where their files are gone
            return False
        return True
