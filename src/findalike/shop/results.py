"""What a shop answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from findalike.types import Box, ImageId, Product


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of the shop.

    Attributes:
        location: path relative to the root it was imported from, or URL.
        sha256: of the image's bytes when it was imported.
    """

    image_id: ImageId
    location: str
    box: Box | None
    sha256: str


@dataclass(frozen=True, slots=True)
class FoundProduct:
    """One product of an answer.

    Attributes:
        rank: from 1.
        score: cosine of its best image with the query, -1 to 1, larger is nearer.
        image: its best image.
    """

    product: Product
    rank: int
    score: float
    image: FoundImage


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one photo.

    Attributes:
        products: one row a product, best first; as many as were asked for if the shop has them.
        box: the box that was searched with, in pixels of the upright photo.
        timings_ms: wall-clock milliseconds by stage: prepare, embed, search, group. In a batch the
            stages are shared by all its photos, and each photo is given its even share.
        shop_version: the version all the products come from.
        warnings: what the shopper should know, such as a box that was cut at the photo's edge.
    """

    products: tuple[FoundProduct, ...]
    box: Box
    timings_ms: Mapping[str, float]
    shop_version: int
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The answer as plain values; a product's attributes stand beside its other fields."""
        return {
            "products": [
                {
                    "product_id": hit.product.product_id,
                    "rank": hit.rank,
                    "score": hit.score,
                    "image": hit.image.location,
                    "image_id": hit.image.image_id,
                    "title": hit.product.title,
                    "category": hit.product.category,
                    "variant_of": hit.product.variant_of,
                    "price": hit.product.price,
                    "currency": hit.product.currency,
                    "url": hit.product.url,
                    "attributes": dict(hit.product.attributes),
                }
                for hit in self.products
            ],
            "box": {"x": self.box.x, "y": self.box.y, "w": self.box.w, "h": self.box.h},
            "timings_ms": {name: round(ms, 3) for name, ms in self.timings_ms.items()},
            "shop_version": self.shop_version,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A product as the shop holds it, with all its images."""

    product: Product
    images: tuple[FoundImage, ...]


@dataclass(frozen=True, slots=True)
class ShopStats:
    """What a shop holds.

    Attributes:
        updated_at: when the last image was written, None in an empty shop.
        attributes: what the catalogues said of the products beyond title, category, price and
            the like, with the types; a filter may name them too.
        bytes: size of the shop's folder on disk.
    """

    products: int
    images: int
    encoder: str
    encoder_fingerprint: str
    embedding_size: int
    version: int
    created_at: datetime
    updated_at: datetime | None
    attributes: Mapping[str, str]
    roots: tuple[str, ...]
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}
