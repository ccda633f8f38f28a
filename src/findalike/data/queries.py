"""Shoppers' photos to search with: the challenge's queries.csv and tables like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from findalike.data.catalogue.base import BadValue, Draft
from findalike.data.catalogue.columns import ALIASES, map_columns
from findalike.data.catalogue.fields import unique_names
from findalike.data.catalogue.files import open_table
from findalike.data.catalogue.locations import checked_location
from findalike.data.catalogue.seen import SeenStrings
from findalike.data.catalogue.table import draft_of
from findalike.data.catalogue.values import checked_box, checked_id, is_storable, text_of
from findalike.types import Box, Refusal

_ALIASES = {
    "image_id": ("user_img_id", "query_id", "img_id", "image_id", "photo_id", "id"),
    "product_id": ("product_id", "productid", "item_id", "sku"),
    "image": ALIASES["image"],
}


@dataclass(frozen=True, slots=True)
class Query:
    """One photo to search with.

    Attributes:
        location: path under the root of the photos, or a URL.
        product_id: the product the photo shows, where the file says.
        box: the thing meant, in pixels of the upright photo; None for the whole photo.
        attributes: every further column that has a value, by snake_case name, as text.
        row: where in the file the query stands; the header is row 1.
    """

    image_id: str
    location: str
    product_id: str | None = None
    box: Box | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    row: int = 0


def read_queries(path: Path) -> tuple[list[Query], list[Refusal]]:
    """Read a table of queries (CSV, TSV or Parquet), and why some rows were not taken.

    Columns are found by name: ``user_img_id`` (or ``img_id``, ``id``), ``img_path`` (or ``path``,
    ``image``), ``product_id``, ``bbox_x, bbox_y, bbox_w, bbox_h``; only that of the image has to
    be there. Without ids a query is named by its location.

    Raises:
        CatalogueError: if the table cannot be read, or has no column of images.
    """
    table = open_table(Path(path))
    columns = map_columns(table, aliases=_ALIASES)
    names = unique_names([name for _, name in columns.attributes])
    queries: list[Query] = []
    refusals: list[Refusal] = []
    seen = SeenStrings()
    for record in table.records():
        if isinstance(record, Refusal):
            refusals.append(record)
            continue
        item: object = ""
        try:
            draft = draft_of(record, columns, str(path))
            item = draft.image_id
            query = _query(draft, names)
            if not seen.add(query.image_id):
                raise BadValue(
                    "image_id",
                    query.image_id,
                    reason="an earlier row has this id already; the first is kept",
                    allowed="each query once",
                )
        except BadValue as bad:
            refusals.append(bad.refusal(str(path), record.row, item=item, columns=columns.names))
        else:
            queries.append(query)
    return queries, refusals


def _query(draft: Draft, names: Mapping[str, str]) -> Query:
    """A draft as a query.

    Raises:
        BadValue: naming the first field that cannot be used.
    """
    if len(draft.images) > 1:
        raise BadValue(
            "image",
            ", ".join(str(image.location) for image in draft.images),
            reason=f"{len(draft.images)} photos",
            allowed="one photo a query",
        )
    location = checked_location(draft.images[0].location if draft.images else None)
    image_id = checked_id("image_id", draft.image_id)
    if image_id is None:
        raise BadValue("image_id", draft.image_id, reason="no id", allowed="any text or number")
    attributes = {names[n]: text for n, raw in draft.attributes.items() if (text := text_of(raw))}
    for name, text in attributes.items():
        if not is_storable(text):
            raise BadValue(
                name, text, reason="NUL or broken character", allowed="text that is valid UTF-8"
            )
    return Query(
        image_id=image_id,
        location=location,
        product_id=checked_id("product_id", draft.product_id)
        if "product_id" in draft.columns
        else None,
        box=checked_box(draft.box) if draft.box else None,
        attributes=attributes,
        row=draft.row,
    )
