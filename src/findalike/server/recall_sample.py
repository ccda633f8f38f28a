"""How good the approximate search is, measured on some of the searches that really come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from findalike.server.logs import server_log

if TYPE_CHECKING:
    from findalike.types import Embeddings


class RecallSample:
    """Has every n-th search done exactly too, in the background, one at a time.

    An exact search compares with every image of the shop, so it costs far more than the one it
    judges: while one runs, further samples are left out.
    """

    def __init__(
        self,
        judge: Callable[[Embeddings], float | None],
        tell: Callable[[float], None],
        *,
        every: int,
    ) -> None:
        """Set up.

        Args:
            judge: the recall of one embedding, or None if there is nothing to find; runs in a
                thread.
            tell: takes what it finds.
            every: how many searches to a sample; 0 for none.
        """
        self._judge = judge
        self._tell = tell
        self._every = every
        self._since = 0
        self._running: asyncio.Task[None] | None = None

    def offer(self, embedding: Embeddings) -> None:
        """Count a search, and take it as a sample if it is time; returns at once."""
        self._since += 1
        if not self._every or self._since < self._every:
            return
        if self._running is not None and not self._running.done():
            return
        self._since = 0
        self._running = asyncio.get_running_loop().create_task(self._sample(embedding))

    async def stop(self) -> None:
        """Wait for the sample that is being taken."""
        if self._running is not None:
            await self._running

    async def _sample(self, embedding: Embeddings) -> None:
        try:
            share = await asyncio.to_thread(self._judge, embedding)
        except Exception:
            server_log().warning("the recall could not be measured", exc_info=True)
        else:
            if share is not None:
                self._tell(share)
