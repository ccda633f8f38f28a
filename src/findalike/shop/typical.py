"""What a picture of no particular likeness scores: the mean cosine with a shop's pictures."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from findalike.index.base import Index
from findalike.index.schema import VECTOR, vectors_of
from findalike.types import Embeddings

MOST_READ = 100_000
"""Vectors read for the mean at most."""

STALE = 0.1
"""The mean is made anew once the number of pictures has changed by this share."""


class TypicalScore:
    """The mean of a shop's vectors, kept; one may be shared by any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mean: NDArray[np.float32] | None = None
        self._count = 0
        self._version: int | None = None

    def of(self, embeddings: Embeddings, index: Index) -> NDArray[np.float32] | None:
        """The mean cosine of each embedding with the pictures of an index, None if it has none.

        Args:
            embeddings: (n, d), unit rows.
            index: a snapshot. The mean is of an earlier one as long as that was about as large.

        Returns:
            (n,), or None.
        """
        with self._lock:
            if index.version != self._version:
                count, self._version = index.count(), index.version
                if self._mean is None or abs(count - self._count) > STALE * self._count:
                    self._mean, self._count = mean_vector(index), count
            mean = self._mean
        return None if mean is None else embeddings @ mean


def mean_vector(index: Index) -> NDArray[np.float32] | None:
    """The mean of the vectors of an index, (d,), None if it is empty."""
    total, count = np.zeros(index.embedding_size), 0
    for batch in index.fetch(columns=[VECTOR], limit=MOST_READ):
        vectors = vectors_of(batch)
        total += vectors.sum(axis=0, dtype=np.float64)
        count += len(vectors)
    return (total / count).astype(np.float32) if count else None
