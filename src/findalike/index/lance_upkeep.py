"""Keeping the images table fast and small: indexes, small files, old versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lancedb.index import BTree, HnswSq

from findalike.index.schema import VECTOR
from findalike.types import FieldType

EXACT_LIMIT = 2_000_000
"""Numbers (rows times embedding size) up to which searches read every vector."""

MAX_SEGMENTS = 6
"""Parts of the vector index beyond which it is built anew: each search visits every part."""

# Recall and speed of other settings: benchmarks/index_scale.py.
_VECTOR_INDEX = HnswSq(distance_type="cosine", m=16, ef_construction=150)
_FOREVER = timedelta(days=365 * 100)
_FIXED_INDEXES = ("image_id", "product_id", "sha256", "category", "price")


async def optimise_table(
    table: Any, attributes: Mapping[str, FieldType], embedding_size: int
) -> None:
    """Merge small files, extend the indexes that are there and build those that are due."""
    rows = await table.count_rows()
    if not rows:
        return
    # Lance forgets versions of more than a week in passing; that is for ``prune`` to decide.
    await table.optimize(cleanup_older_than=_FOREVER)
    indexes = {index.columns[0]: index for index in await table.list_indices()}
    for name in _FIXED_INDEXES:
        if name not in indexes:
            await table.create_index(name, config=BTree())
    if rows * embedding_size <= EXACT_LIMIT:
        return
    vector_index = indexes.get(VECTOR)
    if vector_index is None or (vector_index.num_segments or 1) > MAX_SEGMENTS:
        await table.create_index(VECTOR, config=_VECTOR_INDEX, replace=True)


async def forget_versions(table: Any, *, oldest: int | None, min_age: timedelta) -> None:
    """Delete the files of versions before ``oldest`` that are older than ``min_age``."""
    age = min_age
    if oldest is not None:
        found = {v["version"]: v["timestamp"] for v in await table.list_versions()}
        kept_since = found[oldest].astimezone(UTC)
        age = max(age, datetime.now(UTC) - kept_since + timedelta(milliseconds=1))
    # Lance warns of an age of nothing; what that warning says is in the docstring of ``prune``.
    await table.optimize(cleanup_older_than=max(age, timedelta(milliseconds=1)))
