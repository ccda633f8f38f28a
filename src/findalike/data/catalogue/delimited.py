"""CSV, TSV and their relatives: delimiter and encoding found, bad rows told apart from good."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from findalike.data.catalogue.base import shown
from findalike.data.catalogue.rows import MAX_COLUMNS, Record, RowSource
from findalike.data.catalogue.text_file import LineFeed, LineTooLongError, TextFile
from findalike.errors import CatalogueError
from findalike.types import Refusal

DELIMITERS = (",", "\t", ";", "|")
_NAMES = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}


class DelimitedFile(RowSource):
    """A delimited text file with a header line.

    Rows count physical lines, as an editor does: a record of several lines has the number of its
    first, and the header is line 1. Quotes follow RFC 4180 strictly, because a lenient reader
    joins a row with an unclosed quote to its neighbours without a word. In files with tabs, where
    quotes are often no more than inch marks, a line that breaks the rule is taken as it stands.

    Raises:
        CatalogueError: if it is empty, is no text, or has no usable header.
    """

    def __init__(self, text: TextFile) -> None:
        super().__init__(text.path)
        self._text = text
        if self._text.note:
            self.notes.append(self._text.note)
        self._delimiter = ","
        with self._text.lines() as feed:
            header = self._read_header(feed)
        self.columns = tuple(name.strip() for name in header)
        if self._delimiter != ",":
            self.notes.append(f"columns are separated by {_NAMES[self._delimiter]}")

    def _read_header(self, feed: LineFeed) -> list[str]:
        """The header's cells; the feed then stands at the first row.

        A file may start with blank lines and with Excel's line "sep=;".
        """
        told = ""
        try:
            for line in feed:
                text = line.strip()
                if text.lower().startswith("sep=") and len(text) == 5:
                    told = text[4]
                elif text:
                    break
                feed.begin()
            else:
                raise CatalogueError(f"{self.path} is empty: give a table with a header line")
            if "\0" in line:
                raise CatalogueError(
                    f"{self.path} is no text: its first line has NUL bytes. "
                    f"Give CSV, TSV, Parquet or XML"
                )
            self._delimiter = told or max(DELIMITERS, key=lambda d: len(_cells(line, d)))
            feed.give_back([line])
            feed.begin()
            header = next(self._reader(feed))
        except (csv.Error, LineTooLongError, StopIteration) as error:
            raise CatalogueError(f"the header of {self.path} cannot be read: {error}") from error
        if len(header) > MAX_COLUMNS:
            raise CatalogueError(
                f"{self.path} has {len(header):,} columns: at most {MAX_COLUMNS:,} are read. "
                f"Is its first line the header?"
            )
        if not any(name.strip() for name in header):
            raise CatalogueError(
                f"the first line of {self.path} names no columns: put the names of the columns "
                f"there"
            )
        return header

    def _reader(self, feed: LineFeed) -> Iterator[list[str]]:
        return csv.reader(feed, delimiter=self._delimiter, strict=True)

    def records(self) -> Iterator[Record | Refusal]:
        """The rows, and a refusal for each that cannot be parsed; blank lines are passed over."""
        width = len(self.columns)
        with self._text.lines() as feed:
            self._read_header(feed)
            reader = self._reader(feed)
            while True:
                start = feed.begin()
                fault = ""
                cells: list[str] = []
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    fault = str(error)
                except LineTooLongError as error:
                    fault = str(error)
                if not fault and not cells:
                    continue
                if not fault and len(cells) != width:
                    while len(cells) > width and not cells[-1].strip():
                        cells.pop()
                    if len(cells) != width:
                        fault = f"{len(cells):,} cells in a table of {width:,} columns"
                if fault and self._delimiter == "\t":
                    cells = _cells(feed.taken[0], "\t", quoting=csv.QUOTE_NONE)
                    if len(cells) == width:
                        fault = ""
                        feed.give_back(feed.taken[1:])
                        del feed.taken[1:]
                if not fault and (damage := self._text.damage_in(feed.taken)):
                    fault = damage
                if fault:
                    yield self._refused(feed, start, fault)
                    reader = self._reader(feed)
                else:
                    yield Record(start, cells)

    def _refused(self, feed: LineFeed, start: int, fault: str) -> Refusal:
        """The refusal of a record, after giving back whole rows that an open quote swallowed."""
        lines = list(feed.taken)
        reason = fault
        if len(lines) > 1 and self._has_whole_row(lines[1:]):
            feed.give_back(lines[1:])
            reason = "a quote is opened and not closed, or quotes inside a cell are not doubled"
        return Refusal(
            file=str(self.path),
            row=start,
            item="",
            column="",
            value=shown(lines[0].rstrip("\r\n")) if lines else "",
            reason=reason,
            allowed=f"{len(self.columns):,} cells separated by {_NAMES[self._delimiter]}; "
            f'quotes inside a quoted cell doubled (""); valid text',
        )

    def _has_whole_row(self, lines: list[str]) -> bool:
        reader = csv.reader(iter(lines), delimiter=self._delimiter, strict=True)
        while True:
            try:
                if len(next(reader)) == len(self.columns):
                    return True
            except csv.Error:
                continue
            except StopIteration:
                return False


def _cells(line: str, delimiter: str, *, quoting: int = csv.QUOTE_MINIMAL) -> list[str]:
    """The cells of one line by itself, leniently; none where it has more text than CSV allows."""
    try:
        return next(csv.reader([line], delimiter=delimiter, quoting=quoting), [])  # type: ignore[arg-type]
    except csv.Error:
        return []
