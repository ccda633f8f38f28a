"""Rows kept in memory: bounded, the used ones longest, and true in every version."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from findalike.index.embedded import EmbeddedIndex
from findalike.index.filter_tree import Comparison
from findalike.index.row_cache import CachedRow, RowCache
from findalike.index.schema import image_rows

ROW = CachedRow(np.zeros(8, np.float32), "x" * 68)  # 500 bytes with Python's share


def test_rows_come_back() -> None:
    cache = RowCache(10_000)
    cache.put(1, ROW)
    assert cache.get([1, 2]) == {1: ROW}
    cache.put(1, ROW)
    assert len(cache) == 1


def test_memory_is_bounded() -> None:
    cache = RowCache(10_000)
    for row_id in range(1000):
        cache.put(row_id, ROW)
        assert len(cache) <= 20
    assert cache.get([999]) == {999: ROW}
    assert cache.get([5]) == {}


def test_what_is_used_stays() -> None:
    cache = RowCache(10_000)
    cache.put(0, ROW)
    for row_id in range(1, 200):
        cache.put(row_id, ROW)
        assert cache.get([0]) == {0: ROW}


def write(index: EmbeddedIndex, titles: dict[str, str], first: int = 0) -> None:
    vectors = np.eye(8, dtype=np.float32)[[(first + n) % 8 for n in range(len(titles))]]
    rows = [{"image_id": i, "product_id": i, "title": t} for i, t in titles.items()]
    index.upsert(image_rows(rows, vectors, {}))


def titles(index: EmbeddedIndex) -> dict[str, object]:
    query = np.full((1, 8), 8**-0.5, np.float32)
    hits = index.search(query, k=50, columns=["title"])[0]
    return {hit.image_id: hit.row["title"] for hit in hits}


def test_every_version_gives_its_own_rows(tmp_path: Path) -> None:
    """Changed, removed, rolled back and written anew, each search sees what its version holds."""
    index = EmbeddedIndex.create(tmp_path / "index", embedding_size=8)
    write(index, {"a": "a1", "b": "b1", "c": "c1"})
    first = index.version
    expected = {"a": "a1", "b": "b1", "c": "c1"}
    assert titles(index) == expected
    for turn in range(6):
        write(index, {"b": f"b{turn}", f"d{turn}": "d"}, first=turn)
        changed = expected | {"b": f"b{turn}", f"d{turn}": "d"}
        assert titles(index) == changed
        index.delete(Comparison("image_id", "=", "a"))
        del changed["a"]
        assert titles(index) == changed
        if turn % 2:
            index.optimise()
        assert titles(index) == changed
        index.rollback(first)
        assert titles(index) == expected
        # Written after a rollback, where an engine might use row ids again.
        write(index, {"e": f"e{turn}"})
        assert titles(index) == expected | {"e": f"e{turn}"}
        index.delete(Comparison("image_id", "=", "e"))
