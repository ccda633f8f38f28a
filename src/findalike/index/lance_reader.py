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
from findalike.index.lance_sql import lance_sql
from findalike.index.schema import FIXED_FIELDS, VECTOR, attributes_of, check_vectors, vectors_of
from findalike.index.top_k import TopK, cosines
from findalike.types import Embeddings, FieldType, Hit

_SCAN_ROWS = 8192
_QUERY_BLOCK = 256
_CONCURRENT_QUERIES = 8

EF = 128
"""Candidates the graph search keeps at the least."""


class LanceReader:
    """A table checked out at one version."""

    def __init__(self, table: Any, version: int, schema: pa.Schema, *, ann: bool) -> None:
        self._table = table
        self.version = version
        self.schema = schema
        self.attributes: Mapping[str, FieldType] = attributes_of(schema)
        self.embedding_size: int = schema.field(VECTOR).type.list_size
        self._fields: Mapping[str, FieldType] = {**FIXED_FIELDS, **self.attributes}
        self._ann = ann

    @classmethod
    async def at(cls, connection: Any, name: str, version: int) -> LanceReader:
        """Check out a version."""
        table = await connection.open_table(name, version=version)
        indices = await table.list_indices()
        ann = any(VECTOR in index.columns for index in indices)
        return cls(table, version, await table.schema(), ann=ann)

    async def count(self, where: Filter | None) -> int:
        """Rows that pass a filter."""
        return int(await self._table.count_rows(self._sql(where)))

    async def scan(
        self, where: Filter | None, *, columns: Sequence[str] | None, limit: int | None
    ) -> AsyncIterator[pa.RecordBatch]:
        """Batches of rows in storage order."""
        if columns is None:
            columns = [name for name in self.schema.names if name != VECTOR]
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
        wanted = list(dict.fromkeys(["image_id", "product_id", *columns]))
        if exact or not self._ann:
            return await self._exact(vectors, k, sql, wanted)
        turns = asyncio.Semaphore(_CONCURRENT_QUERIES)

        async def one(query: Embeddings) -> list[Hit]:
            async with turns:
                return await self._approximate(query, k, sql, wanted)

        return list(await asyncio.gather(*(one(query) for query in vectors)))

    async def _exact(
        self, vectors: Embeddings, k: int, sql: str | None, columns: list[str]
    ) -> list[list[Hit]]:
        """One pass over the vectors for all queries, then the rows of the best."""
        query = self._table.query().select([VECTOR]).with_row_id()
        if sql is not None:
            query = query.where(sql)
        best = TopK(vectors, k)
        async for batch in await query.to_batches(max_batch_length=_SCAN_ROWS):
            ids = batch.column("_rowid").to_numpy()
            for start in range(0, len(vectors), _QUERY_BLOCK):
                best.offer(ids, vectors_of(batch), start, start + _QUERY_BLOCK)
        found = best.rows()
        unique = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64)
        if not unique.size:
            return [[] for _ in vectors]
        rows = (
            await self._table.take_row_ids(unique.tolist()).select(columns).with_row_id().to_arrow()
        )
        place = {int(row_id): at for at, row_id in enumerate(rows.column("_rowid").to_pylist())}
        rows = rows.drop_columns(["_rowid"])
        hits = []
        for scores, row_ids in zip(best.scores(), found, strict=True):
            chosen = rows.take([place[int(r)] for r in row_ids])
            hits.append(_hits(chosen, scores, k, columns))
        return hits

    async def _approximate(
        self, query: Embeddings, k: int, sql: str | None, columns: list[str]
    ) -> list[Hit]:
        """The graph's candidates, scored and ordered by their stored vectors."""
        wanted = k + max(k // 4, 16)
        while True:
            search = self._table.vector_search(query).column(VECTOR).distance_type("cosine")
            search = search.limit(wanted).ef(max(EF, 2 * wanted)).select([*columns, VECTOR])
            if sql is not None:
                search = search.where(sql)
            rows = await search.to_arrow()
            scores = cosines(query[np.newaxis], vectors_of(rows))[0]
            if rows.num_rows < wanted:
                # Fewer than asked for: either there are no more, or the graph lost some.
                total = int(await self._table.count_rows(sql))
                if rows.num_rows < min(k, total):
                    return (await self._exact(query[np.newaxis], k, sql, columns))[0]
                break
            ordered = np.sort(scores)[::-1]
            if ordered[k - 1] > ordered[-1]:
                break
            # All from the k-th on are equal: which of them belong can be among those not fetched.
            wanted *= 4
        return _hits(rows.drop_columns([VECTOR]), scores, k, columns)

    def _sql(self, where: Filter | None) -> str | None:
        return None if where is None else lance_sql(where, self._fields)

    def _check_columns(self, columns: Sequence[str]) -> None:
        for name in columns:
            if name not in self.schema.names:
                known = ", ".join(self.schema.names)
                raise SettingError(f"no column {name!r} in the index: the columns are {known}")


def _hits(rows: pa.Table, scores: NDArray[np.float64], k: int, columns: list[str]) -> list[Hit]:
    """The best k rows as hits, by falling score and rising image_id."""
    ids = np.asarray(rows.column("image_id").to_pylist(), dtype=object)
    order = np.lexsort((ids, -scores))[:k]
    listed = rows.take(order).to_pylist()
    return [
        Hit(row["image_id"], row["product_id"], float(score), row)
        for row, score in zip(listed, scores[order], strict=True)
    ]
