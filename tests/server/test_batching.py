"""Batches: a lone item never waits, announced ones are waited for, the gone are left out."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from findalike.server.batching import Batcher, Ran


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


class Work:
    """Doubles numbers; holds each batch until the gate is open."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.gate.wait(10)
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


def test_a_lone_item_does_not_wait(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        batcher = Batcher(Work(), pool=pool, size=8, wait=3600.0)
        ran = await asyncio.wait_for(batcher.submit(3), 30)
        assert ran.result == 6

    asyncio.run(run())


def test_what_comes_while_a_batch_runs_is_the_next_batch(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        work = Work()
        work.gate.clear()
        batcher = Batcher(work, pool=pool, size=3)
        tasks = [asyncio.create_task(batcher.submit(n)) for n in range(6)]
        await asyncio.sleep(0.05)
        assert batcher.waiting == 5
        work.gate.set()
        results = [ran.result for ran in await asyncio.gather(*tasks)]
        assert results == [0, 2, 4, 6, 8, 10]
        assert work.batches == [[0], [1, 2, 3], [4, 5]]

    asyncio.run(run())


def test_an_announced_item_is_waited_for(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        work = Work()
        batcher = Batcher(work, pool=pool, size=8, wait=10.0)
        with batcher.expect():
            first = asyncio.create_task(batcher.submit(1))
            await asyncio.sleep(0.02)
            assert work.batches == []
        second = asyncio.create_task(batcher.submit(2))
        await asyncio.gather(first, second)
        assert work.batches == [[1], [2]]

    asyncio.run(run())


def test_an_announced_item_joins_those_that_wait(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        work = Work()
        batcher = Batcher(work, pool=pool, size=8, wait=10.0)

        async def come(item: int, after: float) -> None:
            with batcher.expect():
                await asyncio.sleep(after)
            await batcher.submit(item)

        await asyncio.gather(come(1, 0.0), come(2, 0.05))
        assert work.batches == [[1, 2]]

    asyncio.run(run())


def test_the_wait_is_bounded(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        batcher = Batcher(Work(), pool=pool, size=8, wait=0.05)
        with batcher.expect():
            ran = await asyncio.wait_for(batcher.submit(1), 30)
        assert ran.waited_ms >= 45

    asyncio.run(run())


def test_a_full_batch_does_not_wait(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        batcher = Batcher(Work(), pool=pool, size=2, wait=3600.0)
        with batcher.expect():
            work = asyncio.gather(batcher.submit(1), batcher.submit(2))
            await asyncio.wait_for(work, 30)

    asyncio.run(run())


def test_free_workers_share_what_waits(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        work = Work()
        batcher = Batcher(work, pool=pool, size=8, wait=60.0, side_by_side=2)
        with batcher.expect():
            tasks = [asyncio.create_task(batcher.submit(n)) for n in range(4)]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert sorted(work.batches) == [[0, 1], [2, 3]]

    asyncio.run(run())


def test_those_who_are_gone_are_not_run(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        work = Work()
        work.gate.clear()
        batcher = Batcher(work, pool=pool, size=8)
        tasks = [asyncio.create_task(batcher.submit(n)) for n in range(4)]
        await asyncio.sleep(0.02)
        tasks[1].cancel()
        tasks[3].cancel()
        await asyncio.sleep(0)
        work.gate.set()
        assert (await tasks[2]).result == 4
        assert work.batches == [[0], [2]]
        assert batcher.dropped == 2

    asyncio.run(run())


def test_one_bad_item_harms_no_other(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        work = Work()
        work.gate.clear()
        batcher = Batcher(work, pool=pool, size=8)
        tasks = [asyncio.create_task(batcher.submit(n)) for n in (1, 12, 13, 14)]
        await asyncio.sleep(0.02)
        work.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [getattr(r, "result", r) for r in results[:2]] == [2, 24]
        assert isinstance(results[2], ValueError)
        assert results[3].result == 28
        assert (await batcher.submit(5)).result == 10

    asyncio.run(run())


def test_sizes_of_batches_are_told(pool: ThreadPoolExecutor) -> None:
    async def run() -> None:
        told: list[int] = []
        batcher = Batcher(Work(), pool=pool, size=8)
        batcher.on_batch = told.append
        await batcher.submit(1)
        assert told == [1]

    asyncio.run(run())


def test_the_queue_goes_on_while_a_failed_batch_is_run_anew(pool: ThreadPoolExecutor) -> None:
    def run(items: Sequence[str]) -> Sequence[str]:
        time.sleep(0.02)
        if "bad" in items:
            raise ValueError("bad")
        return items

    async def main() -> list[object]:
        batcher = Batcher(run, pool=pool, size=3)
        early = [asyncio.create_task(batcher.submit(item)) for item in ("a", "b", "bad", "c")]
        await asyncio.sleep(0.03)  # the batch (b, bad, c) is under way
        late = [asyncio.create_task(batcher.submit(item)) for item in ("d", "e", "f", "g")]
        outcomes = await asyncio.gather(*early, *late, return_exceptions=True)
        return [o.result if isinstance(o, Ran) else str(o) for o in outcomes]

    async def in_time() -> list[object]:
        return await asyncio.wait_for(main(), 30)

    assert asyncio.run(in_time()) == ["a", "b", "bad", "c", "d", "e", "f", "g"]
