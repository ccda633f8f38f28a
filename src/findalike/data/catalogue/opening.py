"""Finding out what kind of catalogue a source is, and opening it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from findalike.data.catalogue.base import Reader
from findalike.data.catalogue.catalogue import Catalogue
from findalike.data.catalogue.challenge import ChallengeReader
from findalike.data.catalogue.columns import listed
from findalike.data.catalogue.files import UnknownFileError, open_file
from findalike.data.catalogue.folder import FolderReader
from findalike.data.catalogue.google import (
    GOOGLE_COLUMNS,
    TELLING,
    GoogleTableReader,
    GoogleXmlReader,
)
from findalike.data.catalogue.magento import MAGENTO_COLUMNS, MagentoReader
from findalike.data.catalogue.rows import RowSource
from findalike.data.catalogue.shopify import SHOPIFY_COLUMNS, ShopifyReader
from findalike.data.catalogue.table import TableReader
from findalike.errors import CatalogueError
from findalike.types import FieldType

FORMATS: Mapping[str, str] = {
    "folder": "a folder of images, one folder or one file a product",
    "table": "CSV, TSV or Parquet with a column of images",
    "challenge": "gallery.csv with seller_img_id and img_path",
    "magento": "Magento 2 product export (CSV)",
    "shopify": "Shopify product export (CSV)",
    "google": "Google Merchant feed (TSV, CSV, RSS or Atom)",
}
"""Format name → what it is."""

GALLERY_FILE = "gallery.csv"
_CHALLENGE_COLUMNS = ("seller_img_id", "img_path")


def open_catalogue(
    source: Path,
    *,
    format: str | None = None,  # noqa: A002 - the name users know it by
    columns: Mapping[str, str] | None = None,
    types: Mapping[str, FieldType] | None = None,
    root: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Catalogue:
    """Open a source of products, finding its format by itself unless it is told.

    The format found is ``.format`` of the result, and ``.notes`` says how it is read. Text files
    may be gzipped.

    Args:
        source: a folder of images, a table (CSV, TSV, Parquet), or a shop's export or feed. A
            folder with a ``gallery.csv`` is read as that challenge gallery.
        format: one of ``FORMATS``.
        columns: field → column name, for tables whose columns are not guessed; "" for a field
            that no column holds. Makes the format ``table``.
        types: attribute → type, where the type found is not the one wanted.
        root: folder of the images, where it is not the source's own. A Magento export looks there
            for how its media are stored; a folder's locations become relative to it.
        progress: called now and then with the number of rows surveyed so far.

    Raises:
        CatalogueError: if the source cannot be read as a whole: it is missing, empty, of an
            unknown format, or lacks the columns of its format.
    """
    source = Path(source)
    if format is not None and format not in FORMATS:
        near = difflib.get_close_matches(format, FORMATS, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise CatalogueError(f"unknown format {format!r}{hint}. {_formats()}")
    if columns and format not in (None, "table"):
        raise CatalogueError(
            f"columns can be named for the format 'table' only, and {format!r} was asked for: "
            f"its columns are fixed"
        )
    if columns:
        format = "table"  # noqa: A001
    reader = _reader(source, format, columns, root)
    return Catalogue(reader, types=types, progress=progress)


def _reader(
    source: Path, wanted: str | None, columns: Mapping[str, str] | None, root: Path | None
) -> Reader:
    if source.is_dir():
        return _folder_reader(source, wanted, root)
    if wanted == "folder" and source.exists():
        raise CatalogueError(f"{source} is a file: the format 'folder' reads a folder of images")
    try:
        opened = open_file(source)
    except UnknownFileError as error:
        raise CatalogueError(f"{error}. {_formats()}") from error
    if isinstance(opened, RowSource):
        return _table_reader(opened, wanted, columns, root)
    if wanted not in (None, "google"):
        raise CatalogueError(f"{source} is XML, which is read as 'google' only, not {wanted!r}")
    return GoogleXmlReader(opened)


def _folder_reader(source: Path, wanted: str | None, root: Path | None) -> Reader:
    gallery = source / GALLERY_FILE
    if wanted in (None, "challenge") and gallery.is_file():
        return _reader(gallery, "challenge", None, root)
    if wanted not in (None, "folder"):
        raise CatalogueError(f"{source} is a folder: the format {wanted!r} reads a file")
    return FolderReader(source, root=root)


def _table_reader(
    table: RowSource, wanted: str | None, columns: Mapping[str, str] | None, root: Path | None
) -> Reader:
    found = set(table.positions())
    kind = wanted or _kind(found)
    if wanted is None and kind == "table" and "user_img_id" in found:
        raise CatalogueError(
            f"{table.path} holds shoppers' photos (user_img_id), no catalogue: give the gallery, "
            f"or the format 'table' to read it as one all the same"
        )
    if kind == "magento":
        _require(table, found, "magento", [(name,) for name in MAGENTO_COLUMNS])
        return MagentoReader(table, root=root or table.path.parent)
    if kind == "shopify":
        _require(table, found, "shopify", SHOPIFY_COLUMNS)
        return ShopifyReader(table)
    if kind == "google":
        _require(table, found, "google", [(name,) for name in GOOGLE_COLUMNS])
        return GoogleTableReader(table)
    if kind == "challenge":
        _require(table, found, "challenge", [(name,) for name in _CHALLENGE_COLUMNS])
        return ChallengeReader(table)
    try:
        return TableReader(table, told=columns)
    except CatalogueError as error:
        raise error if wanted else CatalogueError(f"{error}. {_formats()}") from error


def _kind(found: set[str]) -> str:
    """The format a header belongs to."""
    if found.issuperset(MAGENTO_COLUMNS):
        return "magento"
    if found.issuperset(_CHALLENGE_COLUMNS):
        return "challenge"
    if all(found.intersection(names) for names in SHOPIFY_COLUMNS):
        return "shopify"
    if found.issuperset(GOOGLE_COLUMNS) and found & TELLING:
        return "google"
    return "table"


def _require(
    table: RowSource,
    found: set[str],
    kind: str,
    wanted: Sequence[tuple[str, ...]],
) -> None:
    missing = [" or ".join(names) for names in wanted if not found.intersection(names)]
    if missing:
        raise CatalogueError(
            f"{table.path} is no {kind} file ({FORMATS[kind]}): it lacks {', '.join(missing)}; its "
            f"columns are {listed(table.columns)}. Give another format, or none to have it found"
        )


def _formats() -> str:
    return "Formats: " + "; ".join(f"{name} - {what}" for name, what in FORMATS.items())
