"""Which attributes a shop keeps to itself: ``public.json`` in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from findalike.errors import SettingError, StorageError
from findalike.shop.public_view import check_attribute_pattern
from findalike.shop.writing import storage_errors, writer_lock

PUBLIC_NAME = "public.json"

DEFAULT_PRIVATE = (
    "cost",
    "cost_*",
    "unit_cost",
    "cogs",
    "margin",
    "margin_*",
    "markup",
    "buying_price",
    "purchase_price",
    "wholesale_price",
    "trade_price",
    "dealer_price",
    "supplier",
    "supplier_*",
    "stock",
    "stock_count",
    "stock_level",
    "stock_on_hand",
    "stock_quantity",
    "stock_qty",
    "qty",
    "quantity",
    "inventory",
    "inventory_*",
    "variant_inventory_*",
    "warehouse",
    "warehouse_*",
)
"""Private until the shop says otherwise: what things cost it, whose they were, and how many it has.
Whether there are any (``in_stock``, ``is_in_stock``, ``availability``) is not among them."""


class PublicSettings(BaseModel):
    """What a shop keeps to itself.

    Attributes:
        private: names of attributes that only keys of the roles catalogue and admin are told; a
            ``*`` stands for any characters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    private: tuple[str, ...] = DEFAULT_PRIVATE

    @classmethod
    def read(cls, shop: Path) -> PublicSettings:
        """The settings of the shop in a folder; the defaults where it has none.

        Raises:
            StorageError: if they cannot be read. Nothing may be shown then.
        """
        path = shop / PUBLIC_NAME
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls()
        except (OSError, ValidationError) as error:
            raise StorageError(
                f"cannot read {path}: delete it and set it anew with `findalike shop public`"
            ) from error

    def write(self, shop: Path) -> None:
        """Keep them, in one step.

        Raises:
            StorageError: if they cannot be written.
            ShopLockedError: if another process is writing to the shop.
        """
        with writer_lock(shop, wait=5.0), storage_errors(shop):
            draft = shop / f"{PUBLIC_NAME}.new"
            draft.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
            draft.replace(shop / PUBLIC_NAME)

    def changed(self, *, hide: Sequence[str] = (), show: Sequence[str] = ()) -> PublicSettings:
        """The settings with names added to the private ones, and others taken away.

        Raises:
            SettingError: if a name cannot be an attribute's, or one to be shown is not private.
        """
        private = list(self.private)
        for name in show:
            if name not in private:
                raise SettingError(
                    f"{name!r} is not in the list of what is private: it has {', '.join(private)}"
                )
            private.remove(name)
        private += [check_attribute_pattern(name) for name in hide]
        return PublicSettings(private=tuple(dict.fromkeys(private)))
