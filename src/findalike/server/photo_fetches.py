"""Photos at URLs on their way: so many at once, and only a share of them for each client.

A slow server at the other end holds a thread for as long as it likes to, within the time that a
fetch may take. So these have threads of their own, and a search takes a place in the queue of
searches only once its photo is there.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from findalike.data.fetch import Fetcher
from findalike.server.admission import Budget

AT_ONCE = 32
FOR_ONE = 8
"""Fetches under way in each worker, in all and for one client."""


class PhotoFetches:
    """The photos that searches name by URL; for use on one event loop."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self.under_way = Budget(AT_ONCE, share=FOR_ONE, what="photos are being fetched")
        self._pool = ThreadPoolExecutor(AT_ONCE, "photo")

    async def get(self, url: str, *, owner: str | None) -> bytes:
        """The photo at a URL.

        Args:
            owner: whose share the fetch takes of; see `Budget.take`.

        Raises:
            Problem: 429 if too many are under way, in all or for the owner.
            ImageError, UrlError, FetchError: as `Fetcher.fetch` does.
        """
        loop = asyncio.get_running_loop()
        self.under_way.take(1, owner)

        def ended(_: object) -> None:
            with suppress(RuntimeError):  # the service has stopped meanwhile
                loop.call_soon_threadsafe(self.under_way.give_back, 1, owner)

        # The place is held by the thread rather than by the caller: one who leaves and comes again
        # has the thread of the first time still at work.
        running = self._pool.submit(self.fetcher.fetch, url)
        running.add_done_callback(ended)
        return await asyncio.wrap_future(running)

    def stop(self) -> None:
        """Start no further ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.fetcher.close()
