"""Rows that the vector index does not cover: found as if it did, whatever happens to the table."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from index_conformance import ids_of, random_vectors, table, unit

from findalike.index import fresh_rows
from findalike.index.embedded import EmbeddedIndex
from findalike.index.filters import Comparison, In, parse_filter
from findalike.index.fresh_rows import Fresh, FreshRows

SIZE = 16


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedIndex:
    """400 rows with a vector index, which is not extended for less than 500."""
    monkeypatch.setattr("findalike.index.lance_upkeep.EXACT_LIMIT", 0)
    monkeypatch.setattr("findalike.index.lance_upkeep.SMALL_CHANGE", 500)
    made = EmbeddedIndex.create(tmp_path / "index", embedding_size=SIZE)
    made.upsert(table([f"i{n:03d}" for n in range(400)], random_vectors(400)))
    made.optimise()
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Fresh | None]:
    """What searches got to know of the fresh rows, once for each version they looked at."""
    told: list[Fresh | None] = []
    original = FreshRows.of

    async def of(self, table, index):
        told.append(await original(self, table, index))
        return told[-1]

    monkeypatch.setattr(FreshRows, "of", of)
    return told


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How the fresh rows were found."""
    ways: list[str] = []

    def watched(name: str):
        original = getattr(fresh_rows, name)

        async def way(*given):
            found = await original(*given)
            if found is not None:
                ways.append(name)
            return found

        monkeypatch.setattr(fresh_rows, name, way)

    for name in ("_looked_through", "_grown", "_read_again"):
        watched(name)
    return ways


def compare(index: EmbeddedIndex, seed: int = 0, k: int = 30) -> None:
    queries = random_vectors(4, seed=1000 + seed)
    truth = index.search(queries, k=k, exact=True)
    found = index.search(queries, k=k)
    for got, expected in zip(found, truth, strict=True):
        assert [(h.image_id, h.score) for h in got] == [(h.image_id, h.score) for h in expected]


def unindexed(index: EmbeddedIndex) -> int:
    for found in index._run(index._table.list_indices()):
        if "vector" in found.columns:
            return found.num_unindexed_rows
    raise AssertionError("no vector index")


def test_new_rows_are_found_beside_the_graph(index, asked, looks):
    compare(index)
    assert asked == [None]
    for n in range(5):
        vectors = random_vectors(3, seed=10 + n)
        index.upsert(table([f"new{n}-{i}" for i in range(3)], vectors))
        compare(index, seed=n)
        assert ids_of(index.search(vectors[:1], k=1)[0]) == [f"new{n}-0"]
        fresh = asked[-1]
        assert fresh is not None
        assert len(fresh.row_ids) == fresh.unindexed == 3 * (n + 1)
    assert looks == ["_looked_through"] + ["_grown"] * 4


def test_changed_and_deleted_rows_are_followed(index, asked, looks):
    index.upsert(table(["a", "b", "c"], random_vectors(3, seed=1)))
    compare(index)
    index.upsert(table(["b", "i001"], random_vectors(2, seed=2)))
    compare(index)
    index.delete(Comparison("image_id", "=", "c"))
    compare(index)
    index.delete(In("image_id", ("i002", "i003")))
    compare(index)
    index.delete(In("image_id", ("a", "b", "i001")))
    compare(index)
    assert looks == ["_looked_through", "_read_again", "_read_again", "_grown"]
    assert [len(f.row_ids) if f else None for f in asked] == [3, 4, 3, 3, None]


def test_snapshots_see_the_rows_of_their_version(index, looks):
    index.upsert(table(["a"], random_vectors(1, seed=1)))
    old = index.snapshot()
    index.upsert(table(["b"], random_vectors(1, seed=2)))
    new = index.snapshot()
    for _ in range(2):
        for view in (old, new, index, index.snapshot(old.version), index.snapshot(new.version)):
            compare(view)
    assert ids_of(old.search(random_vectors(1, seed=2), k=500)[0]).count("b") == 0
    assert looks.count("_looked_through") == 1


def test_filters_are_lances(index, asked):
    index.upsert(table(["a"], random_vectors(1, seed=1)))
    where = parse_filter("image_id = 'a'", index.fields)
    assert ids_of(index.search(random_vectors(1), k=3, where=where)[0]) == ["a"]
    assert asked == []


