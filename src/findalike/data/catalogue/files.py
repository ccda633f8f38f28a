"""Opening a file as what its first bytes say it is: a table, or the text of a feed."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from findalike.data.catalogue.delimited import DelimitedFile
from findalike.data.catalogue.locations import IMAGE_SUFFIXES
from findalike.data.catalogue.rows import RowSource
from findalike.data.catalogue.text_file import TextFile
from findalike.errors import CatalogueError

_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive: save the sheet as CSV UTF-8, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV UTF-8"),
    (b"SQLite format 3", "a SQLite database: export the table as CSV"),
    (b"%PDF", "a PDF document: give a table of products"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd: unpack it, or pack it with gzip"),
    (b"BZh", "packed with bzip2: unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "packed with xz: unpack it, or pack it with gzip"),
    (b"{", "JSON: give CSV or Parquet"),
    (b"[", "JSON: give CSV or Parquet"),
)


class UnknownFileError(CatalogueError):
    """A file of a kind that is not read."""


def open_file(path: Path) -> RowSource | TextFile:
    """A table, or the text of a file that is XML.

    Raises:
        UnknownFileError: if it is neither.
        CatalogueError: if it is missing, empty or damaged.
    """
    try:
        if not path.is_file():
            what = "is no file or folder" if path.exists() else "does not exist"
            raise CatalogueError(f"{path} {what}: give a folder of images or a table of products")
        with path.open("rb") as stream:
            start = stream.read(4096)
    except (OSError, ValueError) as error:
        raise CatalogueError(f"cannot read {path}: {error}") from error
    if not start:
        raise CatalogueError(f"{path} is empty: give a table with a header line")
    if start.startswith(b"PAR1"):
        # Here, so that who reads CSV does not wait for pyarrow.
        from findalike.data.catalogue.parquet import ParquetTable  # noqa: PLC0415

        return ParquetTable(path)
    if PurePath(path.name.lower()).suffix in IMAGE_SUFFIXES:
        raise UnknownFileError(f"{path} is an image: give the folder it is in")
    if what := next((told for mark, told in _FOREIGN if start.startswith(mark)), ""):
        raise UnknownFileError(f"{path} is {what}")
    text = TextFile(path)
    with text.binary() as unpacked:
        is_xml = _looks_like_xml(unpacked.read(256))
    return text if is_xml else DelimitedFile(text)


def open_table(path: Path) -> RowSource:
    """A table.

    Raises:
        CatalogueError: if the file is none.
    """
    opened = open_file(path)
    if isinstance(opened, RowSource):
        return opened
    raise CatalogueError(f"{path} is XML: give CSV, TSV or Parquet")


def _looks_like_xml(start: bytes) -> bool:
    """Whether a text starts as XML does, after a byte order mark and white space."""
    plain = start.replace(b"\0", b"")
    return bool(re.match(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<[?!A-Za-z]", plain))
