"""The caretaker keeps a shop that is changed product by product as fast as one just imported."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from findalike.index import lance_upkeep
from findalike.shop import caretaker as caretaking
from findalike.shop.changes import PutProduct, ReadyImage
from findalike.shop.product_writing import done
from findalike.shop.writing import import_lock
from findalike.types import CatalogueImage, Product


def put(number: int) -> PutProduct:
    vector = np.random.default_rng(number).normal(size=49).astype(np.float32)
    image = CatalogueImage(f"one{number}/a.jpg", f"a{number}.jpg")
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    ready = ReadyImage(image, digest, vector / np.linalg.norm(vector))
    return PutProduct(Product(f"one{number}", title=f"One {number}"), (ready,), {})


def files(shop) -> int:
    return len(list((shop.folder / "index" / "images.lance" / "data").glob("*")))


def test_small_files_are_merged_and_nothing_is_lost(shop, monkeypatch):
    monkeypatch.setattr(lance_upkeep, "SMALL_FILES", 8)
    keeper = shop.caretaker()
    vectors = {}
    for number in range(20):
        change = put(number)
        vectors[change.images[0].sha256, None] = change.images[0].vector
        assert done(shop.write([change])[0]).outcome == "added"
    shop.write([put(3)])  # unchanged
    before = shop._index._run(shop._index._table.stats())["fragment_stats"]["num_fragments"]
    assert before > 8
    keeper.tend(20)
    after = shop._index._run(shop._index._table.stats())["fragment_stats"]["num_fragments"]
    assert after < 5
    assert shop.stats().products == 12 + 20
    kept = shop.vectors(vectors)
    for key, vector in vectors.items():
        np.testing.assert_array_equal(kept[key], vector)
    products = shop.list_products(limit=100).products
    assert [p.product.title for p in products if p.product.product_id == "one7"] == ["One 7"]


def test_old_versions_go_but_not_while_an_import_looks_at_them(shop, monkeypatch):
    from datetime import timedelta

    for name, value in {
        "CHECK_VERSIONS": 5,
        "MOST_VERSIONS": 10,
        "KEPT_VERSIONS": 4,
        "MIN_AGE": timedelta(0),
    }.items():
        monkeypatch.setattr(caretaking, name, value)
    keeper = shop.caretaker()
    for number in range(20):
        shop.write([put(number)])
    held = len(shop._index.versions())
    with import_lock(shop.folder, wait=0.0) as mine:
        assert mine
        keeper.tend(20)
        assert len(shop._index.versions()) >= held
    keeper.tend(0)  # at the next look, though nothing was written since
    assert len(shop._index.versions()) < 10
    assert shop.stats().products == 12 + 20


def test_old_versions_go_though_nobody_looks_after_the_shop_for_long(shop, monkeypatch):
    from datetime import timedelta

    for name, value in {
        "CHECK_VERSIONS": 50,
        "MOST_VERSIONS": 10,
        "KEPT_VERSIONS": 4,
        "MIN_AGE": timedelta(0),
    }.items():
        monkeypatch.setattr(caretaking, name, value)
    for number in range(12):
        shop.write([put(number)])
    assert len(shop._index.versions()) > 10
    shop.caretaker().tend(1)  # of a process that has just started
    assert len(shop._index.versions()) < 10


def test_single_changes_become_an_entry_of_the_history(shop):
    keeper = shop.caretaker()
    shop.write([put(1)])
    assert "not noted" in shop.versions()[0].what
    keeper.tend(1)
    keeper.note()
    assert shop.versions()[0].what == "1 single changes"
    shop.rollback(shop.versions()[1].version)
    assert shop.get("one1") is None


def test_rows_can_be_written_while_the_vector_index_is_built(shop, monkeypatch):
    """The lock of the writers is free by then."""
    from findalike.index import embedded

    monkeypatch.setattr(lance_upkeep, "EXACT_LIMIT", 0)
    seen = []

    async def building(_table):
        seen.append("building")

    original = embedded.EmbeddedIndex._build_vector_index

    def build(index):
        written = shop.write([put(77)])
        seen.append(done(written[0]).outcome)
        return original(index)

    monkeypatch.setattr(embedded, "build_vector_index", building)
    monkeypatch.setattr(embedded.EmbeddedIndex, "_build_vector_index", build)
    shop.caretaker().tidy()
    assert seen == ["added", "building"]


@pytest.mark.parametrize("quick", [True, False])
def test_optimise_says_whether_something_is_left(shop, quick):
    assert shop._index.optimise(quick=quick) is False
