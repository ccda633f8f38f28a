"""Google Merchant product feeds: tab- or comma-separated, RSS 2.0 and Atom."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from findalike.data.catalogue.base import BadValue, Draft, DraftImage, RawValue, Reader, words
from findalike.data.catalogue.feed_xml import feed_items
from findalike.data.catalogue.html_text import plain_text
from findalike.data.catalogue.locations import split_images
from findalike.data.catalogue.prices import checked_price
from findalike.data.catalogue.rows import RowSource, simplified
from findalike.data.catalogue.text_file import TextFile
from findalike.data.catalogue.values import text_of
from findalike.types import FieldType, Refusal

GOOGLE_COLUMNS = ("id", "image_link")
"""Columns of every feed; with one of ``TELLING`` beside them, a table is known as a feed."""

TELLING = frozenset({"availability", "google_product_category", "additional_image_link", "gtin"})

_COLUMNS = {
    "product_id": "id",
    "image": "image_link",
    "variant_of": "item_group_id",
    "category": "product_type",
    "url": "link",
}
_USED = frozenset(
    words(
        "id title link image_link additional_image_link price item_group_id product_type "
        "mobile_link shipping tax installment guid pubdate updated"
    )
)
_TYPES: Mapping[str, FieldType] = {
    "sale_price": "number",
    "google_product_category": "text",
    "size": "text",
    "color": "text",
}


class GoogleReader(Reader):
    """Each item a product; ``item_group_id`` names what it is a variant of.

    The category is the first ``product_type``, the shop's own tree, or else
    ``google_product_category`` where that is a path rather than a number.
    """

    format: ClassVar[str] = "google"

    @abstractmethod
    def items(self) -> Iterator[tuple[int, Mapping[str, list[str]]] | Refusal]:
        """Row number and texts by field of each item."""

    def drafts(self) -> Iterator[Draft | Refusal]:
        """The items of the feed."""
        for item in self.items():
            if isinstance(item, Refusal):
                yield item
                continue
            row, fields = item
            try:
                yield self._draft(row, fields)
            except BadValue as bad:
                yield bad.refusal(str(self.source), row, item=first(fields, "id"), columns=_COLUMNS)

    def _draft(self, row: int, fields: Mapping[str, list[str]]) -> Draft:
        further = [
            image
            for cell in fields.get("additional_image_link", ())
            for image in split_images(cell)
        ]
        main = first(fields, "image_link")
        places = [main, *further] if main else further
        google_category = first(fields, "google_product_category")
        if google_category and google_category.isdigit():
            google_category = None
        return Draft(
            file=str(self.source),
            row=row,
            product_id=first(fields, "id"),
            images=[DraftImage(place) for place in places],
            title=first(fields, "title"),
            category=first(fields, "product_type") or google_category,
            variant_of=first(fields, "item_group_id"),
            price=first(fields, "price"),
            url=first(fields, "link"),
            attributes=_attributes(fields),
            columns=_COLUMNS,
        )


class GoogleTableReader(GoogleReader):
    """A feed as a table, columns named "image_link", "image link" or "g:image_link"."""

    def __init__(self, table: RowSource) -> None:
        super().__init__(table.path)
        self._table = table
        self._names = [simplified(column) for column in table.columns]
        self.declared = dict(_TYPES)
        self.notes += table.notes

    def items(self) -> Iterator[tuple[int, Mapping[str, list[str]]] | Refusal]:
        """The rows of the table."""
        for record in self._table.records():
            if isinstance(record, Refusal):
                yield record
                continue
            fields: dict[str, list[str]] = {}
            for name, cell in zip(self._names, record.cells, strict=True):
                if name and (text := text_of(cell)) is not None:
                    fields.setdefault(name, []).append(text)
            yield record.row, fields


class GoogleXmlReader(GoogleReader):
    """A feed as RSS or Atom; rows are the lines on which the items start."""

    def __init__(self, text: TextFile) -> None:
        super().__init__(text.path)
        self._text = text
        self.declared = dict(_TYPES)

    def items(self) -> Iterator[tuple[int, Mapping[str, list[str]]] | Refusal]:
        """The items of the feed."""
        name = str(self.source)
        with self._text.binary() as stream:
            for item in feed_items(stream, name):
                if item.fault:
                    yield Refusal(
                        file=name,
                        row=item.row,
                        item=first(item.fields, "id") or "",
                        column="item",
                        value="",
                        reason=item.fault,
                        allowed="items of at most 1,000 elements and 1 MiB of text",
                    )
                else:
                    yield item.row, item.fields


def first(fields: Mapping[str, list[str]], name: str) -> str | None:
    """The first text of a field that is not empty."""
    return next((text for raw in fields.get(name, ()) if (text := text_of(raw))), None)


def _attributes(fields: Mapping[str, list[str]]) -> dict[str, RawValue]:
    """Everything else an item says; what it says several times is a list.

    Raises:
        BadValue: if the sale price is no price.
    """
    attributes: dict[str, RawValue] = {}
    for name, values in fields.items():
        if name in _USED:
            continue
        if name == "sale_price":
            attributes[name] = checked_price("sale_price", values[0])[0]
        elif name == "description":
            attributes[name] = plain_text(values[0])
        elif len(values) > 1:
            attributes[name] = list(values)
        else:
            attributes[name] = values[0]
    return attributes
