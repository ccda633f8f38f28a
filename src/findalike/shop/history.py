"""The history of a shop: what was done to it, one line a change, appended and never rewritten.

The engine makes a version at every commit and every index it builds. People think in imports: the
history says which versions are the ends of such changes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from findalike.errors import StorageError
from findalike.index.base import IndexVersion

HISTORY_NAME = "history.jsonl"
UNFINISHED = "single changes that are not noted yet, or a change that was not finished"


@dataclass(frozen=True, slots=True)
class ShopVersion:
    """A state of the shop that can be rolled back to.

    Attributes:
        version: its number.
        created_at: UTC.
        images: images it holds.
        what: the change that led to it, in words.
    """

    version: int
    created_at: datetime
    images: int
    what: str


def note_change(folder: Path, *, version: int, what: str) -> None:
    """Append a finished change to the history.

    Raises:
        StorageError: if it cannot be written; the change itself stands.
    """
    entry = {"version": version, "at": datetime.now(UTC).isoformat(), "what": what}
    try:
        with (folder / HISTORY_NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(
            f"the change is done, but {folder / HISTORY_NAME} cannot be written: {error.strerror}"
        ) from error


def touch_history(folder: Path) -> None:
    """Let the history's time say that the shop was changed, where that is no entry of its own."""
    with suppress(OSError):
        os.utime(folder / HISTORY_NAME)


def shop_versions(folder: Path, stored: Sequence[IndexVersion]) -> list[ShopVersion]:
    """The versions that end a change, the newest first, and the present one whatever it is.

    Args:
        stored: what the engine still keeps, oldest first.
    """
    told = _read(folder / HISTORY_NAME)
    newest = stored[-1].number if stored else 0
    return [
        ShopVersion(v.number, v.created_at, v.rows, told.get(v.number, UNFINISHED))
        for v in reversed(stored)
        if v.number in told or v.number == newest
    ]


def _read(path: Path) -> dict[int, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"cannot read {path}: {error}") from error
    told: dict[int, str] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            # A change that changed nothing ends in the version it began with, which keeps its name.
            told.setdefault(int(entry["version"]), str(entry["what"]))
        except (ValueError, KeyError, TypeError):
            continue  # a line that a full disk or a kill cut short
    return told