def test_equal_rows_are_all_found(index):
    """Fewer than all of the best would be arbitrary: equal scores go by their ids."""
    same = np.repeat(random_vectors(1, seed=7), 60, axis=0)
    index.upsert(table([f"same{n:02d}" for n in range(60)], same))
    found = index.search(same[:1], k=20)[0]
    assert ids_of(found) == [f"same{n:02d}" for n in range(20)]


def test_too_many_are_left_to_lance(index, asked, monkeypatch):
    monkeypatch.setattr(fresh_rows, "MOST_ROWS", 5)
    for n in range(4):
        index.upsert(table([f"new{n}-{i}" for i in range(2)], random_vectors(2, seed=n)))
        compare(index, seed=n)
    assert [len(f.row_ids) if f else None for f in asked] == [2, 4, None, None]


def test_small_files_that_are_covered_are_no_harm(index, asked, monkeypatch):
    """A graph built anew covers small files: their rows are found twice, and told once."""
    index.upsert(table([f"small{n}" for n in range(3)], random_vectors(3, seed=1)))
    index._build_vector_index()
    assert unindexed(index) == 0
    index.upsert(table([f"more{n}" for n in range(8)], random_vectors(8, seed=2)))
    compare(index)
    fresh = asked[-1]
    assert fresh is not None
    assert (len(fresh.row_ids), fresh.unindexed) == (11, 8)
    index.upsert(table(["last"], random_vectors(1, seed=3)))
    index.delete(Comparison("image_id", "=", "small1"))
    compare(index)
    hits = index.search(random_vectors(1, seed=1), k=500)[0]
    assert len(set(ids_of(hits))) == len(hits) == 400 + 3 + 8 + 1 - 1


def test_a_search_that_is_given_up_leaves_the_rows_to_others(index):
    index.upsert(table(["a"], random_vectors(1, seed=1)))
    reader = index._current()

    async def given_up() -> Fresh | None:
        first = asyncio.create_task(reader._fresh_rows())
        await asyncio.sleep(0)
        first.cancel()
        return await reader._fresh_rows()

    fresh = index._run(given_up())
    assert fresh is not None
    assert len(fresh.row_ids) == 1


def test_a_failed_look_is_repeated(index, monkeypatch):
    index.upsert(table(["a"], random_vectors(1, seed=1)))
    original = fresh_rows._row_ids
    failures = iter([OSError("disk")])

    async def failing(query):
        for failure in failures:
            raise failure
        return await original(query)

    monkeypatch.setattr(fresh_rows, "_row_ids", failing)
    with pytest.raises(Exception, match="disk"):
        index.search(random_vectors(1), k=3)
    compare(index)


@pytest.mark.parametrize("seed", range(4))
def test_any_history(index, asked, looks, monkeypatch, seed):
    """Writes, deletions, upkeep and rollbacks in any order: always what exact search finds."""
    monkeypatch.setattr("findalike.index.lance_upkeep.SMALL_CHANGE", 40)
    monkeypatch.setattr("findalike.index.lance_upkeep.MAX_SEGMENTS", 2)
    rng = np.random.default_rng(seed)
    versions = [index.version]
    for step in range(60):
        known = sorted(row["image_id"] for b in index.fetch() for row in b.to_pylist())
        kind = rng.choice(["add", "add", "change", "delete", "merge", "settle", "back", "build"])
        some = [known[i] for i in rng.choice(len(known), size=min(4, len(known)), replace=False)]
        vectors = unit(rng.normal(size=(4, SIZE)).astype(np.float32))
        if kind == "add":
            index.upsert(table([f"s{step}-{n}" for n in range(4)], vectors))
        elif kind == "change":
            index.upsert(table(some, vectors[: len(some)]))
        elif kind == "delete":
            index.delete(In("image_id", tuple(some)))
        elif kind == "merge":
            index.optimise(quick=True)
        elif kind == "settle":
            index.optimise()
        elif kind == "build":
            index._build_vector_index()
        else:
            index.rollback(int(rng.choice(versions)))
        if step % 3:  # not every version is searched in
            compare(index, seed=step)
        versions.append(index.version)
    assert sum(fresh is not None for fresh in asked) >= 15
    assert {"_looked_through", "_grown"} <= set(looks)
