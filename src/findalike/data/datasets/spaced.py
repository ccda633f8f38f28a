"""Text files whose columns are separated by spaces, as lists of images often are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from findalike.data.catalogue.base import shown
from findalike.data.catalogue.rows import Record, RowSource
from findalike.data.catalogue.text_file import LineFeed, LineTooLongError, TextFile
from findalike.errors import CatalogueError
from findalike.types import Refusal


class SpacedFile(RowSource):
    """A header line and rows of as many words, after a line with the number of rows if counted.

    Raises:
        CatalogueError: if it is no such file.
    """

    def __init__(self, path: Path, *, counted: bool = False) -> None:
        super().__init__(path)
        self._text = TextFile(path)
        self._counted = counted
        self._announced = 0
        with self._text.lines() as feed:
            self._read_head(feed)

    def records(self) -> Iterator[Record | Refusal]:
        """The rows, and a refusal for each of another number of words; blank lines are passed over.

        Raises:
            CatalogueError: at the end, if there were not as many rows as the first line says.
        """
        width = len(self.columns)
        rows = 0
        with self._text.lines() as feed:
            self._read_head(feed)
            for line in self._lines(feed):
                cells = line.split()
                rows += bool(cells)
                damage = self._text.damage_in([line])
                if damage or (cells and len(cells) != width):
                    yield Refusal(
                        file=str(self.path),
                        row=feed.number,
                        item="",
                        column="",
                        value=shown(line.strip()),
                        reason=damage or f"{len(cells)} words in a line",
                        allowed=f"{width} words: {' '.join(self.columns)}",
                    )
                elif cells:
                    yield Record(feed.number, cells)
        if self._counted and rows != self._announced:
            raise CatalogueError(
                f"{self.path}: its first line says {self._announced:,}, and {rows:,} rows follow: "
                f"it was cut off or changed; get it again, or correct the first line"
            )

    def _read_head(self, feed: LineFeed) -> None:
        lines = self._lines(feed)
        if self._counted:
            first = next(lines, "").strip()
            if not (first.isascii() and first.isdecimal()):
                raise CatalogueError(
                    f"{self.path} begins with {shown(first)!r}: its first line is the number of "
                    f"images. Give the published file as it is"
                )
            self._announced = int(first)
        self.columns = tuple(next(lines, "").split())

    def _lines(self, feed: LineFeed) -> Iterator[str]:
        try:
            for line in feed:
                feed.begin()
                yield line
        except LineTooLongError as error:
            raise CatalogueError(f"{self.path} has {error}: it is no list of images") from error
