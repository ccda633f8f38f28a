"""Embeddings a shop has already."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from findalike.index.base import Index
from findalike.index.filter_tree import In
from findalike.index.schema import VECTOR
from findalike.shop.importing import PhotoKey, Vector
from findalike.shop.rows import BOX_COLUMNS, box_of


def stored_vectors(index: Index, keys: Collection[PhotoKey]) -> dict[PhotoKey, Vector]:
    """The embeddings of photos, by their SHA-256 and box; those the index lacks are left out."""
    hashes = tuple(sorted({sha256 for sha256, _ in keys}))
    found: dict[PhotoKey, Vector] = {}
    if not hashes:
        return found
    for batch in index.fetch(In("sha256", hashes), columns=["sha256", VECTOR, *BOX_COLUMNS]):
        for row in batch.to_pylist():
            found[row["sha256"], box_of(row)] = np.asarray(row[VECTOR], dtype=np.float32)
    return {key: found[key] for key in keys if key in found}
