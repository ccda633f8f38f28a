from __future__ import annotations

import pytest

from findalike.errors import SettingError, StorageError
from findalike.shop.public_settings import PUBLIC_NAME, PublicSettings
from findalike.shop.public_view import View


def test_what_a_shop_would_not_tell_is_private_by_default(tmp_path):
    view = View(PublicSettings.read(tmp_path).private)
    private = ("cost", "cost_price", "qty", "inventory_quantity", "supplier_id", "purchase_price")
    told = ("colour", "in_stock", "is_in_stock", "availability", "brand", "vendor", "price_range")
    assert view.shown([*private, *told]) == told


def test_names_are_put_on_the_list_and_taken_off(tmp_path):
    settings = PublicSettings.read(tmp_path).changed(hide=["Internal_*"], show=["qty"])
    settings.write(tmp_path)
    view = View(PublicSettings.read(tmp_path).private)
    assert view.shown(["qty", "internal_note", "cost"]) == ("qty",)


def test_what_cannot_be_a_name_is_refused(tmp_path):
    for name in ("", "a b", "größe", "../x", "'"):
        with pytest.raises(SettingError, match="no name of an attribute"):
            PublicSettings().changed(hide=[name])
    with pytest.raises(SettingError, match="'supplier_name' is not in the list"):
        PublicSettings().changed(show=["supplier_name"])


@pytest.mark.parametrize("text", ["", "{", '{"public": []}'])
def test_damaged_settings_show_nothing(tmp_path, text):
    (tmp_path / PUBLIC_NAME).write_text(text)
    with pytest.raises(StorageError, match="findalike shop public"):
        PublicSettings.read(tmp_path)
