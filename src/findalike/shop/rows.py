"""Between the index's rows and the products and images of a shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from findalike.index.schema import ADDED_AT, FIXED_FIELDS, VECTOR
from findalike.shop.results import FoundImage, FoundProduct, StoredProduct
from findalike.types import Box, CatalogueImage, FieldType, Hit, Product

BOX_COLUMNS = ("box_x", "box_y", "box_w", "box_h")
BOOKKEEPING = frozenset({"domain", "row_hash", ADDED_AT})


def answer_columns(fields: Mapping[str, FieldType]) -> list[str]:
    """The columns that make an answer: everything a source said, no bookkeeping."""
    return [name for name in fields if name not in BOOKKEEPING]


def index_row(
    product: Product, image: CatalogueImage, *, sha256: str, row_hash: str, added_at: datetime
) -> dict[str, object]:
    """The row of one image, with its product's data on it; the vector goes beside it."""
    row: dict[str, object] = {
        "image_id": image.image_id,
        "product_id": product.product_id,
        "title": product.title,
        "category": product.category,
        "variant_of": product.variant_of,
        "price": product.price,
        "currency": product.currency,
        "url": product.url,
        "location": image.location,
        "domain": image.domain,
        "sha256": sha256,
        "row_hash": row_hash,
        ADDED_AT: added_at,
    }
    if image.box is not None:
        row |= {"box_x": image.box.x, "box_y": image.box.y}
        row |= {"box_w": image.box.w, "box_h": image.box.h}
    return row | dict(product.attributes)


def box_of(row: Mapping[str, Any]) -> Box | None:
    """The box on a catalogue image, if its row has one."""
    if row["box_x"] is None:
        return None
    return Box(*(row[column] for column in BOX_COLUMNS))


def found_product(hit: Hit, rank: int) -> FoundProduct:
    """One product of an answer, from the hit of its best image."""
    row = {**hit.row, "product_id": hit.product_id, "image_id": hit.image_id}
    return FoundProduct(product=product_of(row), rank=rank, score=hit.score, image=image_of(row))


def stored_product(rows: Sequence[Mapping[str, Any]]) -> StoredProduct:
    """A product with all its images, from its rows; the latest row says what the product is."""
    by_id = sorted(rows, key=lambda row: str(row["image_id"]))
    latest = max(by_id, key=lambda row: row[ADDED_AT])
    return StoredProduct(product_of(latest), tuple(image_of(row) for row in by_id))


def product_of(row: Mapping[str, Any]) -> Product:
    """The product that a row repeats."""
    attributes = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row.items()
        if name not in FIXED_FIELDS and name not in (ADDED_AT, VECTOR) and value is not None
    }
    return Product(
        product_id=row["product_id"],
        title=row["title"],
        category=row["category"],
        variant_of=row["variant_of"],
        price=row["price"],
        currency=row["currency"],
        url=row["url"],
        attributes=attributes,
    )


def image_of(row: Mapping[str, Any]) -> FoundImage:
    """The image that a row is of."""
    return FoundImage(row["image_id"], row["location"], box_of(row), row["sha256"])
