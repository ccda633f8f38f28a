"""Embeddings a shop has already."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from findalike.index.base import Index
from findalike.index.filter_tree import In
from findalike.index.schema import VECTOR, vectors_of
from findalike.shop.rows import BOX_COLUMNS, box_of
from findalike.types import Box

Vector: TypeAlias = NDArray[np.float32]
"""An embedding, shape (d,), of length 1."""

PhotoKey: TypeAlias = tuple[str, Box | None]
"""What an embedding depends on besides the encoder: the photo's SHA-256 and the box."""


def stored_vectors(index: Index, keys: Collection[PhotoKey]) -> dict[PhotoKey, Vector]:
    """The embeddings of photos, by their SHA-256 and box; those the index lacks are left out."""
    wanted = set(keys)
    hashes = tuple(sorted({sha256 for sha256, _ in wanted}))
    found: dict[PhotoKey, Vector] = {}
    if not hashes:
        return found
    for batch in index.fetch(In("sha256", hashes), columns=["sha256", VECTOR, *BOX_COLUMNS]):
        vectors = vectors_of(batch)
        # A photo can stand in thousands of rows: one that says "no picture", say.
        for at, row in enumerate(batch.drop_columns([VECTOR]).to_pylist()):
            key = row["sha256"], box_of(row)
            if key not in found:
                found[key] = vectors[at].copy()
        if found.keys() >= wanted:
            break
    return {key: found[key] for key in wanted if key in found}
