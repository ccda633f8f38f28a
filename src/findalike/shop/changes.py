"""Changes of single products: what a writer is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from findalike.errors import FindalikeError, SettingError
from findalike.shop.product_state import Expected
from findalike.shop.results import StoredProduct
from findalike.types import AttributeValue, CatalogueImage, FieldType, Product, ProductId


class ImageTakenError(SettingError):
    """An image id that another product of the shop has already."""


@dataclass(frozen=True, slots=True)
class ReadyImage:
    """An image that is ready to be written.

    Attributes:
        sha256: of its bytes.
        vector: its embedding, shape (d,), float32, unit length.
    """

    image: CatalogueImage
    sha256: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PutProduct:
    """Make a product what it is here, with these images and no others.

    Attributes:
        types: the type of each of its attributes.
        expected: what the product must be until then, None for anything or nothing.
    """

    product: Product
    images: tuple[ReadyImage, ...]
    types: Mapping[str, FieldType]
    expected: Expected | None = None

    @property
    def product_id(self) -> ProductId:
        """Id of the product."""
        return self.product.product_id


@dataclass(frozen=True, slots=True)
class PatchProduct:
    """Change some of what is said of a product; its images and embeddings stay.

    Attributes:
        values: column → new value, None to remove what is there.
        types: the type of each attribute among them.
        expected: what the product must be until then, None for anything.
    """

    product_id: ProductId
    values: Mapping[str, AttributeValue | None]
    types: Mapping[str, FieldType]
    expected: Expected | None = None


@dataclass(frozen=True, slots=True)
class RemoveProduct:
    """Remove a product with all its images.

    Attributes:
        expected: what the product must be until then, None for anything.
    """

    product_id: ProductId
    expected: Expected | None = None


Change: TypeAlias = PutProduct | PatchProduct | RemoveProduct


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a change.

    Attributes:
        outcome: ``missing`` where there was no such product to patch or remove.
        product: as the shop holds it now, None where it does not.
        images: images of the product that were written or removed.
        version: of the shop, in which the change is seen.
    """

    outcome: Literal["added", "updated", "unchanged", "removed", "missing"]
    product: StoredProduct | None
    images: int
    version: int


WriteOutcome: TypeAlias = Written | FindalikeError
