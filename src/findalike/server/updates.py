"""Changes of single products, gathered into commits beside the searches.

::

    change -> queue (bounded) -> gathered for some milliseconds -> one commit -> answered

Whoever sends a change is answered when its commit is done: from then on every search of every
worker sees it, and no killed process loses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from findalike.errors import FindalikeError, ShopLockedError
from findalike.server.admission import busy
from findalike.server.logs import server_log
from findalike.server.problems import Problem
from findalike.shop.changes import Change, WriteOutcome, Written
from findalike.shop.shop import Shop

GATHER_SECONDS = 0.01
"""How long a change waits for others when no commit came just before."""

COMMIT_SECONDS = 0.05
"""The least time between the starts of two commits: searches read each commit's files."""

GROUP = 64
"""Changes in one commit, at most."""

QUEUE = 256
"""Changes that wait, at most."""

LOCK_SECONDS = 2.0
"""How long a commit waits for another process that is writing."""

TEND_COMMITS = 16
"""Commits between two looks of the caretaker."""

TEND_SECONDS = 30.0

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting:
    change: Change
    future: asyncio.Future[WriteOutcome]
    since: float = field(default_factory=time.perf_counter)


class Updates:
    """The one place of a worker where products are changed; made by ``start`` on its loop."""

    def __init__(self, shop: Shop, *, on_commit: Callable[[float], None] | None = None) -> None:
        """Set up the queue.

        Args:
            on_commit: told the seconds each change waited until it could be searched.
        """
        self.shop = shop
        self._on_commit = on_commit
        self._log = server_log()
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._held = 0
        self._writing = ThreadPoolExecutor(1, "write")
        self._tending = ThreadPoolExecutor(1, "tend")
        self._caretaker = shop.caretaker()
        self._tidying: subprocess.Popen[bytes] | None = None
        self._tended: asyncio.Future[None] | None = None
        self._commits = self._changed = 0
        self._last = self._last_tended = time.monotonic()
        self._loop_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._loop_task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Commit what was accepted, then end."""
        while self._held:
            await asyncio.sleep(0.005)
        if self._loop_task is not None:
            self._loop_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop_task
        if self._tended is not None:
            await asyncio.wait({self._tended}, timeout=5.0)
        with contextlib.suppress(FindalikeError):
            await self._in(self._tending, self._caretaker.note)
        self._writing.shutdown(wait=False)
        self._tending.shutdown(wait=False)
        if self._tidying is not None and self._tidying.poll() is None:
            self._tidying.terminate()

    async def submit(self, change: Change) -> Written:
        """Have a change carried out; returns once it can be searched.

        It is carried out also if the caller goes meanwhile.

        Raises:
            Problem: 429 if too many changes wait; 503 if another process is writing to the shop.
            FindalikeError: if it cannot be carried out.
        """
        if self._held >= QUEUE:
            raise busy(f"{self._held} changes wait", 1.0)
        waiting = _Waiting(change, asyncio.get_running_loop().create_future())
        self._held += 1
        self._queue.put_nowait(waiting)
        outcome = await asyncio.shield(waiting.future)
        if isinstance(outcome, ShopLockedError):
            raise locked()
        if isinstance(outcome, FindalikeError):
            raise outcome
        return outcome

    async def exclusively(self, work: Callable[[], T]) -> T:
        """Run other work that writes to the shop in turn with the commits."""
        return await self._in(self._writing, work)

    async def _run(self) -> None:
        while True:
            try:
                first = await asyncio.wait_for(self._queue.get(), TEND_SECONDS)
            except TimeoutError:
                self._tend()
                continue
            pause = max(GATHER_SECONDS, self._last + COMMIT_SECONDS - time.monotonic())
            await asyncio.sleep(pause)
            group = [first]
            while len(group) < GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            self._last = time.monotonic()
            await self._commit(group)
            if self._commits >= TEND_COMMITS or time.monotonic() - self._last_tended > TEND_SECONDS:
                self._tend()

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        changes = [waiting.change for waiting in group]
        outcomes: Sequence[WriteOutcome]
        try:
            outcomes = await self._in(
                self._writing, lambda: self.shop.write(changes, wait=LOCK_SECONDS)
            )
        except FindalikeError as error:
            outcomes = [error] * len(group)
            if not isinstance(error, ShopLockedError):
                self._log.error("write failed", error=str(error))
        except Exception as error:
            for waiting in group:
                _settle(waiting.future, error)
            self._held -= len(group)
            self._log.exception("write failed")
            return
        now = time.perf_counter()
        self._commits += 1
        self._held -= len(group)
        for waiting, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Written):
                self._changed += outcome.outcome not in ("unchanged", "missing")
                if self._on_commit is not None:
                    self._on_commit(now - waiting.since)
            _settle(waiting.future, outcome)

    def _tend(self) -> None:
        """Have the caretaker look after the shop, unless it still does."""
        if not self._commits or (self._tended is not None and not self._tended.done()):
            return
        self._tended = asyncio.ensure_future(self._look_after())

    async def _look_after(self) -> None:
        changed, self._changed, self._commits = self._changed, 0, 0
        self._last_tended = time.monotonic()
        try:
            due = await self._in(self._tending, lambda: self._caretaker.tend(changed))
        except FindalikeError as error:
            self._log.warning("upkeep failed", error=str(error))
            return
        if due and (self._tidying is None or self._tidying.poll() is not None):
            # In a process of its own, which gives way to searches: it takes all CPUs for half a
            # minute in a shop of 100,000 images.
            command = [sys.executable, "-m", "findalike.server.tidy_process"]
            self._tidying = subprocess.Popen(  # noqa: S603 - our own module and the shop's folder
                [*command, str(self.shop.folder)],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)


def locked() -> Problem:
    """The problem of a shop that another process is writing to."""
    return Problem(
        503,
        "shop-locked",
        "another process is writing to the shop, such as an import by the command line",
        next_step="try again after 5 seconds; nothing was changed",
        title="The shop is being written to",
        headers={"Retry-After": "5"},
    )


def _settle(future: asyncio.Future[WriteOutcome], outcome: WriteOutcome | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Written | FindalikeError):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)
