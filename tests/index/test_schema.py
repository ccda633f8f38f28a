"""The columns of an index and the check that rows pass on their way in."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from findalike.errors import SettingError
from findalike.index.packed_row import PACKED, unpack, with_packed
from findalike.index.schema import (
    attributes_of,
    check_vectors,
    checked_rows,
    image_rows,
    image_schema,
    vectors_of,
)

ATTRIBUTES = {"brand": "text", "stock": "number", "new": "boolean", "tags": "list"}
VECTORS = np.eye(4, dtype=np.float32)


def test_attributes_survive_the_way_through_arrow():
    assert attributes_of(image_schema(4, ATTRIBUTES)) == ATTRIBUTES


def test_a_value_of_the_wrong_type_is_refused():
    row = {"image_id": "a", "product_id": "p"}
    for wrong in ({"price": "cheap"}, {"title": 3}, {"tags": "red"}, {"new": "yes"}):
        with pytest.raises(SettingError, match="does not fit"):
            image_rows([{**row, **wrong}], VECTORS[:1], ATTRIBUTES)
    with pytest.raises(SettingError):
        image_rows([{**row, "title": "\ud800"}], VECTORS[:1], ATTRIBUTES)


def test_names_without_a_type_and_rows_without_a_vector_are_refused():
    row = {"image_id": "a", "product_id": "p"}
    with pytest.raises(SettingError, match="colour"):
        image_rows([{**row, "colour": "red"}], VECTORS[:1], ATTRIBUTES)
    with pytest.raises(SettingError, match="1 rows"):
        image_rows([row], VECTORS, ATTRIBUTES)


def test_absent_columns_become_missing_and_zeros_lose_their_sign():
    rows = image_rows([{"image_id": "a", "product_id": "p", "price": -0.0}], VECTORS[:1], {})
    checked = checked_rows(rows.drop_columns(["title"]), image_schema(4, ATTRIBUTES))
    assert checked.schema.names == image_schema(4, ATTRIBUTES).names
    [row] = checked.to_pylist()
    assert (row["title"], row["tags"]) == (None, None)
    assert str(row["price"]) == "0.0"


def test_vectors_of_slices_and_chunks():
    rows = image_rows([{"image_id": str(n), "product_id": "p"} for n in range(4)], VECTORS, {})
    np.testing.assert_array_equal(vectors_of(rows.slice(1, 2)), VECTORS[1:3])
    chunked = pa.concat_tables([rows.slice(2), rows.slice(0, 1)])
    np.testing.assert_array_equal(vectors_of(chunked), VECTORS[[2, 3, 0]])
    np.testing.assert_array_equal(vectors_of(rows.to_batches()[0].slice(3)), VECTORS[3:])


def test_vectors_must_be_of_unit_length():
    check_vectors(VECTORS, 4)
    check_vectors(VECTORS.astype(np.float16).astype(np.float32), 4)
    for wrong in (VECTORS * 1.1, VECTORS * 0, VECTORS + np.nan, VECTORS[0], VECTORS[:, :3]):
        with pytest.raises(SettingError):
            check_vectors(wrong, 4)


def test_a_packed_row_holds_every_value():
    row = {
        "image_id": "ä/日\"'\\",
        "product_id": "p",
        "price": 0.1 + 0.2,
        "tags": ["x", "y"],
        "new": False,
        "stock": 3.0,
        "added_at": datetime(2024, 2, 29, 12, 30, 1, 500, tzinfo=UTC),
    }
    packed = with_packed(image_rows([row], VECTORS[:1], ATTRIBUTES))
    assert unpack(packed.column(PACKED)[0].as_py()) == row
