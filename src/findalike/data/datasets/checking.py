"""Entries whose images are there: each once, and if asked for, one that can be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from findalike.data.catalogue.base import shown
from findalike.data.datasets.entries import Entry, PublicDataset
from findalike.data.images import open_image
from findalike.data.near_names import near_name
from findalike.errors import ImageError
from findalike.types import Refusal

MOST_HINTS = 3
"""Missing images for which a similar name is looked for."""


class EntryChecks:
    """Lets entries pass whose image exists below a folder and was not listed before.

    Attributes:
        missing: how many images were not there, by the file that lists them.
        listed: how many entries each file had.
    """

    def __init__(self, dataset: PublicDataset, root: Path, *, check_images: bool = False) -> None:
        """Set up the checks.

        Args:
            root: the data set's folder.
            check_images: also read each image's header.
        """
        self._dataset = dataset
        self._root = root
        self._real_root = Path(os.path.realpath(root))
        self._check_images = check_images
        self._first: dict[str, Entry] = {}
        self._names = cache(_names)
        self.missing: dict[str, int] = {}
        self.listed: dict[str, int] = {}

    def passed(self, entries: Iterable[Entry | Refusal]) -> Iterator[Entry | Refusal]:
        """The entries in order, a refusal in place of each that does not pass."""
        for entry in entries:
            if isinstance(entry, Refusal):
                yield entry
                continue
            self.listed[entry.file] = self.listed.get(entry.file, 0) + 1
            refusal = self._refusal(entry)
            if refusal is None:
                self._first[entry.location] = entry
            yield refusal or entry

    def _refusal(self, entry: Entry) -> Refusal | None:
        column = self._dataset.image_column
        path = PurePosixPath(entry.location)
        if path.is_absolute() or ".." in path.parts or "\0" in entry.location:
            return entry.refused(
                column, entry.location, reason="leaves the folder", allowed="a path below it"
            )
        if (first := self._first.get(entry.location)) is not None:
            same = first.label == entry.label and first.part == entry.part
            what = "this image" if same else f"this image, as {first.part} of {first.label}"
            return entry.refused(
                column,
                entry.location,
                reason=f"{first.file}, row {first.row} has {what}; the first is kept",
                allowed="each image once",
            )
        if path.name not in self._names(self._root / path.parent):
            return self._missing(entry, path)
        if not self._check_images:
            return None
        try:
            open_image((self._root / path).read_bytes(), name=entry.location)
        except (ImageError, OSError) as error:
            return entry.refused(
                column, entry.location, reason=shown(error), allowed="an image that can be read"
            )
        return None

    def _missing(self, entry: Entry, path: PurePosixPath) -> Refusal:
        count = sum(self.missing.values())
        self.missing[entry.file] = self.missing.get(entry.file, 0) + 1
        near = near_name(self._real_root, path.parts) if count < MOST_HINTS else None
        return entry.refused(
            self._dataset.image_column,
            entry.location,
            reason="there is no such image" + (f"; there is {shown(near)}" if near else ""),
            allowed=f"an image below {self._root}",
        )


def _names(folder: Path) -> frozenset[str]:
    """Listing a folder once is a hundred times faster than asking for each of its files."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except OSError:
        return frozenset()
