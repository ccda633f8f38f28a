"""Exact nearest neighbours by cosine, streamed so that queries × gallery never exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError, SettingError
from findalike.types import Embeddings

# Cells of a score tile and the best beside it: with the copies made on the way, 80 MB of scratch.
TILE_CELLS = 2**21
# Gallery rows taken at once; a partition over k + this many cells costs far less than the product.
TILE_WIDTH = 4096
_NOTHING = np.int64(2**63 - 1)
_MAGNITUDE = np.int32(0x7FFFFFFF)


@dataclass(frozen=True, slots=True, eq=False)
class TopK:
    """The nearest gallery images of each query, nearest first.

    Attributes:
        positions: int32 (q, n), n = min(k, gallery images); -1 where a query has fewer.
        scores: float32 (q, n), cosines, descending; -inf beside each -1.
    """

    positions: NDArray[np.int32]
    scores: NDArray[np.float32]


def exact_top_k(
    queries: Embeddings,
    gallery: Embeddings | Iterable[tuple[int, Embeddings]],
    k: int,
    *,
    exclude: NDArray[np.integer[Any]] | None = None,
) -> TopK:
    """Rank the gallery for every query, in memory that grows with queries × k only.

    The order is by descending score, then ascending gallery position, also at the cut: two
    runs, two block sizes or two machines give the same ranking. For that, products are summed in
    float64 and rounded once to float32, since a float32 matrix product gives two copies of one
    picture scores that differ in the last bit, depending on where they lie in a block.

    Args:
        queries: float32 (q, d), unit rows.
        gallery: float32 (g, d), or blocks of it as (position of the first row, rows) in
            ascending order, for a gallery that doesn't fit into memory.
        k: how many to keep, at least 1; more than the gallery holds is fine.
        exclude: int (q,), the one gallery position each query must not meet, -1 for none: its
            own picture where the gallery holds it.

    Raises:
        EvaluationError: if sizes disagree, blocks overlap, or an embedding isn't finite.
        SettingError: if k is below 1.
    """
    if k < 1:
        raise SettingError(f"k is {k}: give a number of ranks of at least 1")
    _check_rows(queries, "query", queries.shape[-1])
    if exclude is not None and exclude.shape != (len(queries),):
        raise EvaluationError(
            f"excluded positions have the shape {exclude.shape}, but there are {len(queries)} "
            f"queries: give one position a query, -1 for none"
        )
    if isinstance(gallery, np.ndarray):
        k = min(k, max(1, len(gallery)))
        gallery = [(0, gallery)]
    # One int64 holds a score (upper half, larger scores first) and a position (lower half), so
    # that sorting plain integers sorts by both.
    best = np.full((len(queries), k), _NOTHING, dtype=np.int64)
    seen = 0
    for start, tile in _tiles(gallery, queries.shape[1]):
        _merge(best, queries, start, tile, exclude)
        seen += len(tile)
    if seen == 0:
        raise EvaluationError("the gallery is empty: give at least one gallery image")
    return _decode(best[:, : min(k, seen)])


def _tiles(
    blocks: Iterable[tuple[int, Embeddings]], size: int
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    end = 0
    for start, block in blocks:
        _check_rows(block, "gallery", size)
        if start < end or start + len(block) > 2**31 - 1:
            raise EvaluationError(
                f"a gallery block starts at position {start} and has {len(block)} rows: blocks "
                f"ascend without overlap (the last ended at {end}) and stay below 2^31 - 1"
            )
        end = start + len(block)
        for top in range(0, len(block), TILE_WIDTH):
            yield start + top, block[top : top + TILE_WIDTH].astype(np.float64)


def _merge(
    best: NDArray[np.int64],
    queries: Embeddings,
    start: int,
    tile: NDArray[np.float64],
    exclude: NDArray[np.integer[Any]] | None,
) -> None:
    """Let the images of one tile compete with the best so far, in place."""
    k, width = best.shape[1], len(tile)
    height = max(1, TILE_CELLS // (k + width))
    positions = np.arange(start, start + width, dtype=np.int64)
    for top in range(0, len(queries), height):
        rows = slice(top, top + height)
        keys = _descending_code(queries[rows].astype(np.float64) @ tile.T)
        keys <<= 32
        keys |= positions
        if exclude is not None:
            local = exclude[rows] - start
            inside = np.flatnonzero((local >= 0) & (local < width))
            keys[inside, local[inside]] = _NOTHING
        rivals = np.concatenate([best[rows], keys], axis=1)
        rivals.partition(k - 1, axis=1)
        best[rows] = rivals[:, :k]


def _descending_code(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Map scores, rounded to float32, to integers that ascend as the scores descend."""
    rounded = scores.astype(np.float32)
    # Adding 0 turns -0.0 into 0.0, which compare equal but differ in their bits.
    rounded += np.float32(0)
    bits = rounded.view(np.int32)
    # Bits of positive floats ascend with them; those of negative ones must be turned round.
    bits ^= (bits >> 31) & _MAGNITUDE
    np.invert(bits, out=bits)
    return bits.astype(np.int64)


def _decode(best: NDArray[np.int64]) -> TopK:
    positions = np.empty(best.shape, dtype=np.int32)
    scores = np.empty(best.shape, dtype=np.float32)
    height = max(1, TILE_CELLS // best.shape[1])
    for top in range(0, len(best), height):
        rows = slice(top, top + height)
        keys = np.sort(best[rows], axis=1)
        bits = ~(keys >> 32).astype(np.int32)
        bits ^= (bits >> 31) & _MAGNITUDE
        nothing = keys == _NOTHING
        positions[rows] = np.where(nothing, -1, keys & 0xFFFFFFFF)
        scores[rows] = np.where(nothing, np.float32(-np.inf), bits.view(np.float32))
    return TopK(positions, scores)


def _check_rows(rows: Embeddings, name: str, size: int) -> None:
    if rows.ndim != 2 or rows.shape[1] != size:
        raise EvaluationError(
            f"{name} embeddings have the shape {rows.shape}: they must be (n, {size}), like the "
            f"queries'"
        )
    if not np.isfinite(rows).all():
        row = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise EvaluationError(
            f"{name} embedding {row} of a block of {len(rows)} has a value that is not finite: "
            f"embed its picture again, or leave it out"
        )
