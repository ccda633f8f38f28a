import datetime
import decimal

import pyarrow as pa
import pytest
from pyarrow import parquet
from reading import read

from findalike.data.catalogue.parquet import ParquetTable
from findalike.errors import CatalogueError


@pytest.fixture
def table(tmp_path):
    columns = {
        "product_id": pa.array([1, 2, 3], pa.int64()),
        "image": pa.array(["a.jpg", "b.jpg", None]),
        "price": pa.array([decimal.Decimal("12.50"), None, None], pa.decimal128(10, 2)),
        "gtin": pa.array([4006381333931, None, 7], pa.int64()),
        "weight": pa.array([1.5, float("nan"), None]),
        "sold_out": pa.array([True, False, None]),
        "colours": pa.array([["red", "blue"], [], None], pa.list_(pa.string())),
        "code": pa.array(["1", "2", "3"]),
        "size": pa.array(["1", "2", "3"]),
        "brand": pa.array(["x", "y", "x"]).dictionary_encode(),
        "added": pa.array([datetime.datetime(2026, 1, 2, 3, 4)] * 3, pa.timestamp("ns")),
        "maker": pa.array([{"name": "m", "land": {"iso": "DE"}}, None, None]),
        "thumbnail": pa.array([b"\x00", None, None], pa.binary()),
        "nothing": pa.array([None, None, None], pa.null()),
    }
    path = tmp_path / "shop.parquet"
    parquet.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_types_come_from_the_file(table):
    found = read(table)
    assert found.catalogue.format == "table"
    assert dict(found.catalogue.fields) == {
        "gtin": "text",
        "weight": "number",
        "sold_out": "boolean",
        "colours": "list",
        "code": "text",
        "size": "text",
        "brand": "text",
        "added": "text",
        "maker_name": "text",
        "maker_land_iso": "text",
    }
    assert "thumbnail" in " ".join(found.catalogue.notes)


def test_values_keep_their_kind(table):
    found = read(table)
    row = found.product("1")
    assert row.product.price == 12.5
    assert row.product.attributes == {
        "gtin": "4006381333931",
        "weight": 1.5,
        "sold_out": True,
        "colours": ("red", "blue"),
        "code": "1",
        "size": "1",
        "brand": "x",
        "added": "2026-01-02 03:04:00.000000000",
        "maker_name": "m",
        "maker_land_iso": "DE",
    }
    assert found.product("2").product.price is None
    assert [(r.row, r.column, r.reason) for r in found.refusals] == [
        (3, "image", "no image is named")
    ]


def test_rows_count_from_one_across_row_groups(table):
    assert [record.row for record in ParquetTable(table).records()] == [1, 2, 3]


def test_a_column_of_lists_may_hold_the_images(tmp_path):
    path = tmp_path / "shop.parquet"
    columns = {"id": [1.0, 2.0], "images": [["a.jpg", "b.jpg"], ["c.jpg"]]}
    parquet.write_table(pa.table(columns), path)
    assert read(path).ids == ["1", "2"]
    assert read(path).locations == [["a.jpg", "b.jpg"], ["c.jpg"]]


@pytest.mark.parametrize("kind", ["text", "list", "dictionary"])
def test_broken_text_is_refused_in_its_row(tmp_path, kind):
    data = pa.array([b"fine", b"\xff\xfe", b"fine"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 3, data.buffers())
    if kind == "list":
        broken = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), broken)
    if kind == "dictionary":
        broken = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), broken)
    path = tmp_path / "shop.parquet"
    images = ["a.jpg", "b.jpg", "c.jpg"]
    parquet.write_table(pa.table({"id": [1, 2, 3], "image": images, "colour": broken}), path)
    found = read(path)
    assert found.ids == ["1", "3"]
    assert [(r.row, r.column) for r in found.refusals] == [(2, "colour")]


def test_what_is_no_parquet_is_an_error(tmp_path):
    path = tmp_path / "shop.parquet"
    path.write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(CatalogueError, match="as Parquet"):
        read(path)
