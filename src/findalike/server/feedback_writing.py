"""Feedback on its way to the disk, in a thread of its own.

Events wait for the disk and for each other. Whatever keeps them waiting keeps nothing else: not the
pictures, lists and figures that the shop's other readers ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from findalike.errors import ShopLockedError
from findalike.server.access import too_many
from findalike.server.admission import busy
from findalike.server.buckets import Buckets
from findalike.server.problems import Problem
from findalike.shop.feedback import FeedbackStore, Kept

WAITING = 128
"""Events that wait to be written, at most, in each worker."""

ONE_ADDRESS = 5_000
ONE_ADDRESS_A_SECOND = 0.25
"""Events taken of one address without a key of its own, at once and in the long run, in each
worker: 26,600 in its first day, a small part of what a shop keeps of a day (100 MB)."""


class FeedbackWriting:
    """Writes the feedback of one shop, an event after the other."""

    def __init__(self, store: FeedbackStore) -> None:
        self.store = store
        self.waiting = 0
        self._writing = ThreadPoolExecutor(1, "feedback")
        self._shares = Buckets(burst=ONE_ADDRESS, per_second=ONE_ADDRESS_A_SECOND)

    async def add(self, event: Callable[[FeedbackStore], Kept], *, address: str | None) -> Kept:
        """Have an event written.

        Args:
            event: adds it to the store; called in the thread.
            address: whose share of the day it is part of, None for those who have no share.

        Raises:
            Problem: 429 if too many wait or the share is used up, 503 if another process keeps
                writing.
            FindalikeError: as `FeedbackStore.add` does.
        """
        if address is not None and not (taken := self._shares.take(address)).allowed:
            raise too_many("this address has sent its share of the day's feedback", taken.wait)
        if self.waiting >= WAITING:
            raise busy(f"{WAITING} events are being written", 1.0)
        self.waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._writing, event, self.store)
        except ShopLockedError as error:
            raise Problem(
                503,
                "feedback-locked",
                "another process is writing feedback of this shop",
                next_step="try again after 2 seconds; nothing was kept",
                title="The feedback is being written to",
                headers={"Retry-After": "2"},
            ) from error
        finally:
            self.waiting -= 1

    def stop(self) -> None:
        """Take no further events."""
        self._writing.shutdown(wait=False, cancel_futures=True)
