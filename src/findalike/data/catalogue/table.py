"""Any table with a column of images: CSV, TSV, Parquet, with the columns guessed or told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from findalike.data.catalogue.base import BadValue, Draft, DraftImage, RawValue, Reader
from findalike.data.catalogue.columns import ColumnMap, map_columns
from findalike.data.catalogue.locations import split_images
from findalike.data.catalogue.rows import Record, RowSource
from findalike.data.catalogue.values import box_cells
from findalike.types import Refusal


class TableReader(Reader):
    """One row an image or a product, in whatever columns.

    Without a product id each image is a product of its own, named by its image id, or by its
    location where there is none.

    Args:
        told: field → column, for columns whose names are not guessed.
    """

    format: ClassVar[str] = "table"

    def __init__(self, table: RowSource, *, told: Mapping[str, str] | None = None) -> None:
        super().__init__(table.path)
        self._table = table
        self.map = map_columns(table, told=told)
        self.declared = dict(table.declared)
        self.notes += [*table.notes, self.map.described()]
        if "product_id" not in self.map.fields:
            by = "image id" if "image_id" in self.map.fields else "location"
            self.notes.append(
                f"no column of product ids: each image is a product, named by its {by}"
            )
        if unnamed := sum(not column for column in table.columns):
            self.notes.append(f"{unnamed} columns without a name in the header are not read")

    def drafts(self) -> Iterator[Draft | Refusal]:
        """The rows of the table."""
        file = str(self.source)
        for record in self._table.records():
            if isinstance(record, Refusal):
                yield record
                continue
            try:
                yield draft_of(record, self.map, file)
            except BadValue as bad:
                yield bad.refusal(file, record.row, columns=self.map.names)


def draft_of(record: Record, columns: ColumnMap, file: str) -> Draft:
    """A record in the shape of a draft.

    Raises:
        BadValue: if a one-cell box has not four parts.
    """
    cells = record.cells
    values: dict[str, RawValue] = {name: cells[at] for name, at in columns.fields.items()}
    images = [DraftImage(place) for at in columns.images for place in split_images(cells[at])]
    product_id = values.pop("product_id", None)
    if "product_id" not in columns.fields:
        # Where the location is the product's id, it does for the image too.
        if "image_id" not in values and len(images) == 1:
            values["image_id"] = images[0].location
        product_id = values.get("image_id") or (images[0].location if images else None)
    box = None
    if len(columns.box) == 1:
        box = box_cells(cells[columns.box[0]])
    elif columns.box:
        x, y, w, h = columns.box
        box = (cells[x], cells[y], cells[w], cells[h])
    return Draft(
        file=file,
        row=record.row,
        product_id=product_id,
        images=images,
        box=box,
        attributes={name: cells[at] for at, name in columns.attributes},
        columns=columns.names,
        title=values.get("title"),
        category=values.get("category"),
        variant_of=values.get("variant_of"),
        price=values.get("price"),
        currency=values.get("currency"),
        url=values.get("url"),
        image_id=values.get("image_id"),
        domain=values.get("domain"),
    )
