"""CSV, TSV and their relatives: delimiter and encoding found, bad rows told apart from good."""

from __future__ import annotations

import collections
import contextlib
import csv
import itertools
import re
from collections.abc import Iterator

from findalike.data.catalogue.base import shown
from findalike.data.catalogue.rows import MAX_COLUMNS, Record, RowSource
from findalike.data.catalogue.text_file import LineFeed, LineTooLongError, TextFile
from findalike.errors import CatalogueError
from findalike.types import Refusal

DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_LINES = 30
_OPEN_QUOTE = "a quote is opened and not closed, or quotes inside a cell are not doubled"
_DAMAGED = re.compile("[\ud800-\udfff]")
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
                text = line.strip("\r\n ")
                if text[:-1].lower() == "sep=" and text[-1] in DELIMITERS:
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
            with contextlib.suppress(LineTooLongError):
                collections.deque(itertools.islice(feed, _SAMPLE_LINES), maxlen=0)
            sample = list(feed.taken)
            self._delimiter = told or _delimiter_of(sample)
            feed.give_back(sample)
            feed.begin()
            header = next(self._reader(feed))
        except (csv.Error, LineTooLongError, StopIteration) as error:
            raise CatalogueError(
                f"the header of {self.path} cannot be read: {error}. Its first line must name the "
                f"columns, with quotes inside a name doubled"
            ) from error
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
        return [_DAMAGED.sub("?", name) for name in header]

    def _reader(self, feed: LineFeed) -> Iterator[list[str]]:
        return csv.reader(feed, delimiter=self._delimiter, strict=True)

    def records(self) -> Iterator[Record | Refusal]:
        """The rows, and a refusal for each that cannot be parsed; blank lines are passed over."""
        with self._text.lines() as feed:
            self._read_header(feed)
            reader = self._reader(feed)
            while True:
                start = feed.begin()
                try:
                    cells = self._fitted(next(reader))
                    self._check_swallowed(feed.taken[1:])
                except StopIteration:
                    return
                except (csv.Error, LineTooLongError) as error:
                    reader = self._reader(feed)
                    cells = self._bare(feed)
                    if not cells:
                        yield self._unparsed(feed, start, str(error))
                        continue
                if damage := self._text.damage_in(feed.taken):
                    yield self._refusal(start, feed.taken[0], damage)
                elif cells:
                    yield Record(start, cells)

    def _fitted(self, cells: list[str]) -> list[str]:
        """The cells of a row, as many as there are columns, or none for a blank line."""
        width = len(self.columns)
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if cells and len(cells) != width:
            raise csv.Error(f"{len(cells):,} cells in a table of {width:,} columns")
        return cells

    def _check_swallowed(self, others: list[str]) -> None:
        """Refuse a record most of whose further lines are rows: a stray quote closed an open one.

        A cell may have lines that look like rows, but hardly most of them, with just as many
        delimiters as there are columns. Without this check up to 1,000 rows would vanish.
        """
        whole = sum(map(self._is_whole_row, others)) if len(others) > 1 else 0
        if whole > 1 and whole * 2 > len(others):
            raise csv.Error(_OPEN_QUOTE)

    def _bare(self, feed: LineFeed) -> list[str]:
        """The cells of the record's first line with quotes taken as text, if that makes a row."""
        if self._delimiter != "\t":
            return []
        cells = _cells(feed.taken[0], "\t", quoting=csv.QUOTE_NONE)
        if len(cells) != len(self.columns):
            return []
        feed.give_back(feed.taken[1:])
        del feed.taken[1:]
        return cells

    def _unparsed(self, feed: LineFeed, start: int, fault: str) -> Refusal:
        """The refusal of a record, after giving back the rows that an open quote swallowed."""
        first, *others = feed.taken
        if others and ("expected after" in fault or any(map(self._is_whole_row, others))):
            feed.give_back(others)
            fault = _OPEN_QUOTE
        return self._refusal(start, first, fault)

    def _is_whole_row(self, line: str) -> bool:
        width = len(self.columns)
        if line.count('"') % 2 or line.count(self._delimiter) < width - 1:
            return False
        return len(_cells(line, self._delimiter)) == width

    def _refusal(self, row: int, line: str, reason: str) -> Refusal:
        return Refusal(
            file=str(self.path),
            row=row,
            item="",
            column="",
            value=shown(line.rstrip("\r\n")),
            reason=reason,
            allowed=f"{len(self.columns):,} cells separated by {_NAMES[self._delimiter]}; "
            f'quotes inside a quoted cell doubled (""); valid text',
        )


def _cells(line: str, delimiter: str, *, quoting: int = csv.QUOTE_MINIMAL) -> list[str]:
    """The cells of one line by itself, leniently; none where it has more text than CSV allows."""
    try:
        return next(csv.reader([line], delimiter=delimiter, quoting=quoting), [])  # type: ignore[arg-type]
    except csv.Error:
        return []


def _delimiter_of(sample: list[str]) -> str:
    """The delimiter that splits most of the lines like the first, and the first into most cells."""

    def fit(delimiter: str) -> tuple[int, int]:
        width = len(_cells(sample[0], delimiter))
        same = sum(len(_cells(line, delimiter)) == width for line in sample[1:])
        return (same if width > 1 else 0, width)

    return max(DELIMITERS, key=fit)
