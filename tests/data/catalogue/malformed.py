"""Damaged catalogues without end, the same for the same seed."""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Iterator

import pyarrow as pa
from pyarrow import parquet

NASTY = [
    *("", " ", "NULL", "-1", "0", "NaN", "inf", "1e999", "-0", "1,2,3", "½", "٣", "9" * 400),
    *("\x00", "\x1b[31m", "a\x07b", "a\nb", "a\r\nb", "\u2028", "\u202egpj.exe", "\ufeffid", "😀"),
    *('"', '""', '"open', "'", "a'b\"c", "|||", ";;;", ",,,", "\t", "=1+1|' /C calc'!A0"),
    *("../../etc/passwd", "/etc/passwd", "C:\\x\\y.jpg", "..\\..\\x.jpg", "http://", "//x"),
    *("ftp://x/a.jpg", "data:image/png;base64,AAAA", "http://[::1", "a.jpg|b.jpg|a.jpg", "%00"),
    *("[", "[]", "[[[[", '[{"a": 1}]', '["\\ud800"]', '["a", null, 3]', "[1e999]", "{}", "null"),
    *("<b>", "<script>", "<!--", "&amp;&#0;&#xD800;", "]]>", "size=,=x,,a=", "sku=|sku=A,|x"),
    *("x" * 600, "y" * 3000, "z" * 140_000, "a/" * 500, " > " * 50, "Default Category/" * 20),
]
"""Cells that have broken somebody's import before."""

