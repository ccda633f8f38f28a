"""The rows of a training set's source: a table, a challenge's folder or any catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from findalike.data.catalogue import open_catalogue
from findalike.data.catalogue.base import BadValue, RawValue
from findalike.data.catalogue.columns import ColumnMap, listed, map_columns
from findalike.data.catalogue.files import open_table
from findalike.data.catalogue.locations import checked_location
from findalike.data.catalogue.rows import Record, simplified
from findalike.data.catalogue.values import (
    box_cells,
    checked_box,
    checked_domain,
    checked_id,
    text_of,
)
from findalike.data.queries import read_queries
from findalike.data.training.conditions import Conditions
from findalike.data.training.images import Split, TrainingImage
from findalike.errors import TrainingDataError
from findalike.types import CatalogueRow, Domain, Product, Refusal

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "image": ("img_path", "image_path", "image", "path", "file_name", "filename"),
    "label": ("label", "product_id", "class"),
    "domain": ("domain",),
    "group": ("group",),
    "split": ("split",),
}
_SPLITS: Mapping[str, Split] = {"train": "train", "val": "val", "validation": "val"}
_PRODUCT_COLUMNS = ("product_id", "title", "category", "variant_of", "domain")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """An image as its source has it, before it is looked for on the disk.

    Attributes:
        wanted: whether the conditions hold for it.
    """

    image: TrainingImage
    wanted: bool
    file: str
    row: int


def table_rows(
    path: Path, conditions: Conditions, *, domain: Domain = "seller"
) -> Iterator[SourceRow | Refusal]:
    """Rows of a CSV, TSV or Parquet file with a column of images.

    Args:
        path: the file.
        conditions: which rows are wanted.
        domain: of photos whose row does not say.

    Raises:
        CatalogueError: if it is no such file.
        TrainingDataError: if there is no column of images, or a condition names none.
    """
    table = open_table(path)
    known = table.positions()
    if not any(name in known for name in _ALIASES["image"]):
        near = get_close_matches("img_path", known, 1, 0.5)
        hint = f"is it {near[0]!r}? Name it so; " if near else ""
        raise TrainingDataError(
            f"{path} has no column img_path or image_path: {hint}its columns are "
            f"{listed(table.columns)}"
        )
    conditions.check(table.columns)
    columns = map_columns(table, aliases=_ALIASES)
    asked = [(name, known[name][0]) for name in conditions.columns()]
    for record in table.records():
        if isinstance(record, Refusal):
            yield record
            continue
        cells = {name: text_of(record.cells[at]) or "" for name, at in asked}
        try:
            image = _table_image(record, columns, domain)
        except BadValue as bad:
            if conditions.hold(cells):
                yield bad.refusal(str(path), record.row, columns=columns.names)
        else:
            yield SourceRow(image, conditions.hold(cells), str(path), record.row)


def _table_image(record: Record, columns: ColumnMap, domain: Domain) -> TrainingImage:
    def cell(name: str) -> RawValue:
        return record.cells[columns.fields[name]] if name in columns.fields else None

    box = None
    if len(columns.box) == 1:
        box = checked_box(box_cells(record.cells[columns.box[0]]))
    elif columns.box:
        x, y, w, h = (record.cells[at] for at in columns.box)
        box = checked_box((x, y, w, h))
    split = (text_of(cell("split")) or "train").lower()
    if split not in _SPLITS:
        raise BadValue(
            "split",
            split,
            reason="a split that is not trained on",
            allowed="train or val; leave other rows out with `where: [split=train, split=val]`",
        )
    return TrainingImage(
        location=checked_location(record.cells[columns.images[0]]),
        label=checked_id("label", cell("label")) or "",
        box=box,
        domain=checked_domain(text_of(cell("domain")) or domain),
        group=checked_id("group", cell("group")),
        split=_SPLITS[split],
    )


def catalogue_rows(
    path: Path, conditions: Conditions, *, root: Path | None
) -> Iterator[SourceRow | Refusal]:
    """Images of a catalogue; a product's group is its attribute ``group``, else its category.

    Raises:
        CatalogueError: if it is no catalogue.
        TrainingDataError: if a condition names a column that is not there.
    """
    catalogue = open_catalogue(path, root=root)
    conditions.check([*_PRODUCT_COLUMNS, *catalogue.fields])
    for item in catalogue.rows():
        if isinstance(item, CatalogueRow):
            yield from _images_of(item, _cells_of(item.product, catalogue.fields), conditions)
        else:
            yield item


def challenge_rows(
    folder: Path, conditions: Conditions, *, root: Path | None
) -> Iterator[SourceRow | Refusal]:
    """The seller photos of ``gallery.csv``, then the user photos of ``queries.csv``.

    A condition on a column that only one of the two has asks nothing of the other. What
    ``products.csv`` says of a product holds for its user photos too.

    Raises:
        CatalogueError: if a table cannot be read.
        TrainingDataError: if a condition names a column that is in neither.
    """
    catalogue = open_catalogue(folder / "gallery.csv", root=root)
    queries, refused = read_queries(folder / "queries.csv")
    own = {name for query in queries for name in query.attributes}
    conditions.check([*_PRODUCT_COLUMNS, *catalogue.fields, *sorted(own)])
    products: dict[str, Product] = {}
    for item in catalogue.rows():
        if isinstance(item, CatalogueRow):
            products.setdefault(item.product.product_id, item.product)
            yield from _images_of(item, _cells_of(item.product, catalogue.fields), conditions)
        else:
            yield item
    yield from refused
    for query in queries:
        product = products.get(query.product_id or "")
        said = _cells_of(product, catalogue.fields) if product is not None else {}
        cells = said | dict.fromkeys(map(simplified, own)) | {"domain": "user"}
        cells |= {simplified(name): value for name, value in query.attributes.items()}
        cells["product_id"] = query.product_id
        image = TrainingImage(
            location=query.location,
            label=query.product_id or "",
            box=query.box,
            domain="user",
            group=_group_of(product) if product is not None else None,
        )
        yield SourceRow(image, conditions.hold(cells), str(folder / "queries.csv"), query.row)


def _images_of(
    row: CatalogueRow, cells: Mapping[str, str | None], conditions: Conditions
) -> Iterator[SourceRow]:
    for found in row.images:
        image = TrainingImage(
            location=found.location,
            label=row.product.product_id,
            box=found.box,
            domain=found.domain,
            group=_group_of(row.product),
        )
        wanted = conditions.hold({**cells, "domain": found.domain})
        yield SourceRow(image, wanted, row.file, row.row)


def _group_of(product: Product) -> str | None:
    stated = product.attributes.get("group")
    return str(stated) if stated is not None else product.category


def _cells_of(product: Product, fields: Mapping[str, object]) -> dict[str, str | None]:
    cells = {simplified(name): _cell(product.attributes.get(name)) for name in fields}
    return cells | {
        "product_id": product.product_id,
        "title": product.title,
        "category": product.category,
        "variant_of": product.variant_of,
    }


def _cell(value: object) -> str | None:
    if isinstance(value, tuple):
        return "/".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)
