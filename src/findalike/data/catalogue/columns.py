"""Which column of a table holds what: guessed from its name, or told."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from findalike.data.catalogue.base import words
from findalike.data.catalogue.rows import RowSource, simplified
from findalike.errors import CatalogueError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "product_id": words(
        "product_id productid item_id itemid article_id articleid id sku product_sku handle "
        "product_code item_code article_code item_number product_number article_number "
        "part_number style_id asin uid code"
    ),
    "image_id": ("image_id", "img_id", "seller_img_id", "photo_id", "picture_id"),
    "image": words(
        "image img_path image_path image_url image_link image_src image_file image_filename "
        "image_file_name img img_url img_src img_file main_image main_image_url main_image_link "
        "primary_image primary_image_url featured_image base_image cover_image picture picture_url "
        "picture_path picture_link photo photo_url photo_path photo_link images image_urls "
        "image_links image_paths pictures picture_urls photos photo_urls img_urls imgurl imageurl "
        "imagepath imagelink file_name filename file_path filepath file path"
    ),
    "title": words(
        "title name product_name product_title productname item_name item_title display_name "
        "product_display_name productdisplayname article_name product"
    ),
    "category": words(
        "category category_path categories category_name product_category product_type "
        "item_category main_category google_product_category category_tree article_type "
        "department"
    ),
    "variant_of": words(
        "variant_of parent parent_id parent_sku parent_product_id parent_item_id parent_asin "
        "parent_code item_group_id group_id product_group_id master_id master_sku model_id "
        "configurable_sku"
    ),
    "price": words(
        "price product_price item_price regular_price list_price sale_price selling_price "
        "retail_price unit_price price_amount current_price amount"
    ),
    "currency": ("currency", "currency_code", "price_currency", "currency_iso"),
    "url": words("url link product_url product_link page_url item_url web_url permalink href"),
    "domain": ("domain",),
}
"""Field → the simplified column names that mean it, the surest first."""

MORE_IMAGES = words(
    "additional_images additional_image additional_image_link additional_image_links "
    "additional_image_url additional_image_urls other_images other_image_urls other_image_url "
    "more_images extra_images gallery_images gallery image_gallery alternate_images"
)
"""Columns that hold further images, beside the main one."""

_OF_IMAGES = ("image", "image_id", "domain")
_NUMBERED = re.compile(r"(.*?[a-z])_?([0-9]{1,3})$")
_BOX_PREFIXES = ("bbox_", "box_", "bounding_box_", "bbox", "box")
_BOX_PARTS = (("x", "left"), ("y", "top"), ("w", "width"), ("h", "height"))
_BOX_WHOLE = ("bbox", "box", "bounding_box")
BOX_FIELDS = ("box_x", "box_y", "box_w", "box_h")
TOLD_FIELDS = (*ALIASES, *BOX_FIELDS, "box")
"""What ``columns=`` may name."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Positions of the fields in a table.

    Attributes:
        fields: field → position, for those that have one column.
        images: positions of the image columns, the main image's first.
        box: positions of x, y, w, h; or one position of a cell with all four; or none.
        attributes: position and name of every column left over.
        names: field → column name, for messages.
    """

    fields: Mapping[str, int]
    images: tuple[int, ...]
    box: tuple[int, ...]
    attributes: tuple[tuple[int, str], ...]
    names: Mapping[str, str] = field(default_factory=dict)

    def described(self) -> str:
        """One line that says which column is taken for what."""
        return "columns: " + ", ".join(f"{name} ← {column}" for name, column in self.names.items())


def map_columns(
    table: RowSource,
    *,
    told: Mapping[str, str] | None = None,
    aliases: Mapping[str, Sequence[str]] = ALIASES,
    with_images: bool = True,
) -> ColumnMap:
    """Find the columns of a table.

    Args:
        told: field → column name, or "" for a field that no column of this table holds; wins over
            the guess.
        aliases: field → simplified names that mean it, the surest first.
        with_images: False for a table of products alone, whose images are elsewhere.

    Raises:
        CatalogueError: if a told field or column does not exist, a box is half there, or no
            column holds images.
    """
    fixed = _told_positions(table, told or {})
    places = table.positions()
    taken = {position for position in fixed.values() if position is not None}
    found: dict[str, int] = {}
    for name, spellings in aliases.items():
        if not with_images and name in _OF_IMAGES:
            continue
        if name in fixed:
            if (position := fixed[name]) is not None:
                found[name] = position
            continue
        for spelling in spellings:
            free = [p for p in places.get(spelling, ()) if p not in taken]
            if free:
                found[name] = free[0]
                taken.add(free[0])
                break
    images: tuple[int, ...] = ()
    box: tuple[int, ...] = ()
    if with_images:
        images = _image_positions(places, found.pop("image", None), taken)
        if not images:
            raise _no_images(table)
        box = _box_positions(table, places, fixed, taken)
        taken |= {*images, *box}
    columns = table.columns
    names = {name: columns[position] for name, position in found.items()}
    if images:
        names["image"] = " + ".join(columns[p] for p in images)
    if box:
        names["box"] = " + ".join(columns[p] for p in box)
    return ColumnMap(found, images, box, _attributes(columns, taken), names)


def _attributes(columns: Sequence[str], taken: set[int]) -> tuple[tuple[int, str], ...]:
    """The columns left over that have a name; a name that repeats gets a number."""
    counts: dict[str, int] = {}
    left: list[tuple[int, str]] = []
    for position, column in enumerate(columns):
        if position in taken or not column:
            continue
        counts[column] = counts.get(column, 0) + 1
        left.append((position, column if counts[column] == 1 else f"{column} {counts[column]}"))
    return tuple(left)


def _told_positions(table: RowSource, told: Mapping[str, str]) -> dict[str, int | None]:
    positions: dict[str, int | None] = {}
    for name, column in told.items():
        if name not in TOLD_FIELDS:
            raise CatalogueError(
                f"columns names the unknown field {name!r}{_nearest(name, TOLD_FIELDS)}: "
                f"the fields are {', '.join(TOLD_FIELDS)}"
            )
        if not column:
            positions[name] = None
            continue
        exact = [p for p, c in enumerate(table.columns) if c == column]
        loose = exact or [p for p, c in enumerate(table.columns) if c.lower() == column.lower()]
        if not loose:
            raise CatalogueError(
                f"{table.path} has no column {column!r} for {name}"
                f"{_nearest(column, table.columns)}: its columns are {listed(table.columns)}"
            )
        positions[name] = loose[0]
    return positions


def _image_positions(
    places: Mapping[str, list[int]], main: int | None, taken: set[int]
) -> tuple[int, ...]:
    """The main image's column, then those of further images in the order of the table."""
    further = [p for name in MORE_IMAGES for p in places.get(name, ()) if p not in taken]
    for name, positions in places.items():
        if match := _NUMBERED.match(name):
            stem = match[1]
            if stem in ALIASES["image"] or stem in MORE_IMAGES:
                further += [p for p in positions if p not in taken]
        elif main in positions:
            further += [p for p in positions if p != main]
    return (() if main is None else (main,)) + tuple(sorted(set(further)))


