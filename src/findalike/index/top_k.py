"""Exact nearest rows of many queries in one pass over the vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from findalike.index.base import SCORE_DECIMALS
from findalike.types import Embeddings


def cosines(queries: Embeddings, vectors: Embeddings) -> NDArray[np.float64]:
    """Cosine of every query with every vector, shape (q, n), rounded to ``SCORE_DECIMALS``.

    In float64: a product in float32 depends in its last bits on where in the batch a row stands,
    and equal vectors have to score equal.
    """
    left = _unit(queries)
    right = _unit(vectors)
    scores: NDArray[np.float64] = np.round(left @ right.T, SCORE_DECIMALS)
    # Rounding leaves -0.0, which would sort and print apart from 0.0.
    return np.clip(scores, -1.0, 1.0) + 0.0


def _unit(rows: Embeddings) -> NDArray[np.float64]:
    exact = rows.astype(np.float64)
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", exact, exact))
    exact /= lengths[:, np.newaxis]
    return exact


class TopK:
    """The best ``k`` of the rows offered, for each query, with all that tie with the last.

    Memory grows with queries times k. Ties stay until the caller orders them by their ids.
    """

    def __init__(self, queries: Embeddings, k: int) -> None:
        self._queries = queries
        self._k = k
        self._scores: list[NDArray[np.float64]] = [np.empty(0)] * len(queries)
        self._rows: list[NDArray[np.uint64]] = [np.empty(0, dtype=np.uint64)] * len(queries)

    def offer(self, rows: NDArray[np.uint64], vectors: Embeddings, start: int, stop: int) -> None:
        """Compare rows, shape (n,), and their vectors, (n, d), with the queries start to stop."""
        block = cosines(self._queries[start:stop], vectors)
        for at, offered in enumerate(block, start):
            kept = self._scores[at]
            better = offered >= (kept.min() if kept.size >= self._k else -np.inf)
            if not better.any():
                continue
            scores = np.concatenate([kept, offered[better]])
            candidates = np.concatenate([self._rows[at], rows[better]])
            if scores.size > self._k:
                last = np.partition(scores, scores.size - self._k)[scores.size - self._k]
                scores, candidates = scores[scores >= last], candidates[scores >= last]
            self._scores[at], self._rows[at] = scores, candidates

    def scores(self) -> list[NDArray[np.float64]]:
        """For each query the scores kept, in no order."""
        return self._scores

    def rows(self) -> list[NDArray[np.uint64]]:
        """For each query the rows kept, in the order of ``scores``."""
        return self._rows
