"""One search through all its stages: turned away, too late, given up, finished at a stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from findalike.server.problems import Problem
from findalike.server.search_input import SearchInput
from findalike.server.service import Service
from findalike.server.settings import ServerSettings
from findalike.shop.page_request import PageRequest


@pytest.fixture
def asked(server_photos: Path) -> SearchInput:
    return SearchInput((server_photos / "6.jpg").read_bytes(), None, None, PageRequest(k=3))


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Closed; what waits at it goes on when a test opens it, or ends."""
    gate = threading.Event()
    yield gate
    gate.set()


@asynccontextmanager
async def started(shop: Path, **settings: Any) -> AsyncIterator[Service]:
    service = await Service.start(ServerSettings(shop=shop, **settings))
    try:
        yield service
    finally:
        await service.stop()


def held(work: Callable[..., Any], gate: threading.Event) -> Callable[..., Any]:
    """The work, once the gate is open."""

    def wait(*args: Any) -> Any:
        assert gate.wait(20)
        return work(*args)

    return wait


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def first(answer: dict[str, Any]) -> str:
    return answer["products"][0]["product_id"]


def test_many_at_once_are_answered_as_one_alone(server_shop: Path, server_photos: Path) -> None:
    async def run() -> None:
        async with started(server_shop) as service:
            searches = [
                SearchInput(
                    (server_photos / f"{n % 24}.jpg").read_bytes(), None, None, PageRequest()
                )
                for n in range(48)
            ]
            together = await asyncio.gather(*map(service.search, searches))
            alone = [await service.search(one) for one in searches[:24]]
            for found, known in zip(together, alone * 2, strict=True):
                # Batches add the same numbers in another order.
                assert [row["product_id"] for row in found["products"]] == [
                    row["product_id"] for row in known["products"]
                ]
            assert service.admission.taken == 0

    asyncio.run(run())


def test_a_full_queue_turns_away_and_says_until_when(
    server_shop: Path, asked: SearchInput, gate: threading.Event
) -> None:
    async def run() -> None:
        async with started(server_shop, queue=2) as service:
            service._prepare = held(service._prepare, gate)  # type: ignore[method-assign]
            waiting = [asyncio.create_task(service.search(asked)) for _ in range(2)]
            await until(lambda: service.admission.taken == 2)
            with pytest.raises(Problem) as refused:
                await service.search(asked)
            assert refused.value.status == 429
            assert int(refused.value.headers["Retry-After"]) >= 1
            with pytest.raises(Problem):
                await service.search_batch([asked])
            with pytest.raises(Problem):
                await service.similar("p01", PageRequest())
            gate.set()
            assert [first(answer) for answer in await asyncio.gather(*waiting)] == ["p03", "p03"]
            assert first(await service.search(asked)) == "p03"

    asyncio.run(run())


def test_a_search_that_takes_too_long_is_given_up(
    server_shop: Path, asked: SearchInput, gate: threading.Event
) -> None:
    async def run() -> None:
        async with started(server_shop, deadline=0.2) as service:
            service._prepare = held(service._prepare, gate)  # type: ignore[method-assign]
            embedded: list[int] = []
            service.embedder.on_batch = embedded.append
            # The gate stays shut: a search that waited for its photo would not end like this.
            with pytest.raises(Problem) as late:
                await service.search(asked)
            assert late.value.status == 503
            assert late.value.kind == "deadline"
            assert late.value.headers["Retry-After"]
            gate.set()
            await asyncio.sleep(0.1)
            assert embedded == []
            assert service.admission.taken == 0

    asyncio.run(run())


def test_work_of_those_who_are_gone_is_dropped_at_every_stage(
    server_shop: Path, asked: SearchInput, gate: threading.Event
) -> None:
    async def run() -> None:
        async with started(server_shop, batch_wait_ms=0) as service:
            prepared: list[int] = []
            prepare = service._prepare

            def counted(*args: Any) -> Any:
                prepared.append(1)
                assert gate.wait(20)
                return prepare(*args)

            service._prepare = counted  # type: ignore[method-assign]
            threads = service.settings.threads
            searches = [asyncio.create_task(service.search(asked)) for _ in range(threads + 5)]
            await until(lambda: len(prepared) == threads)
            for search in searches:
                search.cancel()
            await asyncio.gather(*searches, return_exceptions=True)
            assert service.admission.taken == 0
            gate.set()
            await asyncio.sleep(0.1)
            # Those in a thread could not be stopped; those that waited for one never ran.
            assert len(prepared) == threads
            assert service.embedder.waiting == 0

            gate.clear()
            service._prepare = prepare  # type: ignore[method-assign]
            service.embedder._run = held(service._embed, gate)
            searches = [asyncio.create_task(service.search(asked)) for _ in range(threads + 5)]
            await until(lambda: service.embedder.waiting == 5)
            for search in searches:
                search.cancel()
            gate.set()
            await until(lambda: service.embedder.dropped == 5)
            assert first(await service.search(asked)) == "p03"

    asyncio.run(run())


def test_a_batch_takes_as_many_places_as_it_has_photos(
    server_shop: Path, asked: SearchInput
) -> None:
    async def run() -> None:
        async with started(server_shop, queue=3) as service:
            assert len(await service.search_batch([asked] * 3)) == 3
            with pytest.raises(Problem):
                await service.search_batch([asked] * 4)

    asyncio.run(run())


def test_a_lone_search_does_not_wait_for_others(server_shop: Path, asked: SearchInput) -> None:
    async def run() -> None:
        async with started(server_shop, deadline=30) as service:
            service.embedder._wait = 3600.0  # a search that waited for others would be given up
            await service.search(asked)
            assert first(await service.search(asked)) == "p03"

    asyncio.run(run())


def test_a_shop_that_changes_is_searched_as_it_is(
    make_shop: Callable[..., Path], asked: SearchInput
) -> None:
    """Readers see what another process, here another opening, has written."""
    from findalike.shop.shop import Shop

    async def run() -> None:
        async with started(make_shop()) as service:
            before = await service.search(asked)
            assert first(before) == "p03"
            writer = Shop.open(service.shop.folder)
            writer.remove(["p03"])
            after = await service.search(asked)
            assert "p03" not in [row["product_id"] for row in after["products"]]
            assert after["shop_version"] > before["shop_version"]
            writer.rollback(before["shop_version"])
            assert first(await service.search(asked)) == "p03"

    asyncio.run(run())
