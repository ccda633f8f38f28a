"""Keeping the images table fast and small: indexes, small files, old versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from lancedb.index import Bitmap, BTree, HnswSq, LabelList

from findalike.index.fresh_rows import FILE_BITS
from findalike.index.schema import VECTOR
from findalike.types import FieldType

EXACT_LIMIT = 2_000_000
"""Numbers (rows times embedding size) up to which searches read every vector."""

ATTRIBUTE_INDEX_ROWS = 20_000
"""Rows from which attributes are indexed; below, reading a column whole costs under 1 ms."""

SMALL_CHANGE = 250
"""Rows the vector index may lack: searches compare them in memory (``fresh_rows``), those with a
filter read them, in about 5 ms."""

MAX_FRAGMENTS = 16
"""Files up to which so small a change is left alone."""

MAX_SEGMENTS = 8
"""Parts of the vector index beyond which it is built anew: each adds about 0.4 ms to a search."""

LARGE_CHANGE = 4_000
"""Rows written in small steps that the vector index may lack until they get a part of their own."""

MANY_FRAGMENTS = 64
"""Files that small steps may leave until all of them are merged."""

SMALL_FILES = 8
"""Small files from which they are merged among themselves, at 36 ms of CPU."""

SMALL_FILE_ROWS = 64
"""Rows of a small file, at most. A search with a filter takes 7 to 8 ms beside one file of fresh
rows and 9 to 12 beside 20 of them."""

# Recall and speed of other settings: benchmarks/index_scale.py.
_VECTOR_INDEX = HnswSq(distance_type="cosine", m=16, ef_construction=150)
_FOREVER = timedelta(days=365 * 100)
_FIXED_INDEXES = ("image_id", "product_id", "sha256", "category", "price")


async def settle_table(table: Any, attributes: Mapping[str, FieldType]) -> None:
    """Merge small files, extend the indexes that are there and build those of columns."""
    rows = await table.count_rows()
    if not rows or await _not_worth_it(table):
        return
    # Lance forgets versions of more than a week in passing; that is for ``prune`` to decide.
    await table.optimize(cleanup_older_than=_FOREVER)
    indexed = {index.columns[0] for index in await table.list_indices()}
    due: dict[str, Any] = {name: BTree() for name in _FIXED_INDEXES}
    if rows >= ATTRIBUTE_INDEX_ROWS:
        due.update({name: _attribute_index(kind) for name, kind in attributes.items()})
    for name, config in due.items():
        if name not in indexed:
            await table.create_index(name, config=config)


async def vector_index_due(table: Any, embedding_size: int) -> bool:
    """Whether the vector index is missing, or in too many parts."""
    if await table.count_rows() * embedding_size <= EXACT_LIMIT:
        return False
    segments = [i.num_segments or 1 for i in await table.list_indices() if VECTOR in i.columns]
    return not segments or max(segments) > MAX_SEGMENTS


async def build_vector_index(table: Any) -> None:
    """Build the vector index anew: half a minute for 100,000 rows on two cores.

    Rows may be written meanwhile: searches compare them one by one, beside the index that covers
    the version it began with.
    """
    await table.create_index(VECTOR, config=_VECTOR_INDEX, replace=True)


async def settling_due(table: Any) -> bool:
    """Whether so much was written in small steps that searches begin to feel it."""
    statistics = await table.stats()
    if statistics["fragment_stats"]["num_fragments"] > MANY_FRAGMENTS:
        return True
    for index in await table.list_indices():
        if VECTOR in index.columns:
            return (index.num_unindexed_rows or 0) > LARGE_CHANGE
    return False


async def small_rows(table: Any) -> pa.Table | None:
    """The rows of the smallest files, if there are too many such files; else None.

    Writing them once more makes one file of them and empties the others: a merge whose cost is
    that of these rows, where Lance's own takes its time by the whole table.
    """
    statistics = (await table.stats())["fragment_stats"]
    if statistics["num_fragments"] < SMALL_FILES:
        return None
    numbers = await table.query().select([]).with_row_id().to_arrow()
    row_ids = numbers.column("_rowid").to_numpy()
    _, at, counts = np.unique(row_ids >> FILE_BITS, return_inverse=True, return_counts=True)
    small = counts <= SMALL_FILE_ROWS
    if small.sum() < SMALL_FILES:
        return None
    rows: pa.Table = await table.take_row_ids(row_ids[small[at]].tolist()).to_arrow()
    return rows


async def _not_worth_it(table: Any) -> bool:
    """Whether the rows the vector index lacks are too few for a part of their own."""
    for index in await table.list_indices():
        if VECTOR in index.columns and 0 < (index.num_unindexed_rows or 0) < SMALL_CHANGE:
            statistics = await table.stats()
            return bool(statistics["fragment_stats"]["num_fragments"] <= MAX_FRAGMENTS)
    return False


def _attribute_index(kind: FieldType) -> Any:
    if kind == "list":
        return LabelList()
    return Bitmap() if kind == "boolean" else BTree()


async def forget_versions(table: Any, *, oldest: int | None, min_age: timedelta) -> None:
    """Delete the files of versions before ``oldest`` that are older than ``min_age``."""
    age = min_age
    if oldest is not None:
        found = await table.list_versions()
        going = [v["timestamp"].astimezone(UTC) for v in found if v["version"] < oldest]
        if not going:
            return
        # Lance goes by ages, and looks at its clock later than we do. So the age is the least by
        # which all of them go: what follows on them is safe for as long as it came after them.
        age = max(age, datetime.now(UTC) - max(going) - timedelta(milliseconds=1))
    # Lance warns of an age of nothing; what that warning says is in the docstring of ``prune``.
    await table.optimize(cleanup_older_than=max(age, timedelta(milliseconds=1)))
