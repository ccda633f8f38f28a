"""A change that takes two commits is whole after a kill between them."""

from __future__ import annotations

import pytest

from findalike.errors import ShopLockedError
from findalike.shop.shop import Shop
from findalike.shop.unfinished import UNFINISHED_NAME, is_unfinished
from findalike.shop.writing import writer_lock
from shop.test_product_writing import patch_of, put_of


class KilledError(BaseException):
    """The process ends here."""


def killed(*_: object) -> None:
    raise KilledError


@pytest.fixture
def killed_at(shop, monkeypatch):
    """Puts a product with other images, and is killed at a step; returns the shop opened anew."""

    def put(step):
        shop.write([put_of(shop, "p", ["a.jpg", "b.jpg"], title="Old")])
        with monkeypatch.context() as patched:
            patched.setattr(shop._index, step, killed)
            with pytest.raises(KilledError):
                shop.write([put_of(shop, "p", ["b.jpg", "c.jpg"], title="New")])
        return Shop.open(shop.folder)

    return put


def seen(shop, product_id="p"):
    stored = shop.get(product_id)
    return stored.product.title, sorted(image.location for image in stored.images)


def test_after_the_first_commit_it_is_finished(killed_at):
    shop = killed_at("delete")
    assert seen(shop) == ("New", ["a.jpg", "b.jpg", "c.jpg"])
    shop.finish_changes()
    assert seen(shop) == ("New", ["b.jpg", "c.jpg"])
    assert not is_unfinished(shop.folder)


def test_before_the_first_commit_it_never_was(killed_at):
    shop = killed_at("upsert")
    assert is_unfinished(shop.folder)
    shop.finish_changes()
    assert seen(shop) == ("Old", ["a.jpg", "b.jpg"])
    assert not is_unfinished(shop.folder)


def test_the_next_change_finishes_it(killed_at):
    shop = killed_at("delete")
    shop.write([patch_of(shop, "p03", {"price": 1}, {})])
    assert seen(shop) == ("New", ["b.jpg", "c.jpg"])


def test_who_opens_it_does_not_wait_for_another_writer(killed_at):
    shop = killed_at("delete")
    with writer_lock(shop.folder), pytest.raises(ShopLockedError):
        shop.finish_changes()
    assert is_unfinished(shop.folder)


def test_what_others_wrote_since_stays(killed_at):
    shop = killed_at("delete")
    note = (shop.folder / UNFINISHED_NAME).read_bytes()
    shop.write([put_of(shop, "p", ["a.jpg"], title="Newest")])
    (shop.folder / UNFINISHED_NAME).write_bytes(note)
    shop.finish_changes()
    assert seen(shop) == ("Newest", ["a.jpg"])


def test_a_damaged_note_says_nothing(shop):
    before = shop.version
    (shop.folder / UNFINISHED_NAME).write_text('{"at": ')
    shop.finish_changes()
    assert shop.version == before
    assert not is_unfinished(shop.folder)


def test_a_change_that_was_carried_out_leaves_no_note(shop):
    shop.write([put_of(shop, "p", ["a.jpg"], title="Old")])
    shop.write([put_of(shop, "p", ["b.jpg"], title="New")])
    assert seen(shop) == ("New", ["b.jpg"])
    assert not is_unfinished(shop.folder)
