"""Reading one version of the images table: scans, counts and searches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from findalike.errors import SettingError
from findalike.index.filter_tree import Filter
from findalike.index.fresh_rows import Fresh, FreshRows
from findalike.index.lance_sql import lance_sql
from findalike.index.packed_row import PACKED, unpack
from findalike.index.row_cache import CachedRow, RowCache
from findalike.index.schema import FIXED_FIELDS, VECTOR, attributes_of, check_vectors, vectors_of
from findalike.index.top_k import TopK, cosines
from findalike.types import Embeddings, FieldType, Hit

_SCAN_ROWS = 8192
_QUERY_BLOCK = 256
_CONCURRENT_QUERIES = 8
# Lance compares one query with all rows faster than one pass of ours does, but each anew.
_FEW_QUERIES = 2

EF = 150
"""Candidates the graph search keeps at the least."""

SPARE = 16
"""Candidates beyond k: the graph orders by 8-bit vectors, the stored ones set the order right."""


class LanceReader:
    """A table checked out at one version."""

    def __init__(
        self,
        table: Any,
        version: int,
        schema: pa.Schema,
        *,
        graph: Any | None,
        rows: RowCache,
        fresh: FreshRows,
    ) -> None:
        self._table = table
        self._graph = graph
        self._rows = rows
        self._fresh = fresh
        self._fresh_here: asyncio.Task[Fresh | None] | None = None
        self.version = version
        self.columns = [name for name in schema.names if name != PACKED]
        self.attributes: Mapping[str, FieldType] = {
            name: kind for name, kind in attributes_of(schema).items() if name != PACKED
        }
        self.embedding_size: int = schema.field(VECTOR).type.list_size
        self._fields: Mapping[str, FieldType] = {**FIXED_FIELDS, **self.attributes}

    @classmethod
    async def at(
        cls, connection: Any, name: str, version: int, *, like: LanceReader | None = None
    ) -> LanceReader:
        """Check out a version; it shares what it keeps in memory with the reader of another."""
        table = await connection.open_table(name, version=version)
        indices = await table.list_indices()
        return cls(
            table,
            version,
            await table.schema(),
            graph=next((index for index in indices if VECTOR in index.columns), None),
            rows=RowCache() if like is None else like._rows,
            fresh=FreshRows() if like is None else like._fresh,
        )

    async def count(self, where: Filter | None) -> int:
        """Rows that pass a filter."""
        return int(await self._table.count_rows(self._sql(where)))

    async def scan(
        self, where: Filter | None, *, columns: Sequence[str] | None, limit: int | None
    ) -> AsyncIterator[pa.RecordBatch]:
        """Batches of rows in storage order."""
        if limit is not None and limit < 1:
            raise SettingError(f"limit is {limit}: read 1 row or more, or give none")
        if columns is None:
            columns = [name for name in self.columns if name != VECTOR]
        self._check_columns(columns)
        query = self._table.query().select(list(columns))
        if where is not None:
            query = query.where(self._sql(where))
        if limit is not None:
            query = query.limit(limit)
        batches: AsyncIterator[pa.RecordBatch] = await query.to_batches(max_batch_length=_SCAN_ROWS)
        return batches

    async def search(
        self,
        vectors: Embeddings,
        *,
        k: int,
        where: Filter | None,
        columns: Sequence[str],
        exact: bool,
    ) -> list[list[Hit]]:
        """See ``Index.search``."""
        if k < 1:
            raise SettingError(f"k is {k}: ask for 1 hit or more")
        check_vectors(vectors, self.embedding_size)
        self._check_columns(columns)
        sql = self._sql(where)
        graph = self._graph is not None and not exact
        if not graph and len(vectors) > _FEW_QUERIES:
            return await self._exact(vectors, k, sql, columns)
        turns = asyncio.Semaphore(_CONCURRENT_QUERIES)

        async def one(query: Embeddings) -> list[Hit]:
            async with turns:
                return await self._one(query, k, sql, columns, graph=graph)

        return list(await asyncio.gather(*(one(query) for query in vectors)))

    async def _exact(
        self, vectors: Embeddings, k: int, sql: str | None, columns: Sequence[str]
    ) -> list[list[Hit]]:
        """One pass over the vectors for all queries, then the rows of the best."""
        query = self._table.query().select([VECTOR]).with_row_id()
        if sql is not None:
            query = query.where(sql)
        best = TopK(vectors, k)
        async for batch in await query.to_batches(max_batch_length=_SCAN_ROWS):
            numbers = batch.column("_rowid").to_numpy()
            for start in range(0, len(vectors), _QUERY_BLOCK):
                best.offer(numbers, vectors_of(batch), start, start + _QUERY_BLOCK)
        found = best.rows()
        unique = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64)
        if not unique.size:
            return [[] for _ in vectors]
        take = self._table.take_row_ids(unique.tolist()).select([PACKED]).with_row_id()
        taken = await take.to_arrow()
        rows = dict(
            zip(
                taken.column("_rowid").to_pylist(),
                map(unpack, taken.column(PACKED).to_pylist()),
                strict=True,
            )
        )
        return [
            _hits([rows[number] for number in numbers.tolist()], scores, k, columns)
            for numbers, scores in zip(found, best.scores(), strict=True)
        ]

    async def _one(
        self,
        query: Embeddings,
        k: int,
        sql: str | None,
        columns: Sequence[str],
        *,
        graph: bool,
    ) -> list[Hit]:
        """The candidates of the graph, or of all rows, scored and ordered by their vectors."""
        wanted = k + max(k // 4, SPARE)
        fresh = await self._fresh_rows() if graph and sql is None else None
        while True:
            search = self._table.vector_search(query).column(VECTOR).distance_type("cosine")
            search = (
                search.limit(wanted).ef(max(EF, 2 * wanted)).select(["_distance"]).with_row_id()
            )
            if not graph:
                search = search.bypass_vector_index()
            if fresh is not None:
                search = search.fast_search()  # of what the graph covers alone
            if sql is not None:
                search = search.where(sql)
            row_ids: list[int] = (await search.to_arrow()).column("_rowid").to_pylist()
            found = await self._read(row_ids)
            scores = _scores(query, found)
            if len(found) < wanted:
                # Fewer than asked for: either there are no more, or the graph lost some.
                total = int(await self._table.count_rows(sql))
                total -= 0 if fresh is None else fresh.unindexed
                if len(found) < min(k, total):
                    return (await self._exact(query[np.newaxis], k, sql, columns))[0]
                break
            ordered = np.sort(scores)[::-1]
            if ordered[k - 1] > ordered[-1]:
                break
            # All from the k-th on are equal: which of them belong can be among those not fetched.
            wanted *= 4
        if fresh is not None:
            more = await self._read(fresh.among_best(query, k, row_ids, scores))
            found, scores = [*found, *more], np.concatenate([scores, _scores(query, more)])
        # Only what can be among the best k is worth unpacking.
        last = np.sort(scores)[::-1][min(k, len(scores)) - 1] if len(scores) else 0.0
        best = np.flatnonzero(scores >= last)
        rows = [unpack(found[at].packed) for at in best.tolist()]
        return _hits(rows, scores[best], k, columns)

    async def _fresh_rows(self) -> Fresh | None:
        """The rows that the graph lacks, looked for by the first search of this version."""
        if self._fresh_here is None:
            self._fresh_here = asyncio.create_task(self._fresh.of(self._table, self._graph))
        try:
            # A search that is given up does not take them from the others.
            return await asyncio.shield(self._fresh_here)
        except (OSError, RuntimeError, ValueError):
            self._fresh_here = None
            raise

    async def _read(self, row_ids: Sequence[int]) -> list[CachedRow]:
        """The rows of these ids, from memory as far as they are there."""
        known = self._rows.get(row_ids)
        missing = [row_id for row_id in row_ids if row_id not in known]
        if missing:
            take = self._table.take_row_ids(missing).select([PACKED, VECTOR]).with_row_id()
            taken = await take.to_arrow()
            numbers = taken.column("_rowid").to_pylist()
            texts = taken.column(PACKED).to_pylist()
            for row_id, vector, text in zip(numbers, vectors_of(taken), texts, strict=True):
                # A copy, since a view would keep the whole batch in memory.
                row = CachedRow(vector.copy(), text)
                known[row_id] = row
                self._rows.put(row_id, row)
        return [known[row_id] for row_id in row_ids]

    def _sql(self, where: Filter | None) -> str | None:
        return None if where is None else lance_sql(where, self._fields)

    def _check_columns(self, columns: Sequence[str]) -> None:
        for name in columns:
            if name not in self.columns:
                known = ", ".join(self.columns)
                raise SettingError(f"no column {name!r} in the index: the columns are {known}")


def _scores(query: Embeddings, rows: Sequence[CachedRow]) -> NDArray[np.float64]:
    if not rows:
        return np.empty(0)
    scores: NDArray[np.float64] = cosines(query[np.newaxis], np.stack([r.vector for r in rows]))[0]
    return scores


def _hits(
    rows: Sequence[dict[str, Any]], scores: NDArray[np.float64], k: int, columns: Sequence[str]
) -> list[Hit]:
    """The best k rows as hits, by falling score and rising image_id."""
    pairs = sorted(
        zip(scores.tolist(), rows, strict=True), key=lambda pair: (-pair[0], pair[1]["image_id"])
    )
    return [
        Hit(row["image_id"], row["product_id"], score, {name: row.get(name) for name in columns})
        for score, row in pairs[:k]
    ]
