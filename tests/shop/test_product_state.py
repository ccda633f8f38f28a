"""The state of a product, and changes that hold only for one: looked at in the writer's turn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from findalike.shop.changes import RemoveProduct, Written
from findalike.shop.product_state import Expected, ProductChangedError, state_of
from findalike.shop.product_writing import done
from findalike.shop.results import FoundImage, StoredProduct
from findalike.types import Box, Product
from shop.test_product_writing import patch_of, put_of

PRODUCT = Product("a", title="A", price=3.0, attributes={"size": 1.0, "new": True, "tags": ("x",)})
IMAGE = FoundImage("a/1", "1.jpg", Box(1, 2, 30, 40), "0" * 64)
STORED = StoredProduct(PRODUCT, (IMAGE,))


def test_what_is_told_alike_is_in_one_state():
    same = replace(PRODUCT, price=3, attributes={"tags": ["x"], "new": True, "size": 1})
    other_box = replace(IMAGE, box=Box(1.0, 2.0, 30.0, 40.0))
    assert state_of(StoredProduct(same, (other_box,))) == state_of(STORED)
    assert len(state_of(STORED)) == 32


@pytest.mark.parametrize(
    "other",
    [
        StoredProduct(replace(PRODUCT, product_id="b"), (IMAGE,)),
        StoredProduct(replace(PRODUCT, title=None), (IMAGE,)),
        StoredProduct(replace(PRODUCT, category="A"), (IMAGE,)),
        StoredProduct(replace(PRODUCT, variant_of="A"), (IMAGE,)),
        StoredProduct(replace(PRODUCT, price=3.01), (IMAGE,)),
        StoredProduct(replace(PRODUCT, currency="EUR"), (IMAGE,)),
        StoredProduct(replace(PRODUCT, url="https://x.example"), (IMAGE,)),
        StoredProduct(replace(PRODUCT, attributes={"size": 1.0, "new": True}), (IMAGE,)),
        StoredProduct(replace(PRODUCT, attributes={**PRODUCT.attributes, "new": 1.0}), (IMAGE,)),
        StoredProduct(PRODUCT, ()),
        StoredProduct(PRODUCT, (replace(IMAGE, image_id="a/2"),)),
        StoredProduct(PRODUCT, (replace(IMAGE, location="2.jpg"),)),
        StoredProduct(PRODUCT, (replace(IMAGE, sha256="1" * 64),)),
        StoredProduct(PRODUCT, (replace(IMAGE, box=None),)),
        StoredProduct(PRODUCT, (replace(IMAGE, box=Box(1, 2, 30, 40.0001)),)),
    ],
)
def test_every_difference_is_another_state(other):
    assert state_of(other) != state_of(STORED)


def test_the_state_that_a_writer_tells_is_the_one_that_readers_see(shop):
    put = put_of(
        shop,
        "new",
        ["a.jpg", "b.jpg"],
        title="New",
        price=3,
        attributes={"pieces": 4, "boxed": True, "colours": ["red", "blue"]},
    )
    (added,) = map(done, shop.write([put]))
    assert state_of(added.product) == state_of(shop.get("new"))
    (patched,) = map(done, shop.write([patch_of(shop, "new", {"price": 7}, {"pieces": 5})]))
    assert state_of(patched.product) == state_of(shop.get("new")) != state_of(added.product)


def test_of_two_changes_for_one_state_the_first_is_carried_out(shop):
    known = Expected(frozenset({state_of(shop.get("p01"))}))
    first = replace(patch_of(shop, "p01", {"price": 1.25}, {}), expected=known)
    second = replace(patch_of(shop, "p01", {"price": 2.5}, {}), expected=known)
    bystander = patch_of(shop, "p02", {"price": 3.75}, {})
    outcomes = shop.write([first, second, bystander])
    assert isinstance(outcomes[0], Written)
    assert isinstance(outcomes[1], ProductChangedError)
    assert isinstance(outcomes[2], Written)
    assert [shop.get(p).product.price for p in ("p01", "p02")] == [1.25, 3.75]
    before = shop.version
    for late in (
        second,
        RemoveProduct("p01", known),
        replace(put_of(shop, "p01", ["a.jpg"]), expected=known),
    ):
        (outcome,) = shop.write([late])
        assert isinstance(outcome, ProductChangedError)
    assert shop.version == before


def test_any_state_may_be_expected_but_none(shop):
    there = Expected(None)
    (new,) = shop.write([replace(put_of(shop, "new", ["a.jpg"]), expected=there)])
    assert isinstance(new, ProductChangedError)
    patch = replace(patch_of(shop, "none", {"price": 1}, {}), expected=there)
    missing = map(done, shop.write([patch, RemoveProduct("none", there)]))
    assert [outcome.outcome for outcome in missing] == ["missing", "missing"]
    (removed,) = map(done, shop.write([RemoveProduct("p01", there)]))
    assert removed.outcome == "removed"
