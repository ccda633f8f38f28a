"""Which state a product is in, and changes that hold only for one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from findalike.errors import SettingError
from findalike.shop.results import StoredProduct
from findalike.types import Box


class ProductChangedError(SettingError):
    """A change was made for another state of the product than it is in."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a product must be for a change of it to be carried out.

    Attributes:
        states: it must be in one of them, see ``state_of``; None: there must be such a product.
    """

    states: frozenset[str] | None

    def check(self, stored: StoredProduct | None) -> None:
        """Hold a product against it.

        Args:
            stored: the product as the shop holds it, None where it does not.

        Raises:
            ProductChangedError: if it is another.
        """
        if stored is None:
            raise ProductChangedError("the product is not in the shop any more")
        if self.states is not None and state_of(stored) not in self.states:
            raise ProductChangedError(
                f"the product {stored.product.product_id!r} has been changed meanwhile"
            )


def state_of(stored: StoredProduct) -> str:
    """A name of all that is said of a product and its images: 32 hexadecimal digits.

    Two products that are told alike have the same, whoever wrote them and when.
    """
    product = stored.product
    said = {
        "product": {
            "product_id": product.product_id,
            "title": product.title,
            "category": product.category,
            "variant_of": product.variant_of,
            "price": _plain(product.price),
            "currency": product.currency,
            "url": product.url,
        },
        "attributes": {name: _plain(value) for name, value in product.attributes.items()},
        "images": [
            [image.image_id, image.location, image.sha256, _numbers(image.box)]
            for image in stored.images
        ],
    }
    packed = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(packed.encode()).hexdigest()[:32]


def _numbers(box: Box | None) -> list[float] | None:
    return None if box is None else [float(number) for number in (box.x, box.y, box.w, box.h)]


def _plain(value: Any) -> Any:
    """A value as it is after it was stored: 1 and 1.0 are one number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return list(value) if isinstance(value, tuple) else value
