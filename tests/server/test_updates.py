"""What updates do when a service starts."""

from __future__ import annotations

import asyncio

import pytest

from findalike.server.updates import Updates
from findalike.shop.changes import RemoveProduct
from findalike.shop.shop import Shop
from findalike.shop.unfinished import is_unfinished
from findalike.shop.writing import writer_lock
from shop.test_product_writing import patch_of


@pytest.fixture
def left_by_half(make_shop, monkeypatch):
    """A shop whose process was killed when it had changed p03 and had to remove p04 still."""
    shop = Shop.open(make_shop())

    def killed(*_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(shop._index, "delete", killed)
        with pytest.raises(SystemExit):
            shop.write([patch_of(shop, "p03", {"title": "New"}, {}), RemoveProduct("p04")])
    return Shop.open(shop.folder)


async def started(shop, look):
    updates = Updates(shop)
    updates.start()
    found = look()
    await updates.stop()
    return found


def test_changes_left_by_half_are_finished_before_anybody_sees_them(left_by_half):
    shop = left_by_half
    assert shop.get("p04") is not None
    assert asyncio.run(started(shop, lambda: shop.get("p04"))) is None
    assert shop.get("p03").product.title == "New"


def test_a_service_starts_while_another_process_writes(left_by_half):
    with writer_lock(left_by_half.folder):
        asyncio.run(started(left_by_half, lambda: None))
    assert is_unfinished(left_by_half.folder)
