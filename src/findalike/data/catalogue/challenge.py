"""The gallery of the Visual Product Recognition challenge, with product data beside it if any."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from findalike.data.catalogue.base import PRODUCT_FIELDS, BadValue, Draft, fill, is_filled
from findalike.data.catalogue.columns import map_columns
from findalike.data.catalogue.files import open_table
from findalike.data.catalogue.lookup import DiskLookup
from findalike.data.catalogue.rows import RowSource
from findalike.data.catalogue.table import TableReader, draft_of
from findalike.data.catalogue.values import text_of
from findalike.types import Refusal

PRODUCTS_FILE = "products.csv"


class ChallengeReader(TableReader):
    """``seller_img_id, img_path``, and where given ``product_id`` and a box.

    Without product ids each image is a product. A ``products.csv`` with a column of product ids
    in the same folder adds its columns to the images of each product; where both files have a
    value, the gallery's counts. A faulty row of it is refused, and its product's images come
    without it. The join goes through a temporary file, so its memory does not grow with the shop.
    """

    format: ClassVar[str] = "challenge"

    def __init__(self, table: RowSource) -> None:
        super().__init__(table)
        self._products: _Products | None = None
        beside = table.path.parent / PRODUCTS_FILE
        if "product_id" in self.map.fields and beside.is_file() and beside != table.path:
            self._products = _Products.opened(beside)
            self.notes.append(
                f"{PRODUCTS_FILE} beside it is joined by product id"
                if self._products
                else f"{PRODUCTS_FILE} beside it has no column product_id and is not joined"
            )

    def survey(self, observe: Callable[[Draft], None], count: Callable[[], None]) -> None:
        """The first pass, over the rows of both files; only the gallery's are counted."""
        for item in super().drafts():
            if isinstance(item, Draft):
                observe(item)
            count()
        for item in self._products.drafts() if self._products else ():
            if isinstance(item, Draft):
                observe(item)

    def drafts(self) -> Iterator[Draft | Refusal]:
        """The refused rows of products.csv, then the gallery with the others joined."""
        if self._products is None:
            yield from super().drafts()
            return
        lookup = DiskLookup()
        try:
            yield from self._load(self._products, lookup)
            for item in super().drafts():
                yield _joined(item, lookup) if isinstance(item, Draft) else item
        finally:
            lookup.close()

    def _load(self, products: _Products, lookup: DiskLookup) -> Iterator[Refusal]:
        for item in products.drafts():
            if isinstance(item, Refusal):
                yield item
                continue
            try:
                product = self.checks.product(item)
                values = [getattr(item, name) for name in PRODUCT_FIELDS]
                if not lookup.put(product.product_id, json.dumps([values, item.attributes])):
                    raise BadValue(
                        "product_id",
                        product.product_id,
                        reason="an earlier row has this product already; the first is kept",
                        allowed=f"one row a product in {PRODUCTS_FILE}",
                    )
            except BadValue as bad:
                yield bad.refusal(item.file, item.row, item=item.product_id, columns=item.columns)


class _Products:
    """The table of products beside a gallery."""

    def __init__(self, table: RowSource) -> None:
        self._table = table
        self._map = map_columns(table, with_images=False)

    @classmethod
    def opened(cls, path: Path) -> _Products | None:
        """The table, or None if it has no product ids."""
        products = cls(open_table(path))
        return products if "product_id" in products._map.fields else None

    def drafts(self) -> Iterator[Draft | Refusal]:
        for record in self._table.records():
            if isinstance(record, Refusal):
                yield record
            else:
                yield draft_of(record, self._map, str(self._table.path))


def _joined(draft: Draft, lookup: DiskLookup) -> Draft:
    product_id = text_of(draft.product_id)
    found = None if product_id is None else lookup.get(product_id)
    if found is None:
        return draft
    values, attributes = json.loads(found)
    fill(draft, values)
    for name, value in attributes.items():
        if not is_filled(draft.attributes.get(name)):
            draft.attributes[name] = value
    return draft
