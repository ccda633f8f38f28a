"""Very many downloads at once, at a pace that each server can bear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from findalike.data.fetch import Fetcher, TryAgainError
from findalike.errors import FetchError, FindalikeError, SettingError, StorageError

Saved = TypeVar("Saved")

READ_AHEAD = 16
"""Jobs taken from the list for each connection, so that a server that rests holds up no other."""

MOST_FAILURES = 50
"""Downloads in a row that fail for reasons that pass, until the network itself is to blame."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard servers are asked.

    Attributes:
        connections: transfers at once.
        per_host: transfers at once from one server.
        rate: requests a second to one server.
        retries: further tries after a failure that may pass.
        backoff: seconds before the first of them, doubled for each one after, unless the server
            asks for another pause (``Retry-After``). A server that says it is asked too much is
            left alone for that long by all downloads.
        patience: the longest pause a server is granted; one that asks for more is given up.

    Raises:
        SettingError: if a value is out of range.
    """

    connections: int = 16
    per_host: int = 8
    rate: float = 20.0
    retries: int = 4
    backoff: float = 1.0
    patience: float = 120.0

    def __post_init__(self) -> None:
        for name in ("connections", "per_host", "rate"):
            if getattr(self, name) <= 0:
                raise SettingError(f"{name} is {getattr(self, name):g}: it must be above 0")
        for name in ("retries", "backoff", "patience"):
            if getattr(self, name) < 0:
                raise SettingError(f"{name} is {getattr(self, name):g}: it must be 0 or more")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a download failed.

    Attributes:
        final: False if it may go better another time.
    """

    reason: str
    final: bool


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore
    next_start: float = 0.0
    rests_until: float = 0.0


@dataclass(slots=True)
class _Run:
    transfers: asyncio.Semaphore
    pool: ThreadPoolExecutor
    hosts: dict[str, _Host] = field(default_factory=dict)
    failures: int = 0


class Downloader(Generic[Saved]):
    """Downloads a list of URLs, however long, in bounded memory."""

    def __init__(
        self, fetcher: Fetcher, *, save: Callable[[bytes], Saved], pace: Pace | None = None
    ) -> None:
        """Set up the downloads.

        Args:
            fetcher: makes each try, within its bounds of bytes, time and addresses.
            save: called with the content of each, in one of many threads. An error of findalike's
                own says that the content is of no use, which is final; `StorageError` ends all.
        """
        self._fetcher = fetcher
        self._save = save
        self._pace = pace or Pace()

    def run(
        self,
        jobs: Iterable[tuple[int, str]],
        take: Callable[[int, Saved | Failure], None],
    ) -> None:
        """Download all; returns when the last is done.

        Args:
            jobs: a number and the URL of each; read little by little, in the caller's thread.
            take: called in the caller's thread with the number and what ``save`` made of it, or why
                there is nothing.

        Raises:
            FetchError: if the network seems to be gone. What was taken until then stays.
            StorageError: if ``save`` raises it.
        """
        asyncio.run(self._run(jobs, take))

    async def _run(
        self, jobs: Iterable[tuple[int, str]], take: Callable[[int, Saved | Failure], None]
    ) -> None:
        pace = self._pace
        with ThreadPoolExecutor(pace.connections, "download") as pool:
            run = _Run(asyncio.Semaphore(pace.connections), pool)
            window = asyncio.Semaphore(pace.connections * READ_AHEAD)
            # Unlike gather, a group ends the others as soon as one raises.
            try:
                async with asyncio.TaskGroup() as group:
                    for number, url in jobs:
                        await window.acquire()
                        task = group.create_task(self._job(run, number, url, take))
                        task.add_done_callback(lambda _: window.release())
            except* FindalikeError as errors:
                raise _first(errors) from None

    async def _job(
        self, run: _Run, number: int, url: str, take: Callable[[int, Saved | Failure], None]
    ) -> None:
        outcome = await self._tried(run, url)
        passing = isinstance(outcome, Failure) and not outcome.final
        run.failures = run.failures + 1 if passing else 0
        take(number, outcome)
        if isinstance(outcome, Failure) and run.failures >= MOST_FAILURES:
            raise FetchError(
                f"the last {run.failures} downloads failed, such as {outcome.reason}: see whether "
                f"the network is there, then run the same command again to go on"
            )

    async def _tried(self, run: _Run, url: str) -> Saved | Failure:
        """Try until it works, is hopeless or has been tried often enough."""
        pace = self._pace
        host = run.hosts.setdefault(_host(url), _Host(asyncio.Semaphore(pace.per_host)))
        pause = pace.backoff
        for tries in range(pace.retries + 1):
            async with host.slots:
                await self._turn(host)
                try:
                    return await self._transfer(run, url)
                except TryAgainError as error:
                    wait = error.pause or pause
                    told = f"{url}: {error}"
                    if wait > pace.patience:
                        return Failure(f"{told}, and asks to wait {wait:g} seconds", final=False)
                    if error.busy:
                        now = asyncio.get_running_loop().time()
                        host.rests_until = max(host.rests_until, now + wait)
                except StorageError:
                    raise
                except FindalikeError as error:
                    return Failure(str(error), final=True)
            if tries < pace.retries:
                await asyncio.sleep(wait)
                pause *= 2
        return Failure(told, final=False)

    async def _turn(self, host: _Host) -> None:
        """Wait until the server may be asked once more."""
        loop = asyncio.get_running_loop()
        start = max(loop.time(), host.next_start, host.rests_until)
        while True:
            host.next_start = max(host.next_start, start) + 1 / self._pace.rate
            await asyncio.sleep(start - loop.time())
            if host.rests_until <= loop.time():
                return
            start = max(host.next_start, host.rests_until)

    async def _transfer(self, run: _Run, url: str) -> Saved:
        def work() -> Saved:
            return self._save(self._fetcher.fetch_once(url))

        async with run.transfers:
            return await asyncio.get_running_loop().run_in_executor(run.pool, work)


def _host(url: str) -> str:
    """The server of a URL; what is wrong with one is found where it is fetched."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _first(errors: BaseExceptionGroup[FindalikeError]) -> FindalikeError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
