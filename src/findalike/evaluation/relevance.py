"""Which gallery images are right answers to which query, held as two flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError

Ranking: TypeAlias = NDArray[np.signedinteger[Any]]
"""Gallery positions in rank order, one row a query, shape (q, n); -1 fills short rows up."""

MAX_POSITION = 2**31 - 2


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """The relevant gallery positions of each query, in compressed rows.

    A million queries with a few right answers each take tens of megabytes, where a
    query × gallery table would take terabytes.

    Attributes:
        offsets: int64 (q + 1,); query ``i`` owns ``positions[offsets[i]:offsets[i + 1]]``.
        positions: int64, gallery positions, ascending and without repeats within a query.
    """

    offsets: NDArray[np.int64]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, query: int) -> NDArray[np.int64]:
        return self.positions[self.offsets[query] : self.offsets[query + 1]]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of relevant gallery images of each query, int64 (q,)."""
        return np.diff(self.offsets)

    @classmethod
    def from_lists(cls, relevant: Iterable[Iterable[int]]) -> Relevance:
        """Take one collection of gallery positions a query; order and repeats don't matter.

        Raises:
            EvaluationError: if a position is negative or beyond 2^31 - 2.
        """
        rows = [np.unique(np.fromiter(row, dtype=np.int64)) for row in relevant]
        for query, row in enumerate(rows):
            if len(row) and (row[0] < 0 or row[-1] > MAX_POSITION):
                bad = int(row[0] if row[0] < 0 else row[-1])
                raise EvaluationError(
                    f"query {query} has the relevant gallery position {bad}: positions count "
                    f"from 0 to {MAX_POSITION}"
                )
        offsets = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
        return cls(offsets, np.concatenate([np.empty(0, np.int64), *rows]))

    @classmethod
    def from_products(
        cls,
        query_products: Sequence[str | None],
        gallery_products: Sequence[str | None],
        *,
        exclude: NDArray[np.integer[Any]] | None = None,
    ) -> Relevance:
        """Call every gallery image of the query's own product relevant.

        Args:
            query_products: product id of each query; None or "" for an unknown one, which
                has no relevant image.
            gallery_products: product id of each gallery image, by position.
            exclude: int (q,), the gallery position each query must not be credited with, -1
                for none: the query's own picture where the gallery holds it.

        Raises:
            EvaluationError: if ``exclude`` hasn't one entry a query.
        """
        codes: dict[str, int] = {}
        gallery = np.array(
            [codes.setdefault(p, len(codes)) if p else -1 for p in gallery_products], dtype=np.int64
        )
        queries = np.array([codes.get(p, -1) if p else -1 for p in query_products], dtype=np.int64)
        by_product = np.argsort(gallery, kind="stable")
        grouped = gallery[by_product]
        starts = np.searchsorted(grouped, queries, side="left")
        counts = np.searchsorted(grouped, queries, side="right") - starts
        counts[queries < 0] = 0
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        positions = by_product[np.repeat(starts, counts) + within].astype(np.int64)
        if exclude is None:
            return cls(offsets, positions)
        if len(exclude) != len(queries):
            raise EvaluationError(
                f"{len(exclude)} excluded positions for {len(queries)} queries: give one a query, "
                f"-1 for none"
            )
        kept = positions != np.repeat(exclude, counts)
        owners = np.repeat(np.arange(len(queries)), counts)[kept]
        counts = np.bincount(owners, minlength=len(queries))
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        return cls(offsets, positions[kept])
