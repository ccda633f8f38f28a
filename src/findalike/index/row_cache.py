"""Rows that searches met lately, kept in memory.

Two thirds of a search go into reading the vectors and the packed rows of its candidates, scattered
over the files. Products that many searches meet need not be read each time.

What is kept under a row id holds for every version of the table: Lance never gives the id of a row
to another one, not even after a rollback (``tests/index/test_row_cache.py`` holds it to that), and
a changed row gets a new id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from findalike.types import Embeddings

CACHE_BYTES = 96_000_000
"""Memory for rows, about: 30,000 of 512 numbers each."""

_ENTRY_BYTES = 400  # Python's own share of an entry


@dataclass(frozen=True, slots=True)
class CachedRow:
    """A row's stored vector, shape (d,), and its packed values."""

    vector: Embeddings
    packed: str


class RowCache:
    """Rows by their ids, the ones least lately used forgotten first; for one thread.

    They are in two generations: a row that is used moves to the young one, and when that is full
    it becomes the old one, whose rows are forgotten. That costs less than an exact order of use.
    """

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        """Make an empty cache.

        Args:
            most_bytes: memory for the rows of both generations, about.
        """
        self._half = most_bytes // 2
        self._young: dict[int, CachedRow] = {}
        self._old: dict[int, CachedRow] = {}
        self._young_bytes = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, row_ids: Iterable[int]) -> dict[int, CachedRow]:
        """Those of the rows that are here."""
        found = {}
        for row_id in row_ids:
            row = self._young.get(row_id)
            if row is None:
                row = self._old.pop(row_id, None)
                if row is None:
                    continue
                self._keep(row_id, row)
            found[row_id] = row
        return found

    def put(self, row_id: int, row: CachedRow) -> None:
        """Keep a row."""
        self._old.pop(row_id, None)
        if row_id not in self._young:
            self._keep(row_id, row)

    def _keep(self, row_id: int, row: CachedRow) -> None:
        size = row.vector.nbytes + len(row.packed) + _ENTRY_BYTES
        if self._young_bytes + size > self._half:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young[row_id] = row
        self._young_bytes += size
