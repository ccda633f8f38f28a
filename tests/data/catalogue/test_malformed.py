"""A thousand damaged catalogues: each is refused as a whole or row by row, none crashes."""

import json
import os
import random

import pytest
from malformed import NASTY, malformed

from findalike.data.catalogue import FORMATS, open_catalogue
from findalike.data.queries import read_queries
from findalike.errors import CatalogueError
from findalike.types import CatalogueRow, Refusal

KINDS = {"text": str, "number": float, "boolean": bool, "list": tuple}


def assert_sound(item, fields):
    """What comes out can be stored, printed and counted on."""
    if isinstance(item, Refusal):
        texts = [item.file, item.item, item.column, item.value, item.reason, item.allowed]
        assert item.row >= 0
        assert item.reason
        assert item.allowed
        assert len(item.value) <= 80
        assert item.value.isprintable()
    else:
        assert isinstance(item, CatalogueRow)
        product = item.product
        assert 0 < len(product.product_id) <= 512
        assert item.images
        assert product.price is None or product.price >= 0
        for name, value in product.attributes.items():
            assert type(value) is KINDS[fields[name]]
        texts = [product.product_id, product.title or "", product.category or ""]
        texts += [json.dumps(dict(product.attributes), ensure_ascii=False)]
        texts += [i.image_id + i.location for i in item.images]
    for text in texts:
        text.encode("utf-8")
        assert "\0" not in text


@pytest.mark.parametrize("seed", range(10))
def test_damaged_files_are_refused_and_never_crash(tmp_path, seed):
    rng = random.Random(seed)
    opened = rows = refusals = 0
    for name, data in malformed(seed, 100):
        path = tmp_path / name
        path.write_bytes(data)
        told = rng.choice([None, None, *FORMATS])
        fault = None
        try:
            catalogue = open_catalogue(path, format=told)
            for item in catalogue.rows():
                assert_sound(item, catalogue.fields)
                rows += isinstance(item, CatalogueRow)
                refusals += isinstance(item, Refusal)
            opened += 1
        except CatalogueError as error:
            fault = str(error)
        assert fault is None or str(path) in fault, "the message names the file"
        try:
            queries, refused = read_queries(path)
            assert all(q.image_id and q.location for q in queries)
            for refusal in refused:
                assert_sound(refusal, {})
        except CatalogueError:
            pass
    # The damage is of all degrees: files are lost, rows are lost, and rows survive.
    assert 10 < opened < 90
    assert rows > 50
    assert refusals > 20


def test_a_thousand_bad_rows_among_good_ones_cost_themselves_only(tmp_path):
    rng = random.Random(3)
    path = tmp_path / "shop.csv"
    bad = {"": "id", "free": "price", "-3": "price", "ftp://x/y.jpg": "image", "x" * 600: "id"}
    expected = []
    with path.open("w", encoding="utf-8") as file:
        file.write("id,image,price,title\n")
        for n in range(3000):
            cells = {"id": str(n), "image": f"{n}.jpg", "price": "1", "title": "T"}
            row = n + 2
            if n % 3 == 1:
                value = rng.choice(list(bad))
                cells[bad[value]] = value
                expected.append((row, bad[value]))
            line = ",".join(cells.values())
            if n % 300 == 2:
                line = line.replace(",T", rng.choice(['"', ',"T', "", ",T,T"]))
                expected.append((row, ""))
            file.write(f"{line}\n")
    catalogue = open_catalogue(path)
    found = list(catalogue.rows())
    assert [(r.row, r.column) for r in found if isinstance(r, Refusal)] == expected
    assert sum(isinstance(r, CatalogueRow) for r in found) == 3000 - len(expected)


def test_folders_with_nasty_names(tmp_path):
    shop = tmp_path / "shop"
    for n, name in enumerate(NASTY):
        safe = os.fsencode(name.replace("/", "_").replace("\0", "_"))[:200]
        folder = shop / (os.fsdecode(safe) if safe.strip() and n % 2 else f"p{n}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{os.fsdecode(safe) or 'x'}.jpg").touch()
    catalogue = open_catalogue(shop)
    for item in catalogue.rows():
        assert_sound(item, catalogue.fields)
