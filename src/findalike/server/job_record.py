"""The records of imports: one folder each in the shop's, read by every worker and after a restart.

::

    imports/20261123T012500-1f2e3d4c/
    ├── request.json  what was asked
    ├── state.json    how far it is; replaced as a whole
    ├── feed/         the feed, until the import ends
    ├── report.csv    what became of every image
    ├── cancel        there once somebody cancelled it
    └── alive.lock    held while a worker carries it on
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from findalike.errors import StorageError
from findalike.shop.writing import storage_errors
from findalike.types import FieldType

IMPORTS = "imports"
"""Folder in the shop's."""

KEPT = 50
"""Records that are kept; older ones of imports that ended go when a new one comes."""

UNKNOWN = "unknown"
"""The name of a feed whose record is damaged."""

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled", "interrupted"})

Part = TypeVar("Part", bound=BaseModel)

_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")


class ImportRequest(BaseModel):
    """What was asked.

    Attributes:
        name: of the feed, for people.
        url: where to fetch it, None where it was sent.
        caller: who asked.
    """

    # What another version wrote beside is passed over: a record is told of for as long as it lies.
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    url: str | None = None
    format: str | None = None
    columns: dict[str, str] = {}
    types: dict[str, FieldType] = {}
    dry_run: bool = False
    strict: bool = False
    caller: str = ""
    created_at: datetime
    allow_networks: tuple[str, ...] = ()
    max_feed_bytes: int


class ImportState(BaseModel):
    """How far an import is; counts are of images, and of rows that were refused as a whole.

    Attributes:
        rows: rows of the feed, None until they were counted.
        detail: what happened, where it did not end well.
        next_step: what to do then.
        notes: what one should know about how the feed was read.
    """

    model_config = ConfigDict(extra="ignore")

    state: State = "queued"
    rows: int | None = None
    rows_done: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    shop_version: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    detail: str | None = None
    next_step: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def committed(self) -> str:
        """What is in the shop, in words."""
        return f"{self.added:,} images were added and {self.updated:,} updated"


class JobRecord:
    """One import's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, shop: Path) -> JobRecord:
        """Make the folder of a new import, and forget old ones.

        Raises:
            StorageError: if it cannot be made.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        record = cls(shop / IMPORTS / f"{stamp}-{secrets.token_hex(4)}")
        with storage_errors(shop):
            (record.folder / "feed").mkdir(parents=True)
        for old in all_records(shop)[KEPT:]:
            if old.state().state in ENDED:
                shutil.rmtree(old.folder, ignore_errors=True)
        for cut_off in _without_request(shop):
            shutil.rmtree(cut_off, ignore_errors=True)
        return record

    @classmethod
    def find(cls, shop: Path, job_id: str) -> JobRecord | None:
        """The record of an id; None if there is none."""
        if not _ID.fullmatch(job_id):
            return None
        record = cls(shop / IMPORTS / job_id)
        return record if (record.folder / "request.json").is_file() else None

    @property
    def job_id(self) -> str:
        """Its id."""
        return self.folder.name

    @property
    def report(self) -> Path:
        """The CSV that tells of every image."""
        return self.folder / "report.csv"

    @property
    def alive(self) -> FileLock:
        """The lock of the worker that carries it on."""
        return FileLock(self.folder / "alive.lock")

    def request(self) -> ImportRequest:
        """What was asked; of a damaged record, what its folder still tells.

        Raises:
            StorageError: if it cannot be read.
        """
        asked = self._parsed(ImportRequest, "request.json")
        if asked is not None:
            return asked
        with storage_errors(self.folder):
            made = datetime.fromtimestamp(self.folder.stat().st_mtime, UTC)
        return ImportRequest(name=UNKNOWN, created_at=made, max_feed_bytes=1)

    def state(self) -> ImportState:
        """How far it is; an import nobody carries on any more was interrupted.

        Raises:
            StorageError: if it cannot be read.
        """
        held = self._parsed(ImportState, "state.json")
        if held is not None and held.state in ENDED:
            return held
        if self._is_carried_on():
            return held or ImportState()
        held = self._parsed(ImportState, "state.json")  # it may just have ended
        if held is None:
            return damaged()
        return held if held.state in ENDED else interrupted(held)

    def begin(self, request: ImportRequest) -> None:
        """Write the request and the first state."""
        self.put(ImportState())
        self._write("request.json", request.model_dump_json(indent=2))

    def put(self, state: ImportState) -> None:
        """Replace the state."""
        self._write("state.json", state.model_dump_json(indent=2))

    def cancel(self) -> None:
        """Ask whoever carries it on to stop."""
        with storage_errors(self.folder):
            (self.folder / "cancel").touch()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked to stop it."""
        return (self.folder / "cancel").exists()

    def drop_feed(self) -> None:
        """Delete the feed; the record stays."""
        shutil.rmtree(self.folder / "feed", ignore_errors=True)

    def _is_carried_on(self) -> bool:
        lock = self.alive
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def _parsed(self, kind: type[Part], name: str) -> Part | None:
        """A file of the record; None if it is damaged."""
        try:
            return kind.model_validate_json((self.folder / name).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        except OSError as error:
            raise StorageError(f"cannot read {self.folder / name}: {error.strerror}") from error

    def _write(self, name: str, text: str) -> None:
        with storage_errors(self.folder):
            draft = self.folder / f"{name}.new"
            with draft.open("w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())  # else a power cut can leave an empty file under the name
            draft.replace(self.folder / name)


def all_records(shop: Path) -> list[JobRecord]:
    """The records of a shop, the newest first."""
    try:
        folders = [path for path in (shop / IMPORTS).iterdir() if _ID.fullmatch(path.name)]
    except OSError:
        return []
    newest = sorted(folders, key=lambda path: path.name, reverse=True)
    return [JobRecord(path) for path in newest if (path / "request.json").is_file()]


def _without_request(shop: Path) -> list[Path]:
    """Folders whose feed was still on its way when the service was killed, a day ago or more."""
    before = time.time() - 86_400
    found = []
    for path in (shop / IMPORTS).iterdir():
        with suppress(OSError):
            whole = not _ID.fullmatch(path.name) or (path / "request.json").is_file()
            if not whole and path.stat().st_mtime < before:
                found.append(path)
    return found


def damaged() -> ImportState:
    """The state of an import whose record cannot be understood."""
    return ImportState(
        state="interrupted",
        detail="its record is damaged, so nobody knows how far it came; what was committed stays",
        next_step="send the same feed again: what is there already is passed over quickly",
    )


def interrupted(state: ImportState) -> ImportState:
    """The state of an import that its process did not end."""
    return state.model_copy(
        update={
            "state": "interrupted",
            "detail": f"the service stopped at row {state.rows_done:,}; {state.committed} and stay",
            "next_step": "send the same feed again: what is there already is passed over quickly",
        }
    )
