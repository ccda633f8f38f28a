"""Keeping the images table fast and small: indexes, small files, old versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lancedb.index import Bitmap, BTree, HnswSq, LabelList

from findalike.index.schema import VECTOR
from findalike.types import FieldType

EXACT_LIMIT = 2_000_000
"""Numbers (rows times embedding size) up to which searches read every vector."""

ATTRIBUTE_INDEX_ROWS = 20_000
"""Rows from which attributes are indexed; below, reading a column whole costs under 1 ms."""

SMALL_CHANGE = 250
"""Rows the vector index may lack: searches read them one by one, in about 1 ms."""

MAX_FRAGMENTS = 16
"""Files up to which so small a change is left alone."""

MAX_SEGMENTS = 8
"""Parts of the vector index beyond which it is built anew: each adds about 0.4 ms to a search."""

# Recall and speed of other settings: benchmarks/index_scale.py.
_VECTOR_INDEX = HnswSq(distance_type="cosine", m=16, ef_construction=150)
_FOREVER = timedelta(days=365 * 100)
_FIXED_INDEXES = ("image_id", "product_id", "sha256", "category", "price")


async def optimise_table(
    table: Any, attributes: Mapping[str, FieldType], embedding_size: int
) -> None:
    """Merge small files, extend the indexes that are there and build those that are due."""
    rows = await table.count_rows()
    if not rows or await _not_worth_it(table):
        return
    # Lance forgets versions of more than a week in passing; that is for ``prune`` to decide.
    await table.optimize(cleanup_older_than=_FOREVER)
    indexes = {index.columns[0]: index for index in await table.list_indices()}
    due: dict[str, Any] = {name: BTree() for name in _FIXED_INDEXES}
    if rows >= ATTRIBUTE_INDEX_ROWS:
        due.update({name: _attribute_index(kind) for name, kind in attributes.items()})
    for name, config in due.items():
        if name not in indexes:
            await table.create_index(name, config=config)
    vectors = indexes.get(VECTOR)
    if rows * embedding_size > EXACT_LIMIT and (
        vectors is None or (vectors.num_segments or 1) > MAX_SEGMENTS
    ):
        await table.create_index(VECTOR, config=_VECTOR_INDEX, replace=True)


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
        found = {v["version"]: v["timestamp"] for v in await table.list_versions()}
        kept_since = found[oldest].astimezone(UTC)
        age = max(age, datetime.now(UTC) - kept_since + timedelta(milliseconds=1))
    # Lance warns of an age of nothing; what that warning says is in the docstring of ``prune``.
    await table.optimize(cleanup_older_than=max(age, timedelta(milliseconds=1)))
