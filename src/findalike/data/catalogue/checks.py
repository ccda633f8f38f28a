"""From drafts to rows: every value checked, and the first that cannot be used reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from findalike.data.catalogue.base import BadValue, Draft
from findalike.data.catalogue.fields import MAX_ATTRIBUTES, coerce
from findalike.data.catalogue.locations import checked_location
from findalike.data.catalogue.prices import checked_price
from findalike.data.catalogue.seen import SeenStrings
from findalike.data.catalogue.values import (
    category_path,
    checked_box,
    checked_domain,
    checked_id,
    is_storable,
    text_of,
)
from findalike.types import (
    AttributeValue,
    Box,
    CatalogueImage,
    CatalogueRow,
    Domain,
    FieldType,
    Product,
    Refusal,
)

MAX_TEXT_CHARACTERS = 131_072
"""The longest text of a title, a category or an attribute; also the CSV module's longest cell."""


class Checks:
    """What a catalogue's survey found, put to use on each of its drafts.

    Args:
        names: attribute of the source → its name in the shop.
        types: attribute of the source → its type.
        decimal_comma: whether prices of this source have a decimal comma.
    """

    def __init__(
        self, names: Mapping[str, str], types: Mapping[str, FieldType], *, decimal_comma: bool
    ) -> None:
        self._names = names
        self._types = types
        self._decimal_comma = decimal_comma

    def rows(self, draft: Draft, seen: SeenStrings) -> Iterator[CatalogueRow | Refusal]:
        """The row of a draft, after a refusal for each of its images that cannot be taken.

        A draft with a fault of its own, or without any image left, gives refusals only.
        """
        try:
            if not draft.images:
                checked_location(None)
            product = self.product(draft)
            image_id, box, domain = self._of_images(draft)
        except BadValue as bad:
            yield bad.refusal(
                draft.file, draft.row, item=text_of(draft.product_id), columns=draft.columns
            )
            return
        images: dict[str, CatalogueImage] = {}
        for named in draft.images:
            try:
                location = checked_location(named.location)
                image = CatalogueImage(
                    image_id=image_id or f"{product.product_id}/{location}",
                    location=location,
                    box=box,
                    domain=domain,
                )
                if image.image_id in images:
                    continue
                self._add(image, seen)
            except BadValue as bad:
                yield bad.refusal(
                    draft.file,
                    named.row or draft.row,
                    item=product.product_id,
                    columns=draft.columns,
                )
            else:
                images[image.image_id] = image
        if images:
            yield CatalogueRow(product, tuple(images.values()), draft.file, draft.row)

    def product(self, draft: Draft) -> Product:
        """The product of a draft.

        Raises:
            BadValue: naming the first field that cannot be used.
        """
        product_id = checked_id("product_id", draft.product_id)
        if product_id is None:
            raise BadValue(
                "product_id", draft.product_id, reason="no product id", allowed="any text or number"
            )
        variant_of = checked_id("variant_of", draft.variant_of)
        price, currency = checked_price("price", draft.price, decimal_comma=self._decimal_comma)
        own_currency = _checked_text("currency", text_of(draft.currency))
        return Product(
            product_id=product_id,
            title=_checked_text("title", text_of(draft.title)),
            category=_checked_text("category", category_path(draft.category)),
            variant_of=None if variant_of == product_id else variant_of,
            price=price,
            currency=currency or (own_currency if price is not None else None),
            url=_checked_text("url", text_of(draft.url)),
            attributes=self._attributes(draft),
        )

    def _attributes(self, draft: Draft) -> dict[str, AttributeValue]:
        attributes: dict[str, AttributeValue] = {}
        for source, raw in draft.attributes.items():
            if (field_type := self._types.get(source)) is None:
                if text_of(raw) is None:
                    continue
                raise BadValue(
                    source,
                    raw,
                    reason="attribute beyond the limit",
                    allowed=f"at most {MAX_ATTRIBUTES} different attributes in a source",
                )
            value = coerce(source, raw, field_type)
            if value is None:
                continue
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    _checked_text(source, text)
            attributes[self._names[source]] = value
        return attributes

    @staticmethod
    def _of_images(draft: Draft) -> tuple[str | None, Box | None, Domain]:
        """What a draft says of its images: the first two can be of a single one only."""
        image_id = checked_id("image_id", draft.image_id)
        box = checked_box(draft.box) if draft.box else None
        if len(draft.images) > 1 and (image_id is not None or box is not None):
            raise BadValue(
                "image",
                ", ".join(str(image.location) for image in draft.images),
                reason=f"one image id or box for {len(draft.images):,} images",
                allowed="one image a row where rows have image ids or boxes",
            )
        return image_id, box, checked_domain(draft.domain)

    @staticmethod
    def _add(image: CatalogueImage, seen: SeenStrings) -> None:
        if not seen.add(image.image_id):
            raise BadValue(
                "image_id",
                image.image_id,
                reason="an earlier row has this image already; the first is kept",
                allowed="each image once in a source",
            )


def _checked_text(field_name: str, text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadValue(
            field_name,
            text,
            reason=f"text of {len(text):,} characters",
            allowed=f"at most {MAX_TEXT_CHARACTERS:,} characters",
        )
    if not is_storable(text):
        raise BadValue(
            field_name, text, reason="NUL or broken character", allowed="text that is valid UTF-8"
        )
    return text
