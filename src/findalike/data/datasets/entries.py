"""What every reader of a public data set makes of its files: one entry an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from findalike.data.catalogue.base import shown
from findalike.data.catalogue.columns import listed
from findalike.data.catalogue.rows import RowSource
from findalike.errors import CatalogueError
from findalike.types import Box, Refusal

Part: TypeAlias = Literal["train", "gallery", "query", "test"]
"""``test`` is gallery and query at once: each image is searched for among all the others."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One image of a data set.

    Attributes:
        location: path below the data set's folder.
        label: its product, as the data set names it.
        group: a coarser class, None where the data set has none.
        box: the product, in pixels; None for the whole image.
        columns: further cells by column name, for slices of an evaluation.
        file: where the entry was read, relative to the data set's folder.
        row: in that file; the first line is row 1.
    """

    location: str
    label: str
    part: Part
    file: str
    row: int
    group: str | None = None
    box: Box | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def refused(self, column: str, value: str, *, reason: str, allowed: str) -> Refusal:
        """The refusal of this entry's row."""
        return Refusal(
            file=self.file,
            row=self.row,
            item=shown(self.location),
            column=column,
            value=shown(value),
            reason=reason,
            allowed=allowed,
        )


@dataclass(frozen=True, slots=True)
class PublicDataset:
    """A data set and how its files are read.

    Attributes:
        name: of the command that reads it.
        title: as its authors call it.
        terms: where it is obtained and what its authors allow, in our words.
        read: the entries below a folder, and the rows that cannot be used. It raises
            `CatalogueError` if a file is missing or is another one.
        image_column: name of the column that holds the images.
        unpack: what to do if the images of a part are missing.
    """

    name: str
    title: str
    terms: str
    read: Callable[[Path], Iterator[Entry | Refusal]]
    image_column: str
    unpack: str


def found_file(root: Path, *names: str, of: str) -> Path:
    """The first of the files that exists below a data set's folder.

    Raises:
        CatalogueError: if none does.
    """
    for name in names:
        if (root / name).is_file():
            return root / name
    if not root.is_dir():
        raise CatalogueError(f"{root} is no folder: give the one that {of} was unpacked in")
    inside = sorted(path.name for path in root.iterdir())
    raise CatalogueError(
        f"{root} has no {' or '.join(names)}: give the folder that {of} was unpacked in. "
        f"In this one there is {listed(inside)}"
    )


def positions_of(
    table: RowSource, required: Sequence[str], optional: Sequence[str] = (), *, of: str
) -> dict[str, int]:
    """Where the columns of a published file stand.

    Raises:
        CatalogueError: if a required one is not there, as in the file of another data set.
    """
    places = {name: position for position, name in enumerate(table.columns)}
    missing = [name for name in required if name not in places]
    if missing:
        raise CatalogueError(
            f"{table.path} has the columns {listed(table.columns)}: {table.path.name} of {of} has "
            f"{', '.join(required)}. Give the published file as it is"
        )
    return {name: places[name] for name in (*required, *optional) if name in places}
