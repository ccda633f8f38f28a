"""Work of several requests done together, because together it costs less."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ran(Generic[Result]):
    """What came of one item, after how long a wait, and how long its batch took."""

    result: Result
    waited_ms: float
    ran_ms: float
    batch: int


@dataclass(slots=True)
class _Entry(Generic[Item, Result]):
    item: Item
    future: asyncio.Future[Ran[Result]]
    since: float = field(default_factory=time.perf_counter)


class Batcher(Generic[Item, Result]):
    """Collects items while a batch runs, and runs them as the next one.

    An item that comes while nothing runs starts at once, unless others are announced (`expect`):
    then it waits for them, at most ``wait`` seconds. So a lone request never waits. Items whose
    caller is gone leave the queue unrun. For use on one event loop.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        pool: Executor,
        size: int,
        wait: float = 0.0,
        side_by_side: int = 1,
    ) -> None:
        """Set up a batcher.

        Args:
            run: the work, called in a thread of ``pool``; one result for each item.
            pool: where batches run.
            size: items in a batch, at most.
            wait: seconds an item waits for announced ones, at most.
            side_by_side: batches that run at once.
        """
        self._run = run
        self._pool = pool
        self._size = size
        self._wait = wait
        self._free = side_by_side
        self._waiting: deque[_Entry[Item, Result]] = deque()
        self._expected = 0
        self._timer: asyncio.TimerHandle | None = None
        self.on_batch: Callable[[int], None] | None = None
        """Told the size of each batch."""
        self.dropped = 0
        """Items that left the queue because their caller was gone."""

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return len(self._waiting)

    @contextmanager
    def expect(self) -> Iterator[None]:
        """Announce an item that will come before the block ends, or not at all."""
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1
            if not self._expected:
                # Not at once: the announced item is submitted next, and belongs to the batch.
                asyncio.get_running_loop().call_soon(self._pump)

    async def submit(self, item: Item) -> Ran[Result]:
        """Have an item run with others.

        Raises:
            Exception: what ``run`` raises for it.
        """
        loop = asyncio.get_running_loop()
        entry: _Entry[Item, Result] = _Entry(item, loop.create_future())
        self._waiting.append(entry)
        self._pump()
        return await entry.future

    def _pump(self, *, patient: bool = True) -> None:
        """Start as many batches as may run now."""
        while self._free > 0 and self._waiting:
            if patient and self._expected and len(self._waiting) < self._size:
                left = self._waiting[0].since + self._wait - time.perf_counter()
                if left > 0:
                    self._wake_in(left)
                    return
            batch: list[_Entry[Item, Result]] = []
            share = min(self._size, math.ceil(len(self._waiting) / self._free))
            while self._waiting and len(batch) < share:
                entry = self._waiting.popleft()
                if entry.future.done():
                    self.dropped += 1
                else:
                    batch.append(entry)
            if batch:
                self._start(batch)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._pump()

    def _start(self, batch: list[_Entry[Item, Result]]) -> None:
        self._free -= 1
        if self.on_batch is not None:
            self.on_batch(len(batch))
        started = time.perf_counter()
        running = asyncio.get_running_loop().run_in_executor(
            self._pool, self._run, [entry.item for entry in batch]
        )
        running.add_done_callback(partial(self._finish, batch, started))

    def _finish(
        self,
        batch: list[_Entry[Item, Result]],
        started: float,
        running: asyncio.Future[Sequence[Result]],
    ) -> None:
        self._free += 1
        ran_ms = (time.perf_counter() - started) * 1000
        error = None if running.cancelled() else running.exception()
        if running.cancelled():
            for entry in batch:
                entry.future.cancel()
        elif error is None:
            for entry, result in zip(batch, running.result(), strict=True):
                if not entry.future.done():
                    waited_ms = (started - entry.since) * 1000
                    entry.future.set_result(Ran(result, waited_ms, ran_ms, len(batch)))
        elif len(batch) == 1:
            if not batch[0].future.done():
                batch[0].future.set_exception(error)
        else:
            # One of them is at fault; the others must not suffer from it.
            for entry in batch:
                self._start([entry])
        self._pump()
