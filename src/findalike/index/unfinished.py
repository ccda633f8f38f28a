"""A change of two commits is seen whole or not at all, after a killed process too.

Rows that come and rows that go could be one commit of Lance, but that one compares the whole table:
seconds rather than tens of milliseconds at 30,000 images. So before the first commit a note says
which images are to go and which version was there, and after the second it is taken away. While it
lies there readers of all processes stay with that version; the next writer finishes what a killed
one left.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from findalike.types import ImageId

UNFINISHED_NAME = "unfinished.json"


class Unfinished(BaseModel):
    """What two commits are about to do.

    Attributes:
        before: the version that readers see meanwhile.
        at: the time of the rows of the first commit.
        coming: the images it writes.
        going: the images that the second commit takes away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: int
    at: datetime
    coming: tuple[ImageId, ...]
    going: tuple[ImageId, ...]


def note_unfinished(folder: Path, note: Unfinished) -> None:
    """Leave a note, in the turn of a writer."""
    path = folder / UNFINISHED_NAME
    draft = path.with_suffix(".json.new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(note.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_unfinished(folder: Path) -> Unfinished | None:
    """The note of a process that was killed, or is writing just now.

    A note is written in one step. One that cannot be read was damaged later, and says nothing.
    """
    with suppress(FileNotFoundError, ValidationError):
        return Unfinished.model_validate_json((folder / UNFINISHED_NAME).read_bytes())
    return None


def forget_unfinished(folder: Path) -> None:
    """Say that both commits were made."""
    (folder / UNFINISHED_NAME).unlink(missing_ok=True)