def _box_positions(
    table: RowSource,
    places: Mapping[str, list[int]],
    fixed: Mapping[str, int | None],
    taken: set[int],
) -> tuple[int, ...]:
    if "box" in fixed:
        return () if fixed["box"] is None else (fixed["box"],)
    parts = [fixed.get(name) for name in BOX_FIELDS]
    if all(part is None for part in parts):
        if any(name in fixed for name in BOX_FIELDS):
            return ()
        for prefix in _BOX_PREFIXES:
            parts = [_place(places, [prefix + s for s in names], taken) for names in _BOX_PARTS]
            if any(part is not None for part in parts):
                break
        else:
            # Bare x, y, w, h are common words, so only all four together are a box.
            parts = [_place(places, names[:1], taken) for names in _BOX_PARTS]
            if None in parts:
                whole = _place(places, _BOX_WHOLE, taken)
                return () if whole is None else (whole,)
    missing = [name for name, part in zip(BOX_FIELDS, parts, strict=True) if part is None]
    if missing:
        raise CatalogueError(
            f"{table.path} has only part of a box: no column for {', '.join(missing)} among "
            f"{listed(table.columns)}. Name it with columns, or map the others to ''"
        )
    return tuple(part for part in parts if part is not None)


def _place(places: Mapping[str, list[int]], names: Sequence[str], taken: set[int]) -> int | None:
    return next((p for name in names for p in places.get(name, ()) if p not in taken), None)


def _no_images(table: RowSource) -> CatalogueError:
    guess = next(
        (
            (known, near[0])
            for known in ("image", "image_url", "img_path", "picture", "photo")
            if (near := difflib.get_close_matches(known, map(simplified, table.columns), 1, 0.6))
        ),
        None,
    )
    hint = f" Is it {guess[1]!r}?" if guess else ""
    return CatalogueError(
        f"{table.path} has no column that is known to hold images: its columns are "
        f"{listed(table.columns)}.{hint} Known names are image, img_path, image_url, picture, "
        f"photo and the like; name yours with columns={{'image': '…'}}. The first line of the "
        f"file must be the header"
    )


def listed(names: Sequence[str]) -> str:
    """Names for a message: the first thirty, each cut to a readable length."""
    shown = [name if len(name) <= 40 else name[:39] + "…" for name in names[:30] if name]
    more = f" and {len(names) - 30:,} more" if len(names) > 30 else ""
    return (", ".join(map(repr, shown)) or "none") + more


def _nearest(name: str, allowed: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, allowed, 1, 0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
