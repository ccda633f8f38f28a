"""Shopify's product CSV, with the header it had until 2024 and the one it has since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from findalike.data.catalogue.base import BadValue, Draft, DraftImage, RawValue, Reader
from findalike.data.catalogue.html_text import plain_text
from findalike.data.catalogue.prices import checked_price
from findalike.data.catalogue.rows import Record, RowSource
from findalike.data.catalogue.values import text_of
from findalike.types import FieldType, Refusal

# Field → its column, new name and old.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "handle": ("url_handle", "handle"),
    "title": ("title",),
    "description": ("description", "body_html"),
    "vendor": ("vendor",),
    "category": ("product_category", "standard_product_type", "standardized_product_type"),
    "type": ("type", "custom_product_type"),
    "tags": ("tags",),
    "published": ("published_on_online_store", "published"),
    "status": ("status",),
    "sku": ("sku", "variant_sku"),
    "barcode": ("barcode", "variant_barcode"),
    "price": ("price", "variant_price"),
    "compare_at_price": ("compare_at_price", "variant_compare_at_price"),
    "inventory_quantity": ("inventory_quantity", "variant_inventory_qty"),
    "image": ("product_image_url", "image_src"),
    "position": ("image_position",),
    "variant_image": ("variant_image_url", "variant_image"),
    **{f"option{n}_name": (f"option{n}_name",) for n in (1, 2, 3)},
    **{f"option{n}_value": (f"option{n}_value",) for n in (1, 2, 3)},
}
SHOPIFY_COLUMNS = (("url_handle", "handle"), ("title",), ("product_image_url", "image_src"))
"""For each, one of these columns; by them the format is known."""

MAX_GROUP_ROWS = 4096
"""Shopify allows 2,048 variants and 250 images a product; a longer run of rows is cut here."""

_OF_PRODUCT = ("description", "vendor", "type", "published", "status")
_OF_VARIANT = ("sku", "barcode", "compare_at_price", "inventory_quantity")
_METAFIELD = " (product.metafields."
_TYPES: Mapping[str, FieldType] = {
    "tags": "list",
    "compare_at_price": "number",
    "inventory_quantity": "number",
}


@dataclass(slots=True)
class _Variant:
    row: int
    options: dict[str, str]
    price: float | None
    values: dict[str, str]
    image: str | None


@dataclass(slots=True)
class _Group:
    """The rows of one handle."""

    handle: str
    row: int
    fields: dict[str, RawValue] = field(default_factory=dict)
    option_names: dict[int, str] = field(default_factory=dict)
    images: list[tuple[float, DraftImage]] = field(default_factory=list)
    variants: list[_Variant] = field(default_factory=list)
    rows: int = 0


class ShopifyReader(Reader):
    """Rows that follow each other with one handle are one product; its images come by position.

    The product's id is the handle. Where it has several variants, each that has an image of its
    own is a product too, with the id ``handle/Option1-Option2-…`` (option values are what Shopify
    keeps unique) and ``variant_of`` the handle. The others add their options, skus and barcodes to
    the product, as text where all agree and else as lists; its price is the lowest of theirs.
    Compare-at prices and stock are those of the first variant.
    """

    format: ClassVar[str] = "shopify"

    def __init__(self, table: RowSource) -> None:
        super().__init__(table.path)
        self._table = table
        places = table.positions()
        self._places = {
            name: places[spelling][0]
            for name, spellings in _NAMES.items()
            for spelling in reversed(spellings)
            if spelling in places
        }
        self._columns = {name: table.columns[at] for name, at in self._places.items()}
        self._columns |= {"product_id": self._columns["handle"]}
        self._metafields = [
            (at, f"{column.partition(_METAFIELD)[0]} metafield")
            for at, column in enumerate(table.columns)
            if _METAFIELD in column
        ]
        self.declared = dict(_TYPES)
        self.notes += table.notes

    def drafts(self) -> Iterator[Draft | Refusal]:
        """The products, then each one's variants with images of their own."""
        group: _Group | None = None
        for record in self._table.records():
            if isinstance(record, Refusal):
                yield record
                continue
            try:
                handle = self._text(record, "handle")
                if handle is None:
                    raise BadValue(
                        "product_id", None, reason="no handle", allowed="the product's handle"
                    )
                if group is None or group.handle != handle or group.rows >= MAX_GROUP_ROWS:
                    if group is not None:
                        yield from self._drafts_of(group)
                    group = _Group(handle, record.row)
                self._take(group, record)
            except BadValue as bad:
                yield bad.refusal(
                    str(self.source),
                    record.row,
                    item=self._text(record, "handle"),
                    columns=self._columns,
                )
        if group is not None:
            yield from self._drafts_of(group)

    def _take(self, group: _Group, record: Record) -> None:
        """Add a row to its group.

        Raises:
            BadValue: if its price is none; then nothing of the row is taken.
        """
        options: dict[str, str] = {}
        for number in (1, 2, 3):
            if name := self._text(record, f"option{number}_name"):
                group.option_names[number] = name
            value = self._text(record, f"option{number}_value")
            if value and value != "Default Title":
                options[group.option_names.get(number, f"option{number}")] = value
        price, _ = checked_price("price", self._cell(record, "price"))
        group.rows += 1
        for name in ("title", "category", "tags", *_OF_PRODUCT):
            if name not in group.fields and (text := self._text(record, name)):
                group.fields[name] = text
        for at, name in self._metafields:
            if name not in group.fields and (text := text_of(record.cells[at])):
                group.fields[name] = [p.strip() for p in text.split(";")] if "; " in text else text
        if image := self._text(record, "image"):
            group.images.append((self._position(record, group), DraftImage(image, record.row)))
        values = {name: text for name in _OF_VARIANT if (text := self._text(record, name))}
        if options or price is not None or "sku" in values:
            image = self._text(record, "variant_image")
            group.variants.append(_Variant(record.row, options, price, values, image))

    def _position(self, record: Record, group: _Group) -> float:
        try:
            return float(self._text(record, "position") or "")
        except ValueError:
            return 1.0 + len(group.images)

    def _drafts_of(self, group: _Group) -> Iterator[Draft]:
        images = [image for _, image in sorted(group.images, key=lambda pair: pair[0])]
        own = [v for v in group.variants if v.image] if len(group.variants) > 1 else []
        if not own:
            images += [DraftImage(v.image, v.row) for v in group.variants if v.image]
        prices = [v.price for v in group.variants if v.price is not None]
        attributes = self._shared(group)
        yield self._draft(
            group,
            row=group.row,
            product_id=group.handle,
            images=images,
            price=min(prices, default=None),
            attributes=attributes | _merged(group.variants),
        )
        for variant in own:
            options = "-".join(variant.options.values())
            draft = self._draft(
                group,
                row=variant.row,
                product_id=f"{group.handle}/{options or variant.values.get('sku', variant.row)}",
                images=[DraftImage(variant.image)],
                price=variant.price,
                attributes=attributes | _merged([variant]),
            )
            draft.variant_of = group.handle
            if draft.title and options:
                draft.title = f"{draft.title} - {' / '.join(variant.options.values())}"
            yield draft

    def _draft(
        self,
        group: _Group,
        *,
        row: int,
        product_id: str,
        images: list[DraftImage],
        price: float | None,
        attributes: dict[str, RawValue],
    ) -> Draft:
        return Draft(
            file=str(self.source),
            row=row,
            product_id=product_id,
            images=images,
            title=group.fields.get("title"),
            category=group.fields.get("category") or group.fields.get("type"),
            price=price,
            attributes=attributes,
            columns=self._columns,
        )

    def _shared(self, group: _Group) -> dict[str, RawValue]:
        """The attributes that all variants of a product have."""
        shared = {n: v for n, v in group.fields.items() if n not in ("title", "category", "tags")}
        if isinstance(description := shared.get("description"), str):
            shared["description"] = plain_text(description)
        if isinstance(tags := group.fields.get("tags"), str):
            shared["tags"] = [tag for part in tags.split(",") if (tag := part.strip())]
        return shared

    def _cell(self, record: Record, name: str) -> RawValue:
        at = self._places.get(name)
        return None if at is None else record.cells[at]

    def _text(self, record: Record, name: str) -> str | None:
        return text_of(self._cell(record, name))


def _merged(variants: list[_Variant]) -> dict[str, RawValue]:
    """The values of some variants: one where they agree, a list where they differ."""
    merged: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, value in (variant.options | variant.values).items():
            merged.setdefault(name, {})[value] = None
    first_only = ("compare_at_price", "inventory_quantity")
    return {
        name: next(iter(values)) if len(values) == 1 or name in first_only else list(values)
        for name, values in merged.items()
    }
