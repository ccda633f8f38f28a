"""The rows that the vector index does not cover yet, kept in memory and compared there.

Beside its graph, Lance reads such rows from their files for every search: 6 ms of processor time
where one row is fresh and 15 ms where 1,700 are, of the 4 ms that the graph of 100,000 takes. A
shop that changes all the time always has some. Here each of them is read once, and a version that
adds a few costs their reading (2 ms).

Which rows these are, Lance does not tell, only how many, and where its scans begin. So:

- A file with more rows than all fresh ones together is covered. The fresh rows are therefore among
  those from the first smaller file on, ``since``. Looking for it reads all row ids (20 ms of
  100,000), once for each state of the vector index.
- Ids of rows rise with time and are never given twice, and scans go by them; both are checked, and
  ``tests/index/test_fresh_rows.py`` holds Lance to it. While the vector index stays the same, rows
  from ``since`` on are thus the last ones, and how many come before them is known.

Covered rows may be among them, where files are small: they are found twice and told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from findalike.index.schema import VECTOR, vectors_of
from findalike.types import Embeddings

MOST_ROWS = 10_000
"""Rows that are kept: 20 MB of 512 numbers each. Beyond, Lance reads them for every search."""

ROUNDING = 1e-5
"""By how much a cosine in float32 may be off; the least that a row has to be better by is taken
so much lower, and the scores that are told are computed from the stored vectors in float64."""

FILE_BITS = np.uint64(32)
"""The upper half of Lance's row ids is the number of the file."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """The rows of one version that its vector index may lack.

    Attributes:
        row_ids: shape (n,), uint64, rising.
        vectors: shape (n, d), float32, of length 1.
        unindexed: how many of them it does lack.
    """

    row_ids: NDArray[np.uint64]
    vectors: Embeddings
    unindexed: int

    def among_best(
        self, query: Embeddings, k: int, others: Sequence[int], scores: NDArray[np.float64]
    ) -> list[int]:
        """Ids of the rows that can be among the best k, of themselves and of others.

        Args:
            query: shape (d,).
            k: how many are wanted.
            others: ids of m rows that were found elsewhere; they are not told again.
            scores: theirs, shape (m,).
        """
        new = ~np.isin(self.row_ids, np.asarray(others, dtype=np.uint64))
        # Not a product by BLAS: its threads wait for each other by spinning, which would take as
        # much of the processors as all the rest of a search.
        mine = np.einsum("nd,d->n", self.vectors, query / np.linalg.norm(query))[new]
        row_ids = self.row_ids[new]
        everyone = np.concatenate([mine, scores])
        if everyone.size > k:
            last = np.partition(everyone, everyone.size - k)[everyone.size - k]
            row_ids = row_ids[mine >= last - ROUNDING]
        best: list[int] = row_ids.tolist()
        return best


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found in the version that was looked at last."""

    index: tuple[Any, ...]
    """What the vector index is known by."""

    since: np.uint64
    """The rows with ids from here on are those of ``fresh``."""

    covered: int
    """How many of them the vector index covers."""

    fresh: Fresh | None
    """None if they are too many."""


class FreshRows:
    """The fresh rows of each version in turn; for one event loop."""

    def __init__(self) -> None:
        """Begin without any."""
        self._known: _Known | None = None

    async def of(self, table: Any, index: Any) -> Fresh | None:
        """The rows that the vector index may lack; None if it lacks none, or too many.

        Args:
            table: a table at one version.
            index: what its ``list_indices`` tells of the vector index.
        """
        fresh = index.num_unindexed_rows
        if not fresh or index.num_indexed_rows is None or fresh > MOST_ROWS:
            return None
        state = (index.index_uuid, index.created_at, index.num_segments)
        known = self._known
        found = None
        if known is not None and known.index == state:
            if known.fresh is None or fresh + known.covered > MOST_ROWS:
                return None
            before = index.num_indexed_rows - known.covered
            if not known.covered:
                found = await _grown(table, known, known.fresh, before, fresh)
            found = found or await _read_again(table, known, known.fresh, before, fresh)
        found = found or await _looked_through(table, state, fresh)
        self._known = found
        return found.fresh


async def _looked_through(table: Any, state: tuple[Any, ...], fresh: int) -> _Known:
    """Find the first file that may not be covered, and read from there on."""
    ids = await _row_ids(table.query())
    files, counts = np.unique(ids >> FILE_BITS, return_counts=True)
    since = files[counts <= fresh].min(initial=files[-1]) << FILE_BITS
    first = int(np.searchsorted(ids, since))
    rows = len(ids) - first
    if not fresh <= rows <= MOST_ROWS or not _rising(ids):
        return _Known(state, since, 0, None)
    ids, vectors = await _with_vectors(table.query().offset(first))
    return _Known(state, since, rows - fresh, Fresh(ids, vectors, fresh))


async def _grown(table: Any, known: _Known, last: Fresh, before: int, fresh: int) -> _Known | None:
    """Read what came after the last row known, if all that are known are still there.

    Only where none of them is covered: ``before`` would be off by those that have gone.
    """
    here = len(last.row_ids)
    if fresh < here:
        return None
    ids, vectors = await _with_vectors(table.query().offset(before + here - 1))
    # The last row is in its place: none of the rows before it has gone.
    if len(ids) != fresh - here + 1 or ids[0] != last.row_ids[-1]:
        return None
    if not _rising(ids):
        return None
    grown = Fresh(
        np.concatenate([last.row_ids, ids[1:]]), np.concatenate([last.vectors, vectors[1:]]), fresh
    )
    return _Known(known.index, known.since, 0, grown)


async def _read_again(
    table: Any, known: _Known, last: Fresh, before: int, fresh: int
) -> _Known | None:
    """Read which rows there are, and the vectors of those that are not known."""
    at = max(before - 1, 0)
    ids = await _row_ids(table.query().offset(at))
    # One row from before ``since``, if there is one, then only rows from there on.
    if not _rising(ids) or np.searchsorted(ids, known.since) != before - at:
        return None
    ids = ids[before - at :]
    if len(ids) != fresh + known.covered or len(ids) > MOST_ROWS:
        return None
    stay = np.isin(last.row_ids, ids, assume_unique=True)
    coming = np.setdiff1d(ids, last.row_ids, assume_unique=True)
    kept, vectors = last.row_ids[stay], last.vectors[stay]
    if coming.size:
        new_ids, new_vectors = await _with_vectors(table.take_row_ids(coming.tolist()))
        kept, vectors = np.concatenate([kept, new_ids]), np.concatenate([vectors, new_vectors])
        order = np.argsort(kept)
        kept, vectors = kept[order], vectors[order]
    if not np.array_equal(kept, ids):
        return None
    return _Known(known.index, known.since, known.covered, Fresh(ids, vectors, fresh))


async def _row_ids(query: Any) -> NDArray[np.uint64]:
    numbers: NDArray[np.uint64] = _ids_of(await query.select([]).with_row_id().to_arrow())
    return numbers


async def _with_vectors(query: Any) -> tuple[NDArray[np.uint64], Embeddings]:
    rows = await query.select([VECTOR]).with_row_id().to_arrow()
    vectors = vectors_of(rows).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return _ids_of(rows), vectors


def _ids_of(rows: pa.Table) -> NDArray[np.uint64]:
    ids: NDArray[np.uint64] = rows.column("_rowid").to_numpy()
    return ids


def _rising(ids: NDArray[np.uint64]) -> bool:
    return bool(np.all(ids[1:] > ids[:-1]))
