"""Products as programs send them, one at a time: checked by the rules of an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from findalike.data.catalogue.base import Draft, DraftImage, RawValue
from findalike.data.catalogue.checks import Checks
from findalike.data.catalogue.fields import MAX_ATTRIBUTES, RESERVED_FIELDS, attribute_name
from findalike.data.catalogue.seen import SeenStrings
from findalike.errors import SettingError
from findalike.shop.changes import PatchProduct
from findalike.types import (
    Box,
    CatalogueImage,
    CatalogueRow,
    FieldType,
    Product,
    ProductId,
    Refusal,
)

PRODUCT_VALUES = ("title", "category", "variant_of", "price", "currency", "url")
"""What is said of a product beside its attributes."""


class ProductRefusedError(SettingError):
    """A product that cannot be taken.

    Attributes:
        refusals: one for each value at fault.
    """

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        first = refusals[0]
        more = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
        super().__init__(
            f"{first.column} {first.value!r}: {first.reason}; allowed: {first.allowed}{more}"
        )
        self.refusals = tuple(refusals)


@dataclass(frozen=True, slots=True)
class ImageInput:
    """An image of a product as it was sent: a path below a root, or a URL."""

    location: str
    image_id: str | None = None
    box: Box | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedProduct:
    """A product whose every value can be stored; ``types`` are those of its attributes."""

    product: Product
    images: tuple[CatalogueImage, ...]
    types: Mapping[str, FieldType] = field(default_factory=dict)


def checked_product(
    product_id: ProductId,
    values: Mapping[str, RawValue],
    attributes: Mapping[str, RawValue],
    images: Sequence[ImageInput],
    *,
    known: Mapping[str, FieldType],
) -> CheckedProduct:
    """A product as it will be stored.

    Args:
        values: by the names of ``PRODUCT_VALUES``.
        attributes: name → value; empty ones are left out.
        known: the types the shop's attributes have. A new attribute becomes what its value is.

    Raises:
        ProductRefusedError: if a value cannot be used.
    """
    types, refusals = _types(attributes, known)
    checks = Checks({name: name for name in types}, types, decimal_comma=False)
    seen = SeenStrings()
    taken: list[CatalogueRow] = []
    for number, image in enumerate(images, start=1):
        draft = _draft(product_id, number, values, _of(attributes, types), image)
        for row in checks.rows(draft, seen):
            if isinstance(row, Refusal):
                refusals.append(row)
            else:
                taken.append(row)
        if refusals and not taken:
            break  # what is wrong with the product would be said once for each image
    if not images:
        refusals.append(
            _refusal("images", "", "a product is found by its images", "at least one image")
        )
    if refusals:
        raise ProductRefusedError(refusals)
    found = tuple(image for row in taken for image in row.images)
    present = taken[0].product.attributes
    return CheckedProduct(taken[0].product, found, {n: k for n, k in types.items() if n in present})


def checked_patch(
    product_id: ProductId,
    values: Mapping[str, RawValue],
    attributes: Mapping[str, RawValue],
    *,
    known: Mapping[str, FieldType],
) -> PatchProduct:
    """A patch as it will be carried out: None removes a value, what is not named stays.

    Raises:
        ProductRefusedError: if a value cannot be used.
    """
    checked = checked_product(product_id, values, attributes, [ImageInput("none.jpg")], known=known)
    product = checked.product
    changes: dict[str, Any] = {name: getattr(product, name) for name in values}
    changes |= {name: product.attributes.get(name) for name in attributes}
    if product.currency is not None and values.get("price") is not None:
        changes["currency"] = product.currency  # "12.50 EUR" says both
    return PatchProduct(product_id, changes, checked.types)


def _draft(
    product_id: str,
    number: int,
    values: Mapping[str, RawValue],
    attributes: Mapping[str, RawValue],
    image: ImageInput,
) -> Draft:
    box = image.box
    said: dict[str, Any] = dict(values)
    return Draft(
        file="",
        row=number,
        product_id=product_id,
        images=[DraftImage(image.location)],
        image_id=image.image_id,
        box=None if box is None else (box.x, box.y, box.w, box.h),
        domain=image.domain,
        attributes=dict(attributes),
        columns={"image": f"images.{number - 1}.location", "box": f"images.{number - 1}.box"}
        | {name: f"images.{number - 1}.{name}" for name in ("image_id", "domain")},
        **said,
    )


def _types(
    attributes: Mapping[str, RawValue], known: Mapping[str, FieldType]
) -> tuple[dict[str, FieldType], list[Refusal]]:
    types: dict[str, FieldType] = {}
    refusals = []
    for name, value in attributes.items():
        if name in known:
            types[name] = known[name]
        elif name != attribute_name(name) or name in RESERVED_FIELDS:
            better = attribute_name(name)
            better = f"{better}_value" if better in RESERVED_FIELDS else better
            refusals.append(
                _refusal(
                    f"attributes.{name}", name, "no name of an attribute", f"such as {better!r}"
                )
            )
        elif value is not None:
            types[name] = _type_of(value)
    if len(known.keys() | types.keys()) > MAX_ATTRIBUTES:
        refusals.append(
            _refusal(
                "attributes",
                f"{len(types)} attributes",
                f"the shop has {len(known)} attributes already",
                f"at most {MAX_ATTRIBUTES} in a shop",
            )
        )
    return types, refusals


def _of(attributes: Mapping[str, RawValue], types: Mapping[str, FieldType]) -> dict[str, RawValue]:
    return {name: value for name, value in attributes.items() if name in types}


def _type_of(value: RawValue) -> FieldType:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "list" if isinstance(value, list) else "text"


def _refusal(column: str, value: str, reason: str, allowed: str) -> Refusal:
    return Refusal("", 0, "", column, value[:80], reason, allowed)
