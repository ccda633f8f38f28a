"""Changes that take two commits, finished by the next writer if a killed process left the second.

Rows that come and rows that go could be one commit of Lance, but that one compares the whole table:
seconds rather than tens of milliseconds in a shop of 30,000 images. So before the first commit a
note says which images are to go, and after the second it is taken away. Whoever has the right to
write next finds a note that was left; it counts if the first commit was made.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from findalike.index.base import Index
from findalike.index.filter_tree import In
from findalike.index.schema import ADDED_AT
from findalike.shop.writing import storage_errors
from findalike.types import ImageId

UNFINISHED_NAME = "unfinished.json"


class _Note(BaseModel):
    """What is to be finished.

    Attributes:
        at: the time of the rows of the first commit.
        coming: some of their images.
        going: the images that the second commit takes away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    coming: tuple[ImageId, ...]
    going: tuple[ImageId, ...]


def note_unfinished(
    folder: Path, *, at: datetime, coming: Collection[ImageId], going: Collection[ImageId]
) -> None:
    """Note, in the turn of a writer, what two commits are about to do.

    Raises:
        StorageError: if it cannot be written.
    """
    note = _Note(at=at, coming=tuple(sorted(coming)), going=tuple(sorted(going)))
    path = folder / UNFINISHED_NAME
    draft = path.with_suffix(".json.new")
    with storage_errors(folder):
        with draft.open("w", encoding="utf-8") as file:
            file.write(note.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def forget_unfinished(folder: Path) -> None:
    """Say that both commits were made.

    Raises:
        StorageError: if the note cannot be taken away.
    """
    with storage_errors(folder):
        (folder / UNFINISHED_NAME).unlink(missing_ok=True)


def is_unfinished(folder: Path) -> bool:
    """Whether a process that was killed, or is writing just now, left a note."""
    return (folder / UNFINISHED_NAME).is_file()


def finish(index: Index, folder: Path) -> None:
    """Make the second commit that is missing, in the turn of a writer.

    Raises:
        StorageError, EngineError: if the disk or engine fails.
    """
    if not is_unfinished(folder):
        return
    # A note is written in one step. One that cannot be read was damaged later, and says nothing.
    with suppress(ValidationError), storage_errors(folder):
        note = _Note.model_validate_json((folder / UNFINISHED_NAME).read_bytes())
        if note.at in _written_at(index, note.coming).values():
            # What others have written since is theirs.
            found = _written_at(index, note.going)
            going = sorted(image_id for image_id, at in found.items() if at < note.at)
            if going:
                index.delete(In("image_id", tuple(going)))
    forget_unfinished(folder)


def _written_at(index: Index, images: Collection[ImageId]) -> dict[ImageId, datetime]:
    """When the rows of some images were written, of those that are there."""
    where = In("image_id", tuple(images))
    return {
        row["image_id"]: row[ADDED_AT]
        for batch in index.fetch(where, columns=["image_id", ADDED_AT])
        for row in batch.to_pylist()
    }