_TABLES: dict[str, list[list[str]]] = {
    "table": [
        [
            "id",
            "image",
            "title",
            "price",
            "category",
            "bbox_x",
            "bbox_y",
            "bbox_w",
            "bbox_h",
            "tags",
            "stock",
            "sold",
            "domain",
        ],
        *[
            f'{n},{n}.jpg,Größe,{n}.50,A > B,1,2,3,4,["a"],3,yes,seller'.split(",")
            for n in range(8)
        ],
    ],
    "challenge": [
        ["seller_img_id", "img_path", "product_id"],
        *[[str(n), f"{n}.jpg", str(n // 2)] for n in range(8)],
    ],
    "magento": [
        [
            "sku",
            "product_type",
            "categories",
            "name",
            "description",
            "price",
            "base_image",
            "additional_attributes",
            "configurable_variations",
            "additional_images",
            "is_in_stock",
        ],
        *[
            f"A{n};simple;Default Category/X,Default Category;N;<p>x</p>;1;/m/h/{n}.jpg;"
            "size=S,c=a|b;sku=A1,size=S|sku=A2;/a.jpg,/b.jpg;1".split(";")
            for n in range(6)
        ],
    ],
    "shopify": [
        [
            "Handle",
            "Title",
            "Body (HTML)",
            "Tags",
            "Option1 Name",
            "Option1 Value",
            "Variant SKU",
            "Variant Price",
            "Image Src",
            "Image Position",
            "Variant Image",
        ],
        *[
            f"h{n // 3};T;<p>x</p>;a, b;Color;C{n};S{n};9.99;{n}.jpg;{n};v{n}.jpg".split(";")
            for n in range(8)
        ],
    ],
    "google": [
        [
            "id",
            "title",
            "image_link",
            "additional_image_link",
            "price",
            "sale_price",
            "availability",
            "product_type",
            "item_group_id",
        ],
        *[
            f"{n};T;https://x/{n}.jpg;https://x/b.jpg;1.00 USD;0.50 USD;in stock;A > B;G".split(";")
            for n in range(8)
        ],
    ],
}


def malformed(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """File names and contents: tables, feeds and Parquet with nasty cells and broken bytes."""
    rng = random.Random(seed)
    for number in range(count):
        kind = rng.choice([*_TABLES, *_TABLES, "rss", "parquet"])
        name, data = f"{number}.csv", b""
        if kind == "rss":
            name, data = f"{number}.xml", _feed(rng)
        elif kind == "parquet":
            name, data = f"{number}.parquet", _parquet(rng)
        else:
            data = _table(rng, kind)
        for _ in range(rng.choice([0, 0, 1, 1, 2, 5, 30])):
            data = _broken(rng, data)
        if rng.random() < 0.1:
            data = gzip.compress(data)
            if rng.random() < 0.5:
                data = _broken(rng, data)
        yield name, data


def _cells(rng: random.Random, kind: str) -> list[list[str]]:
    rows = [list(row) for row in _TABLES[kind]]
    for _ in range(rng.choice([0, 1, 3, 10])):
        row = rng.choice(rows[0 if rng.random() < 0.1 else 1 :])
        if row:
            row[rng.randrange(len(row))] = rng.choice(NASTY)
    for row in rows:
        if rng.random() < 0.05:
            row.extend(rng.choices(NASTY, k=rng.randrange(1, 4)))
        elif rng.random() < 0.05:
            del row[rng.randrange(len(row) + 1) :]
    return rows


def _table(rng: random.Random, kind: str) -> bytes:
    buffer = io.StringIO()
    delimiter = rng.choice(",,,;\t|")
    if rng.random() < 0.7:
        quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting)
        writer.writerows(_cells(rng, kind))
    else:  # as a careless program writes it
        end = rng.choice(["\n", "\r\n", "\r", "\n\n"])
        buffer.write(end.join(delimiter.join(row) for row in _cells(rng, kind)))
    encodings = ["utf-8"] * 6 + ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp437", "utf-32"]
    return buffer.getvalue().encode(rng.choice(encodings), "replace")


def _feed(rng: random.Random) -> bytes:
    header, *rows = _cells(rng, "google")
    items = []
    for row in rows:
        escaped = rng.random() < 0.9
        cells = []
        for name, cell in zip(header, row, strict=False):
            text = "".join(c for c in cell if c.isprintable()) if escaped else cell
            for mark, entity in (("&", "&amp;"), ("<", "&lt;")) if escaped else ():
                text = text.replace(mark, entity)
            tag = name if name.isidentifier() or not escaped else "x"
            cells.append(f"<g:{tag}>{text}</g:{tag}>")
        items.append(f"<item>{''.join(cells)}</item>")
    space = 'xmlns:g="http://base.google.com/ns/1.0"'
    doctype = '<!DOCTYPE r [<!ENTITY a "x">]>' if rng.random() < 0.05 else ""
    text = f"{doctype}<rss {space}><channel>{''.join(items)}</channel></rss>"
    return text.encode("utf-8", "replace")


def _parquet(rng: random.Random) -> bytes:
    header, *rows = _TABLES[rng.choice(list(_TABLES))]
    columns: dict[str, object] = {}
    for at, name in enumerate(header):
        cells: list[object] = [row[at] for row in rows]
        if rng.random() < 0.3:
            cells = [rng.choice([None, 1, -5, 2**62]) for _ in rows]
        elif rng.random() < 0.2:
            cells = [rng.choice([None, 1.5, float("nan"), float("inf"), 1e300]) for _ in rows]
        elif rng.random() < 0.2:
            cells = [rng.choice([None, [], ["a.jpg", None], ["x" * 600]]) for _ in rows]
        elif rng.random() < 0.2:
            cells = [rng.choice(NASTY) for _ in rows]
        columns[name] = cells
    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns), buffer, compression="NONE")
    return buffer.getvalue()


def _broken(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\x00"
    at = rng.randrange(len(data))
    to = min(len(data), at + rng.choice([1, 2, 10, 100]))
    way = rng.randrange(6)
    if way == 0:
        return data[:at]
    if way == 1:
        return data[:at] + data[to:]
    if way == 2:
        return data[:at] + rng.randbytes(to - at) + data[to:]
    if way == 3:
        return data[:to] + data[at:]
    if way == 4:
        return data[:at] + rng.choice([b'"', b"\n", b"\x00", b"\xff", b",", b"<", b"&"]) + data[at:]
    return data[:at] + rng.choice(NASTY).encode("utf-8", "replace") + data[at:]
