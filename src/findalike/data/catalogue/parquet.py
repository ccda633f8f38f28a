"""Parquet tables, one record batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from findalike.data.catalogue.base import RawValue
from findalike.data.catalogue.rows import MAX_COLUMNS, Record, RowSource
from findalike.errors import CatalogueError
from findalike.types import FieldType, Refusal

_BATCH_ROWS = 4096
# ValueError: names that are no UTF-8, and dates beyond what Python can tell.
_DAMAGE = (OSError, pa.ArrowException, ValueError, OverflowError)
_BROKEN = "\udc80"
_BINARY = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


class ParquetTable(RowSource):
    """A Parquet file; rows count from 1. Structs become columns named "outer.inner".

    Raises:
        CatalogueError: if it is no Parquet file, or damaged.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)

        try:
            with parquet.ParquetFile(path) as file:
                leaves = list(_leaves(file.schema_arrow))
        except _DAMAGE as error:
            raise CatalogueError(f"cannot read {path} as Parquet: {error}") from error
        self._kept = [kind is not None for _, kind in leaves]
        self.columns = tuple(name for name, kind in leaves if kind is not None)
        if len(self.columns) > MAX_COLUMNS:
            raise CatalogueError(
                f"{path} has {len(self.columns):,} columns: at most {MAX_COLUMNS:,} are read"
            )
        # Numbers and strings keep what they are; whether a number is a code (a GTIN, a "…_id")
        # shows in its name and values, so numbers are not declared.
        self.declared = {name: kind for name, kind in leaves if kind and kind != "number"}
        if dropped := [name for name, kind in leaves if kind is None]:
            self.notes.append(f"columns of binary data are not read: {', '.join(dropped[:10])}")

    def records(self) -> Iterator[Record | Refusal]:
        """The rows.

        Raises:
            CatalogueError: where the file turns out to be damaged.
        """
        row = 0
        try:
            with parquet.ParquetFile(self.path, pre_buffer=False) as file:
                for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                    for cells in self._cells(batch):
                        row += 1
                        yield Record(row, cells)
        except _DAMAGE as error:
            raise CatalogueError(
                f"{self.path} is damaged after row {row:,}: {error}: make the file anew"
            ) from error

    def _cells(self, batch: Any) -> Iterator[tuple[RawValue, ...]]:

        table = pa.Table.from_batches([batch])
        while any(pa.types.is_struct(field.type) for field in table.schema):
            table = table.flatten()
        columns = [
            _values(column) for column, kept in zip(table.columns, self._kept, strict=True) if kept
        ]
        return zip(*columns, strict=True)


def _leaves(schema: Any, prefix: str = "") -> Iterator[tuple[str, FieldType | None]]:
    """Column names with their types, None for columns that are not read."""
    types = pa.types
    for field in schema:
        name, kind = f"{prefix}{field.name}", field.type
        if types.is_dictionary(kind):
            kind = kind.value_type
        if types.is_struct(kind):
            yield from _leaves(kind, f"{name}.")
        elif types.is_boolean(kind):
            yield name, "boolean"
        elif types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
            yield name, "number"
        elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            nested = types.is_nested(kind.value_type) or any(k(kind.value_type) for k in _BINARY)
            yield name, None if nested else "list"
        elif types.is_nested(kind) or any(is_kind(kind) for is_kind in _BINARY):
            yield name, None
        else:
            yield name, "text"


def _values(column: Any) -> list[RawValue]:

    if pa.types.is_temporal(column.type):
        column = column.cast(pa.string())
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:
        values = [_value(scalar) for scalar in column]
    return [_plain(value) for value in values]


def _value(scalar: Any) -> object:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        pass
    if isinstance(scalar, pa.ListScalar):
        return [_value(item) for item in scalar.values]
    # Kept visible as half a surrogate pair, which the checks refuse in its row.
    if isinstance(scalar, pa.StringScalar | pa.LargeStringScalar):
        return scalar.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
    return _BROKEN


def _plain(value: object) -> RawValue:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list):
        return [str(item) for item in value if item is not None]
    return str(value)
