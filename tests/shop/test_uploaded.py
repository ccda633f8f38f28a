"""Pictures sent to a shop stay as long as a version that can be seen names them."""

from __future__ import annotations

import io
import os
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image

from findalike.shop import uploaded
from findalike.shop.changes import PutProduct, ReadyImage, RemoveProduct
from findalike.shop.uploaded import UPLOADS, keep_upload
from findalike.types import CatalogueImage, Product


def picture(number: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (number, 2 * number, 90)).save(stream, "PNG")
    return stream.getvalue()


def put(shop, product_id, number):
    """Keep a picture and give it to a product; returns its location."""
    location = shop.keep_upload(picture(number), name="picture")
    vector = np.random.default_rng(number).normal(size=49).astype(np.float32)
    image = CatalogueImage(f"{product_id}/{number}", location)
    ready = ReadyImage(image, f"{number:064x}", vector / np.linalg.norm(vector))
    shop.write([PutProduct(Product(product_id, title="A cup"), (ready,), {})])
    return location


def kept(shop):
    return {
        path.relative_to(shop.folder / UPLOADS).as_posix()
        for path in (shop.folder / UPLOADS).rglob("*.png")
    }


@pytest.fixture
def compact(shop, monkeypatch):
    """Compacts a shop whose pictures and versions of all ages may go."""
    monkeypatch.setattr(uploaded, "GRACE", timedelta(0))
    prune = shop._index.prune
    monkeypatch.setattr(
        shop._index, "prune", lambda *, oldest: prune(oldest=oldest, min_age=timedelta(0))
    )
    return lambda: shop.compact(keep_versions=1)


def test_a_picture_that_no_version_names_goes_at_the_second_call(shop, compact):
    old, new = put(shop, "cup", 1), put(shop, "cup", 2)
    compact()
    assert kept(shop) == {old, new}
    put(shop, "other", 3)
    compact()
    assert kept(shop) == {new, keep_upload(shop.folder, picture(3), name="picture")}


def test_a_picture_of_an_old_version_stays_as_long_as_that(shop, compact):
    old = put(shop, "cup", 1)
    named = shop.version
    shop.write([RemoveProduct("cup")])
    shop.compact(keep_versions=50)
    put(shop, "other", 3)
    shop.compact(keep_versions=50)
    assert old in kept(shop)
    shop.rollback(named)
    compact()
    put(shop, "other", 4)
    compact()
    assert old in kept(shop)


def test_a_picture_whose_product_is_not_written_yet_stays(shop, compact, monkeypatch):
    monkeypatch.setattr(uploaded, "GRACE", timedelta(minutes=10))
    waiting = shop.keep_upload(picture(1), name="picture")
    for number in (2, 3):
        put(shop, "cup", number)
        compact()
    assert waiting in kept(shop)


def test_a_picture_that_is_sent_again_has_its_time_anew(shop, compact, monkeypatch):
    monkeypatch.setattr(uploaded, "GRACE", timedelta(minutes=10))
    again, gone = put(shop, "cup", 1), put(shop, "cup", 2)
    shop.write([RemoveProduct("cup")])
    for location in (again, gone):
        os.utime(shop.folder / UPLOADS / location, (1.0, 1.0))
    compact()
    put(shop, "other", 3)
    shop.keep_upload(picture(1), name="picture")
    compact()
    assert again in kept(shop)
    assert gone not in kept(shop)


def test_what_a_killed_process_left_goes(shop, compact):
    put(shop, "cup", 1)
    draft = shop.folder / UPLOADS / "ab" / ".new-x1"
    draft.parent.mkdir(exist_ok=True)
    draft.write_bytes(b"half")
    os.utime(draft, (1.0, 1.0))
    compact()
    assert not draft.exists()


def test_a_damaged_note_begins_anew(shop, compact):
    old = put(shop, "cup", 1)
    put(shop, "cup", 2)
    compact()
    (shop.folder / UPLOADS / ".nameless.json").write_text("{")
    put(shop, "other", 3)
    compact()
    assert old in kept(shop)
    put(shop, "other", 4)
    compact()
    assert old not in kept(shop)


def test_the_caretaker_removes_them(shop, compact, monkeypatch):
    for name in ("CHECK_VERSIONS", "MOST_VERSIONS", "KEPT_VERSIONS"):
        monkeypatch.setattr(f"findalike.shop.caretaker.{name}", 1)
    monkeypatch.setattr("findalike.shop.caretaker.MIN_AGE", timedelta(0))
    prune = shop._index.prune
    monkeypatch.setattr(shop._index, "prune", lambda *, oldest, min_age: prune(oldest=oldest))
    keeper = shop.caretaker()
    old = put(shop, "cup", 1)
    for number in (2, 3, 4):
        put(shop, "cup", number)
        keeper.tend(1)
    assert old not in kept(shop)
