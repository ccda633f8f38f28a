"""The product export of Magento 2 and Adobe Commerce."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from findalike.data.catalogue.base import Draft, DraftImage, RawValue, Reader, words
from findalike.data.catalogue.html_text import plain_text
from findalike.data.catalogue.locations import is_url
from findalike.data.catalogue.lookup import DiskLookup
from findalike.data.catalogue.rows import Record, RowSource
from findalike.data.catalogue.values import split_list, text_of
from findalike.types import Refusal

MAGENTO_COLUMNS = ("sku", "product_type", "base_image")
"""Columns every export has; by them it is known."""

_FIELDS = {
    "product_id": "sku",
    "title": "name",
    "category": "categories",
    "variant_of": "configurable_variations",
    "price": "price",
    "image": "base_image",
}
_HTML = ("description", "short_description")
_BOOLEANS = {
    "is_in_stock": {"1": True, "0": False},
    "product_online": {"1": True, "2": False, "0": False},
}
# Settings of the shop's machinery: nothing a shopper or a filter would ask for.
_UNUSED = frozenset(
    words(
        "sku name categories price base_image small_image thumbnail_image swatch_image "
        "additional_images hide_from_product_page additional_attributes store_view_code "
        "configurable_variations configurable_variation_labels configurable_variation_prices "
        "bundle_values bundle_price_type bundle_sku_type bundle_price_view bundle_weight_type "
        "bundle_shipment_type associated_skus downloadable_links downloadable_samples "
        "custom_options related_skus related_position crosssell_skus crosssell_position "
        "upsell_skus upsell_position custom_design custom_design_from custom_design_to "
        "custom_layout_update page_layout product_options_container display_product_options_in "
        "msrp_display_actual_price_type map_enabled gift_message_available out_of_stock_qty "
        "min_cart_qty max_cart_qty is_qty_decimal allow_backorders notify_on_stock_below "
        "manage_stock qty_increments enable_qty_increments is_decimal_divided website_id "
        "product_websites updated_at deferred_stock_update has_options required_options"
    )
)
_UNUSED_ENDINGS = ("_image_label", "_image_labels")
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(.*)", re.DOTALL)
# Where media lie below a root: the media folder itself, pub/, or the whole installation.
_MEDIA = ("", "catalog/product/", "media/catalog/product/", "pub/media/catalog/product/")


class MagentoReader(Reader):
    """Rows of an export: each sku a product, those of a configurable its variants.

    The category is the deepest path without "Default Category"; the other paths are the list
    ``other_categories``. Attributes in ``additional_attributes`` become attributes of their own,
    those with "|" lists. Rows of single store views only translate, and are passed over.

    Media are stored either dispersed (``m/h/x.jpg``, as the export writes) or flat (``x.jpg``):
    the first that exists under ``root`` is named, else the dispersed one.

    Args:
        root: the folder the images are in.
    """

    format: ClassVar[str] = "magento"

    def __init__(self, table: RowSource, *, root: Path) -> None:
        super().__init__(table.path)
        self._table = table
        self._root = root
        self._places = {name: at[0] for name, at in table.positions().items()}
        self._parents = DiskLookup()
        self._columns = {
            field: table.columns[self._places[name]]
            for field, name in _FIELDS.items()
            if name in self._places
        }
        self.declared = {"is_in_stock": "boolean", "product_online": "boolean"}
        self.notes += table.notes
        self._attributes = [
            (at, name)
            for name, at in self._places.items()
            if name
            and name not in _UNUSED
            and not name.startswith("use_config_")
            and not name.endswith(_UNUSED_ENDINGS)
        ]

    def survey(self, observe: Callable[[Draft], None], count: Callable[[], None]) -> None:
        """The first pass, which also finds the parent of every variant."""
        views = 0
        for record in self._table.records():
            if isinstance(record, Record) and self._text(record, "store_view_code"):
                views += 1
                continue
            count()
            if isinstance(record, Refusal):
                continue
            parent = self._text(record, "sku")
            variations = self._text(record, "configurable_variations")
            if parent and variations:
                for variation in variations.split("|"):
                    if sku := pairs(variation).get("sku"):
                        self._parents.put(sku, parent)
            observe(self._draft(record))
        if views:
            self.notes.append(f"{views:,} rows of single store views are passed over")

    def drafts(self) -> Iterator[Draft | Refusal]:
        """The rows of the default store view."""
        for record in self._table.records():
            if isinstance(record, Refusal):
                yield record
            elif not self._text(record, "store_view_code"):
                draft = self._draft(record)
                sku = text_of(draft.product_id)
                draft.variant_of = None if sku is None else self._parents.get(sku)
                draft.images = [DraftImage(self._stored(image)) for image in self._images(record)]
                yield draft

    def _draft(self, record: Record) -> Draft:
        """A row without what needs the other rows or the disk."""
        paths = _category_paths(self._text(record, "categories") or "")
        deepest = max(paths, key=lambda path: path.count("/"), default=None)
        return Draft(
            file=str(self.source),
            row=record.row,
            product_id=self._text(record, "sku"),
            images=[],
            title=self._text(record, "name"),
            category=deepest,
            price=self._text(record, "price"),
            attributes=self._own_attributes(record, [p for p in paths if p != deepest]),
            columns=self._columns,
        )

    def _own_attributes(self, record: Record, others: list[str]) -> dict[str, RawValue]:
        attributes: dict[str, RawValue] = {}
        for at, name in self._attributes:
            if (text := text_of(record.cells[at])) is None:
                continue
            if name in _HTML:
                attributes[name] = plain_text(text)
            elif name in _BOOLEANS:
                attributes[name] = _BOOLEANS[name].get(text, text)
            else:
                attributes[name] = text
        if others:
            attributes["other_categories"] = list(others)
        for name, value in pairs(self._text(record, "additional_attributes") or "").items():
            if name not in _UNUSED and value:
                attributes[name] = split_list(value) if "|" in value else value
        return attributes

    def _images(self, record: Record) -> list[str]:
        """The images a row names, the main one first, each once."""
        main = next(
            (
                image
                for name in ("base_image", "small_image", "thumbnail_image")
                if (image := self._text(record, name)) and image != "no_selection"
            ),
            None,
        )
        further = (self._text(record, "additional_images") or "").split(",")
        images = [image.strip() for image in [main or "", *further]]
        return [i for i in dict.fromkeys(images) if i and i != "no_selection"]

    def _stored(self, image: str) -> str:
        if is_url(image):
            return image
        dispersed = image.lstrip("/")
        if ".." in dispersed.split("/") or "\0" in dispersed:
            return dispersed
        flat = dispersed.rpartition("/")[2]
        for name in (dispersed, flat):
            for folder in _MEDIA:
                if _is_file(self._root / f"{folder}{name}"):
                    return f"{folder}{name}"
        return dispersed

    def _text(self, record: Record, name: str) -> str | None:
        at = self._places.get(name)
        return None if at is None else text_of(record.cells[at])


def pairs(text: str) -> dict[str, str]:
    """The attributes of "size=XS,color=Black"; commas inside a value are kept.

    Values may be quoted, as exports do that enclose fields; the first of a repeated name counts.

    >>> pairs('material=Wool, soft,size="3,5"')
    {'material': 'Wool, soft', 'size': '3,5'}
    """
    parts: list[tuple[str, list[str]]] = []
    open_quote = False
    for piece in text.split(","):
        match = _PAIR.match(piece.lstrip())
        if match and not open_quote:
            value = match[2]
            parts.append((match[1], [value]))
            open_quote = value.startswith('"') and value.count('"') % 2 == 1
        elif parts:
            parts[-1][1].append(piece)
            open_quote = open_quote and piece.count('"') % 2 == 0
    found: dict[str, str] = {}
    for name, pieces in parts:
        value = ",".join(pieces).strip()
        if len(value) > 1 and value.startswith('"') and value.endswith('"'):
            value = value[1:-1].replace('""', '"').strip()
        found.setdefault(name, value)
    return found


def _category_paths(text: str) -> list[str]:
    """The category paths of a row, without the root every Magento has, each once."""
    paths: list[str] = []
    for path in text.split(","):
        # A slash inside a name is written "\/"; ours separates levels only.
        names = path.replace("\\/", "-").strip().split("/")
        if names[0].strip().lower() == "default category":
            names = names[1:]
        clean = "/".join(name.strip() for name in names if name.strip())
        if clean and clean not in paths:
            paths.append(clean)
    return paths


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
