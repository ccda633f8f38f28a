"""Single products: put, patched and removed in groups, by the rules of an import."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from findalike.errors import ShopLockedError
from findalike.shop.changes import ImageTakenError, PutProduct, ReadyImage, RemoveProduct
from findalike.shop.product_input import (
    ImageInput,
    ProductRefusedError,
    checked_patch,
    checked_product,
)
from findalike.shop.product_writing import done
from findalike.shop.writing import writer_lock
from findalike.types import Box


def put_of(shop, product_id, locations, **values):
    attributes = values.pop("attributes", {})
    checked = checked_product(
        product_id,
        values,
        attributes,
        [i if isinstance(i, ImageInput) else ImageInput(i) for i in locations],
        known=shop.attributes,
    )
    rng = np.random.default_rng(abs(hash(product_id)) % 1000)
    ready = []
    for image in checked.images:
        vector = rng.normal(size=49).astype(np.float32)
        digest = hashlib.sha256(image.location.encode()).hexdigest()
        ready.append(ReadyImage(image, digest, vector / np.linalg.norm(vector)))
    return PutProduct(checked.product, tuple(ready), checked.types)


def patch_of(shop, product_id, values, attributes):
    return checked_patch(product_id, values, attributes, known=shop.attributes)


def test_a_product_is_added_changed_and_removed(shop):
    put = put_of(shop, "new", ["a.jpg", "b.jpg"], title="New", price=3.5)
    (added,) = map(done, shop.write([put]))
    assert (added.outcome, added.images) == ("added", 2)
    assert added.version == shop.version
    stored = shop.get("new")
    assert stored == added.product
    assert stored.product.price == 3.5
    assert [image.image_id for image in stored.images] == ["new/a.jpg", "new/b.jpg"]

    before = shop.version
    (same,) = map(done, shop.write([put]))
    assert (same.outcome, same.images) == ("unchanged", 0)
    assert shop.version == before  # nothing was written

    (changed,) = map(done, shop.write([put_of(shop, "new", ["b.jpg", "c.jpg"], title="Newer")]))
    assert (changed.outcome, changed.images) == ("updated", 3)
    stored = shop.get("new")
    assert stored.product.title == "Newer"
    assert stored.product.price is None
    assert [image.location for image in stored.images] == ["b.jpg", "c.jpg"]

    (removed, missing) = map(done, shop.write([RemoveProduct("new"), RemoveProduct("none")]))
    assert (removed.outcome, removed.images, missing.outcome) == ("removed", 2, "missing")
    assert shop.get("new") is None


def test_a_patch_keeps_the_embedding_and_null_removes(shop):
    vector = shop.vectors([(shop.get("p03").images[0].sha256, None)])
    patch = patch_of(shop, "p03", {"price": 99, "title": None}, {"brand": None, "colour": "red"})
    (patched,) = map(done, shop.write([patch]))
    assert patched.outcome == "updated"
    product = shop.get("p03").product
    assert (product.price, product.title, product.category) == (99.0, None, "Fruit/Apple")
    assert product.attributes == {"colour": "red", "sold_out": False}
    assert shop.fields["colour"] == "text"
    (key, kept), *_ = vector.items()
    np.testing.assert_array_equal(shop.vectors([key])[key], kept)
    (missing,) = map(done, shop.write([patch_of(shop, "nobody", {"price": 1}, {})]))
    assert missing.outcome == "missing"


def test_a_group_is_one_commit_in_its_order(shop):
    before = shop.version
    outcomes = shop.write(
        [
            put_of(shop, "x", ["x.jpg"], title="one"),
            patch_of(shop, "x", {"title": "two"}, {}),
            put_of(shop, "y", ["y.jpg"]),
            put_of(shop, "x", ["x.jpg"], title="three"),
        ]
    )
    assert [done(o).outcome for o in outcomes] == ["added", "updated", "added", "updated"]
    assert shop.version == before + 1
    assert shop.get("x").product.title == "three"


def test_an_image_id_belongs_to_one_product(shop):
    taken = ImageInput("z.jpg", image_id="p00/0.jpg")
    (refused, taken_in) = shop.write(
        [put_of(shop, "thief", [taken]), put_of(shop, "other", ["other.jpg"])]
    )
    assert isinstance(refused, ImageTakenError)
    assert "'p00'" in str(refused)
    assert done(taken_in).outcome == "added"  # the others of the group do not suffer
    assert shop.get("thief") is None
    moved = shop.write([RemoveProduct("p00"), put_of(shop, "heir", [taken])])
    assert [done(o).outcome for o in moved] == ["removed", "added"]
    assert shop.image("p00/0.jpg").location == "z.jpg"


def test_a_value_that_has_no_place_spoils_no_other_change(shop):
    clash = put_of(shop, "clash", ["c.jpg"], attributes={"size": 3})
    shop.write([put_of(shop, "first", ["f.jpg"], attributes={"size": "large"})])
    outcomes = shop.write([clash, put_of(shop, "fine", ["g.jpg"])])
    assert "size" in str(outcomes[0])
    assert done(outcomes[1]).outcome == "added"


def test_an_import_of_the_same_leaves_a_put_product_alone(shop, photos, add_rows):
    row = {"product_id": "api", "image": "5.jpg", "title": "Same", "price": "4.00"}
    data = (photos / "5.jpg").read_bytes()
    checked = checked_product(
        "api", {"title": "Same", "price": 4}, {}, [ImageInput("5.jpg")], known=shop.attributes
    )
    digest = hashlib.sha256(data).hexdigest()
    vector = shop.vectors([(digest, None)])[digest, None]
    ready = ReadyImage(checked.images[0], digest, vector)
    shop.write([PutProduct(checked.product, (ready,), checked.types)])
    report = add_rows(shop, [row])
    assert (report.unchanged, report.updated, report.added) == (1, 0, 0)


@pytest.mark.parametrize(
    ("values", "attributes", "images", "column"),
    [
        ({"price": -1}, {}, ["a.jpg"], "price"),
        ({"price": "cheap"}, {}, ["a.jpg"], "price"),
        ({"title": "a\0b"}, {}, ["a.jpg"], "title"),
        ({}, {"Brand Name": "x"}, ["a.jpg"], "attributes.Brand Name"),
        ({}, {"score": 1}, ["a.jpg"], "attributes.score"),
        ({}, {"sold_out": "perhaps"}, ["a.jpg"], "sold_out"),
        ({}, {}, [], "images"),
        ({}, {}, ["file:///etc/passwd"], "images.0.location"),
        ({}, {}, ["a.jpg", "a\n.jpg"], "images.1.location"),
        ({}, {}, ["a.jpg", "a.jpg"], "image_id"),
    ],
)
def test_what_cannot_be_taken_is_named(shop, values, attributes, images, column):
    with pytest.raises(ProductRefusedError) as refused:
        put_of(shop, "p", images, attributes=attributes, **values)
    assert refused.value.refusals[0].column.endswith(column.rpartition(".")[2])
    assert refused.value.refusals[0].allowed


def test_ids_are_checked(shop):
    for bad in ("", " ", "a\nb", "x" * 600, "\ud800"):
        with pytest.raises(ProductRefusedError):
            put_of(shop, bad, ["a.jpg"])
    odd = "../a b/ü%2f'\"; drop"
    shop.write([put_of(shop, odd, [ImageInput("a.jpg", box=Box(1, 2, 3, 4))])])
    assert shop.get(odd).images[0].box == Box(1, 2, 3, 4)


def test_another_writer_is_waited_for_in_bounds(shop):
    with writer_lock(shop.folder), pytest.raises(ShopLockedError):
        shop.write([RemoveProduct("p00")], wait=0.05)
    assert shop.get("p00") is not None


def test_pages_follow_the_ids_while_products_come_and_go(shop):
    first = shop.list_products(limit=5)
    assert [p.product.product_id for p in first.products] == [f"p{n:02d}" for n in range(5)]
    shop.write([put_of(shop, "p02b", ["q.jpg"]), RemoveProduct("p06"), put_of(shop, "p07b", ["r"])])
    second = shop.list_products(limit=5, after=first.last_id)
    assert [p.product.product_id for p in second.products] == ["p05", "p07", "p07b", "p08", "p09"]
    last = shop.list_products(limit=5, after=second.last_id)
    assert [p.product.product_id for p in last.products] == ["p10", "p11"]
    assert last.last_id is None
    cheap = shop.list_products(limit=5, where="price < 2")
    assert [p.product.product_id for p in cheap.products] == ["p00", "p01"]
