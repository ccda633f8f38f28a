"""Rows of cells under named columns, whatever kind of table they come from."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from findalike.data.catalogue.base import RawValue
from findalike.types import FieldType, Refusal

MAX_COLUMNS = 2000


class Record(NamedTuple):
    """One row; ``cells`` has as many values as the table has columns."""

    row: int
    cells: Sequence[RawValue]


class RowSource(ABC):
    """A table that can be read from the start as often as wanted.

    Attributes:
        columns: names as the file has them, stripped.
        declared: types by column name, where the file itself has types.
        notes: what a user should know about how the file was read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: tuple[str, ...] = ()
        self.declared: dict[str, FieldType] = {}
        self.notes: list[str] = []

    @abstractmethod
    def records(self) -> Iterator[Record | Refusal]:
        """The rows in order, streamed."""

    def positions(self) -> dict[str, list[int]]:
        """Where each column stands, by its simplified name; several where names repeat."""
        places: dict[str, list[int]] = {}
        for position, column in enumerate(self.columns):
            places.setdefault(simplified(column), []).append(position)
        return places


def simplified(column: str) -> str:
    """A column name without case, punctuation and the "g:" of Google's feeds.

    >>> simplified("Body (HTML)"), simplified("g:image link")
    ('body_html', 'image_link')
    """
    return re.sub(r"[\W_]+", "_", column.strip().lower().removeprefix("g:")).strip("_")
