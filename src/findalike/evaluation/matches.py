"""Where the right answers stand in each ranking: all that any of the metrics needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError
from findalike.evaluation.relevance import MAX_POSITION, Ranking, Relevance

# Cells of a ranking looked at in one go: about 100 MB of scratch arrays, whatever the ranking's
# size.
BLOCK_CELLS = 2**21


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The ranks of the relevant images that were found, in compressed rows.

    Attributes:
        offsets: int64 (q + 1,); query ``i`` owns ``ranks[offsets[i]:offsets[i + 1]]``.
        ranks: int64, ranks counted from 1, ascending within a query.
        relevant: int64 (q,), relevant images in the whole gallery, found or not.
        retrieved: int64 (q,), how many images each ranking holds.
    """

    offsets: NDArray[np.int64]
    ranks: NDArray[np.int64]
    relevant: NDArray[np.int64]
    retrieved: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.relevant)

    def __getitem__(self, query: int) -> NDArray[np.int64]:
        return self.ranks[self.offsets[query] : self.offsets[query + 1]]

    @property
    def queries(self) -> NDArray[np.int64]:
        """The query each entry of ``ranks`` belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))

    @property
    def ordinals(self) -> NDArray[np.int64]:
        """For each entry of ``ranks``, how many relevant images stand at or above it."""
        starts = np.repeat(self.offsets[:-1], np.diff(self.offsets))
        return np.arange(len(self.ranks), dtype=np.int64) - starts + 1


def find_matches(
    ranked: Ranking, relevance: Relevance, *, gallery_ids: Sequence[str] | None = None
) -> Matches:
    """Find the rank of every relevant image, in memory that the ranking's size doesn't change.

    Ties are the ranker's business: the order of a row is taken as it stands.

    Args:
        ranked: signed integers (q, n), gallery positions in rank order, -1 after the last one.
        relevance: the right answers of the same queries, in the same order.
        gallery_ids: the id of each gallery image, by position; if given, every position must be
            one of these, and errors name ids.

    Raises:
        EvaluationError: if the shapes disagree, a row repeats an image, names one that isn't
            there, or has -1 before another entry.
    """
    if ranked.ndim != 2 or not np.issubdtype(ranked.dtype, np.signedinteger):
        raise EvaluationError(
            f"a ranking of shape {ranked.shape} and type {ranked.dtype} cannot be judged: it is "
            f"signed integers of shape (queries, ranks)"
        )
    if len(ranked) != len(relevance):
        raise EvaluationError(
            f"{len(ranked)} rankings for {len(relevance)} queries: give one row a query, in the "
            f"order of the queries"
        )
    height = max(1, BLOCK_CELLS // max(1, ranked.shape[1]))
    queries, ranks, retrieved = [], [], []
    for top in range(0, len(ranked), height):
        block = ranked[top : top + height].astype(np.int64)
        retrieved.append(_check(block, top, gallery_ids))
        rows, columns = np.nonzero(_relevant_cells(block, relevance, top))
        queries.append(rows + top)
        ranks.append(columns + 1)
    found = np.bincount(_joined(queries), minlength=len(ranked))
    return Matches(
        offsets=np.concatenate(([0], np.cumsum(found))).astype(np.int64),
        ranks=_joined(ranks),
        relevant=relevance.counts,
        retrieved=_joined(retrieved),
    )


def _relevant_cells(block: NDArray[np.int64], relevance: Relevance, top: int) -> NDArray[np.bool_]:
    """Mark the cells that hold a right answer of their row's query."""
    bottom = top + len(block)
    counts = relevance.counts[top:bottom]
    right = relevance.positions[relevance.offsets[top] : relevance.offsets[bottom]]
    if not len(right):
        return np.zeros(block.shape, dtype=np.bool_)
    # A row number and a position make one key; keys ascend along the compressed rows, so one
    # binary search answers for every row at once.
    stride = MAX_POSITION + 1
    known = np.repeat(np.arange(len(block)), counts) * stride + right
    keys = np.arange(len(block))[:, None] * stride + block
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    marks: NDArray[np.bool_] = (known[places] == keys) & (block >= 0)
    return marks


def _check(
    block: NDArray[np.int64], top: int, gallery_ids: Sequence[str] | None
) -> NDArray[np.int64]:
    """Refuse rows that are no rankings; return how many images each row holds."""
    if block.size == 0:
        return np.zeros(len(block), dtype=np.int64)
    last = MAX_POSITION if gallery_ids is None else len(gallery_ids) - 1
    if block.min() < -1 or block.max() > last:
        row, column = np.argwhere((block < -1) | (block > last))[0]
        raise EvaluationError(
            f"query {top + row} has {block[row, column]} at rank {column + 1}: a ranking holds "
            f"gallery positions from 0 to {last}, and -1 after the last one"
        )
    filled = block >= 0
    gaps = filled[:, 1:] & ~filled[:, :-1]
    if gaps.any():
        row, column = np.argwhere(gaps)[0]
        raise EvaluationError(
            f"query {top + row} has -1 at rank {column + 1} and {block[row, column + 1]} at rank "
            f"{column + 2}: -1 may only follow the last image of a ranking"
        )
    in_order = np.sort(block, axis=1)
    repeats = (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)
    if repeats.any():
        row, column = np.argwhere(repeats)[0]
        position = in_order[row, column]
        first, second = (np.flatnonzero(block[row] == position) + 1)[:2]
        name = position if gallery_ids is None else repr(gallery_ids[int(position)])
        raise EvaluationError(
            f"query {top + row} ranks gallery image {name} twice, at {first} and {second}: a "
            f"ranking names each image once"
        )
    held: NDArray[np.int64] = filled.sum(axis=1, dtype=np.int64)
    return held


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *parts])
