"""The columns of the images table, and the one gate rows pass on their way in.

One row is one image, with what is known about its product repeated on it. A search then needs no
join, its filters are applied before the nearest neighbours are looked for, and vectors and
attributes can never be of different versions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from findalike.errors import SettingError
from findalike.types import Embeddings, FieldType

FIXED_FIELDS: Mapping[str, FieldType] = MappingProxyType(
    {
        "image_id": "text",
        "product_id": "text",
        "title": "text",
        "category": "text",
        "variant_of": "text",
        "price": "number",
        "currency": "text",
        "url": "text",
        "location": "text",
        "box_x": "number",
        "box_y": "number",
        "box_w": "number",
        "box_h": "number",
        "domain": "text",
        "sha256": "text",
        "row_hash": "text",
    }
)
"""Columns every index has that filters may name. ``sha256`` is of the image's bytes; ``row_hash``
of what the source said about the image, so that a changed row is known without reading it."""

ADDED_AT = "added_at"
VECTOR = "vector"
REQUIRED = ("image_id", "product_id", VECTOR)

_ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = frozenset({*FIXED_FIELDS, ADDED_AT, VECTOR})
# Beyond this a row was not normalised; encoders in float16 stay well within it.
_UNIT_TOLERANCE = 1e-2


def image_schema(embedding_size: int, attributes: Mapping[str, FieldType]) -> pa.Schema:
    """The Arrow schema of an images table.

    Args:
        embedding_size: numbers in a vector.
        attributes: columns beside the fixed ones: snake_case ASCII names and their types.

    Raises:
        SettingError: on an embedding size below 1, or a name that is not allowed.
    """
    if embedding_size < 1:
        raise SettingError(f"embedding size {embedding_size}: it must be 1 or more")
    for name in attributes:
        if name in _RESERVED or not _ATTRIBUTE_NAME.fullmatch(name):
            raise SettingError(
                f"attribute name {name!r}: give snake_case of at most 63 ASCII characters that is "
                f"not a fixed column ({', '.join(sorted(_RESERVED))})"
            )
    columns = [pa.field(name, arrow_type(kind)) for name, kind in FIXED_FIELDS.items()]
    columns.append(pa.field(ADDED_AT, pa.timestamp("us", tz="UTC")))
    columns.append(pa.field(VECTOR, pa.list_(pa.float32(), embedding_size)))
    columns.extend(pa.field(name, arrow_type(kind)) for name, kind in attributes.items())
    return pa.schema(columns)


def arrow_type(kind: FieldType) -> pa.DataType:
    """The column type a field type is stored as."""
    types = {
        "text": pa.string(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "list": pa.list_(pa.string()),
    }
    return types[kind]


def field_type(column: pa.Field) -> FieldType:
    """The field type of a column.

    Raises:
        SettingError: if it is none of those ``arrow_type`` gives.
    """
    kinds: tuple[FieldType, ...] = ("text", "number", "boolean", "list")
    for kind in kinds:
        if column.type == arrow_type(kind):
            return kind
    raise SettingError(
        f"column {column.name!r} has the type {column.type}: give string, double, bool or "
        f"list<string>"
    )


def attributes_of(schema: pa.Schema) -> dict[str, FieldType]:
    """The columns of a table that are not fixed, with their field types."""
    return {c.name: field_type(c) for c in schema if c.name not in _RESERVED}


def image_rows(
    rows: Sequence[Mapping[str, object]],
    vectors: Embeddings,
    attributes: Mapping[str, FieldType],
) -> pa.Table:
    """A table that ``Index.upsert`` takes, from plain rows.

    Args:
        rows: one mapping an image, column name to value; absent names are missing values.
        vectors: their embeddings, shape (len(rows), d), float32.
        attributes: the type of every attribute that may occur.

    Raises:
        SettingError: if a value does not fit its column, or an attribute's name is not allowed.
    """
    if vectors.ndim != 2 or len(vectors) != len(rows):
        raise SettingError(f"vectors of shape {vectors.shape} for {len(rows)} rows: give one each")
    schema = image_schema(vectors.shape[1], attributes)
    plain = pa.schema([column for column in schema if column.name != VECTOR])
    if unknown := {name for row in rows for name in row}.difference(plain.names):
        raise SettingError(f"no column for {sorted(unknown)}: name their types in the attributes")
    lists = [name for name, kind in attributes.items() if kind == "list"]
    for name in lists:
        # Arrow would take a text for the list of its characters.
        if any(isinstance(row.get(name), str) for row in rows):
            raise SettingError(f"a value does not fit its column: {name!r} is a list, not a text")
    try:
        table = pa.Table.from_pylist(list(rows), schema=plain)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError) as error:
        raise SettingError(f"a value does not fit its column: {error}") from error
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    column = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return table.append_column(schema.field(VECTOR), column)


def vectors_of(table: pa.Table | pa.RecordBatch) -> Embeddings:
    """The vector column as an array, shape (rows, d), float32."""
    column = table.column(VECTOR)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    size = column.type.list_size
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(-1, size)


def checked_rows(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows in the columns and types of ``schema``, or a refusal.

    Args:
        rows: what the caller gave; columns of ``schema`` that are absent become missing values.
        schema: the table's, with every column of ``rows``.

    Raises:
        SettingError: if a required value is missing, an image_id occurs twice, a vector is not of
            unit length, or a number is not finite.
    """
    columns = []
    for column in schema:
        if column.name not in rows.column_names:
            if column.name in REQUIRED:
                raise SettingError(f"the rows have no column {column.name!r}, which they need")
            columns.append(pa.nulls(rows.num_rows, column.type))
            continue
        values = rows.column(column.name)
        if column.name in REQUIRED and values.null_count:
            raise SettingError(f"{values.null_count} rows have no value for {column.name!r}")
        if values.type != column.type:
            raise SettingError(
                f"column {column.name!r} has the type {values.type}: the index has {column.type}"
            )
        if column.type == pa.float64():
            if not pc.all(pc.is_finite(values)).as_py() and values.null_count < len(values):
                raise SettingError(
                    f"column {column.name!r} has a number that is not finite: leave it missing"
                )
            # Lance tells -0.0 from 0.0 in comparisons; adding 0.0 leaves one zero.
            values = pc.add(values, 0.0)
        columns.append(values)
    table = pa.table(columns, schema=schema)
    _check_ids(table)
    check_vectors(vectors_of(table), schema.field(VECTOR).type.list_size)
    return table


def _check_ids(table: pa.Table) -> None:
    counts = pc.value_counts(table.column("image_id").combine_chunks())
    twice = [c["values"].as_py() for c in counts if c["counts"].as_py() > 1]
    if twice:
        raise SettingError(f"image_id {twice[0]!r} occurs more than once in these rows")


def check_vectors(vectors: Embeddings, size: int) -> None:
    """Refuse what is not a batch of embeddings of this index.

    Raises:
        SettingError: on a wrong shape, a NaN or infinite value, or a row that is not of unit
            length, and so on zeros.
    """
    if vectors.ndim != 2 or vectors.shape[1] != size:
        raise SettingError(
            f"vectors of shape {vectors.shape}: this index holds {size} numbers a vector, give "
            f"(n, {size})"
        )
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    wrong = np.flatnonzero(~(np.abs(lengths - 1.0) <= _UNIT_TOLERANCE))
    if wrong.size:
        raise SettingError(
            f"vector {wrong[0]} has length {lengths[wrong[0]]:.4g}: give finite vectors of length 1"
        )
