"""What shoppers did with answers, kept append-only: one line an event, never rewritten.

::

    feedback/
    ├── settings.json        whether photos may be kept, and how many bytes of them a day
    ├── 2026-11-23.jsonl     the events of a day, UTC
    └── photos/2026-11-23/   photos whose shoppers consented, by SHA-256

Several processes may write at once: a line is one ``write`` to a file opened for appending, under
a lock. A line that a crash cut short is passed over by readers, and the next one starts anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from filelock import FileLock, Timeout
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from findalike.data.images import ImageLimits, decode
from findalike.errors import ShopLockedError, StorageError
from findalike.shop.writing import storage_errors
from findalike.types import Box

FEEDBACK = "feedback"
"""Folder in the shop's."""

Event: TypeAlias = Literal["view", "click", "cart", "purchase", "wrong"]

LONGEST_PHOTO_SIDE = 1024
"""Photos are kept no larger than this: encoders see less."""

MAX_EVENT_BYTES = 4096

LOCK_SECONDS = 2.0
"""How long a writer waits for another; each holds the lock for as long as the disk takes."""

_SETTINGS = "settings.json"
_PHOTO_QUALITY = 88


class FeedbackSettings(BaseModel):
    """What a shop keeps of its shoppers.

    Attributes:
        keep_photos: whether photos are kept of shoppers who consent in the request.
        photo_bytes_a_day: bytes of photos kept a day, at most.
        event_bytes_a_day: bytes of events kept a day, at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_photos: bool = False
    photo_bytes_a_day: Annotated[int, Field(ge=0)] = 500_000_000
    event_bytes_a_day: Annotated[int, Field(ge=0)] = 100_000_000


@dataclass(frozen=True, slots=True)
class FeedbackEvent:
    """One thing a shopper did.

    Attributes:
        query_id: of the answer it is about.
        rank: of the product in it, from 1.
        photo: the kept photo, a path below the folder ``feedback``; None if none was kept.
        box: the product in that photo, in its pixels.
        at: UTC.
    """

    query_id: str
    product_id: str
    event: Event
    rank: int | None
    photo: str | None
    box: Box | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of an event; ``photo`` says why none was kept where none was."""

    stored: bool
    photo: Literal["kept", "none sent", "no consent", "turned off", "day is full"]


class FeedbackStore:
    """The feedback of one shop."""

    def __init__(self, shop: Path) -> None:
        """Set up the store; nothing is written yet.

        Args:
            shop: folder of the shop.
        """
        self.folder = shop / FEEDBACK

    @property
    def settings(self) -> FeedbackSettings:
        """What is kept, as it stands now.

        Raises:
            StorageError: if the file cannot be read. Nothing is kept then.
        """
        path = self.folder / _SETTINGS
        try:
            return FeedbackSettings.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return FeedbackSettings()
        except (OSError, ValidationError) as error:
            raise StorageError(
                f"cannot read {path}: set it anew with `findalike shop feedback`"
            ) from error

    def change_settings(self, settings: FeedbackSettings) -> None:
        """Set what is kept from now on; what was kept stays.

        Raises:
            StorageError: if it cannot be written.
            ShopLockedError: if another process keeps writing.
        """
        with self._locked():
            draft = self.folder / f"{_SETTINGS}.new"
            draft.write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")
            draft.replace(self.folder / _SETTINGS)

    def add(
        self,
        *,
        query_id: str,
        product_id: str,
        event: Event,
        rank: int | None = None,
        photo: bytes | None = None,
        box: Box | None = None,
        consent: bool = False,
        limits: ImageLimits | None = None,
    ) -> Kept:
        """Keep an event; its photo only if the shop keeps photos and the shopper consents.

        Args:
            photo: the bytes of an image file. It is decoded and encoded anew, so that nothing of
                its metadata (place, time, camera) is kept.
            box: the product in the photo, in pixels of the upright photo.
            limits: what decoding the photo may cost.

        Raises:
            ImageError, BoxError: if the photo is to be kept and cannot be used.
            StorageError: if the event cannot be written.
            ShopLockedError: if another process keeps writing.
        """
        settings = self.settings
        now = datetime.now(UTC)
        why: Any = _why_not(photo, consent=consent, settings=settings)
        picture, kept_box = b"", None
        if photo is not None and why == "kept":
            picture, kept_box = _clean(photo, box, limits)
        with self._locked():
            path = None
            if picture:
                path = self._keep_photo(picture, now, settings)
                why = "kept" if path else "day is full"
            line: dict[str, Any] = {"at": now.isoformat(), "query_id": query_id}
            line |= {"product_id": product_id, "event": event}
            line |= {} if rank is None else {"rank": rank}
            if path:
                line["photo"] = path
                line |= {} if kept_box is None else {"box": str(kept_box)}
            return Kept(self._append(line, now, settings), why)

    def events(self) -> Iterator[FeedbackEvent]:
        """All events, the oldest first; lines that cannot be read are passed over.

        Raises:
            StorageError: if a file cannot be read.
        """
        for path in sorted(self.folder.glob("????-??-??.jsonl")):
            with storage_errors(self.folder.parent), path.open("rb") as file:
                for line in file:
                    event = _event_of(line)
                    if event is not None:
                        yield event

    def _append(self, line: dict[str, Any], now: datetime, settings: FeedbackSettings) -> bool:
        packed = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        path = self.folder / f"{now:%Y-%m-%d}.jsonl"
        with path.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            if len(packed) > MAX_EVENT_BYTES or end + len(packed) > settings.event_bytes_a_day:
                return False
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    packed = b"\n" + packed  # what a crash cut short stays a line of its own
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        return True

    def _keep_photo(self, picture: bytes, now: datetime, settings: FeedbackSettings) -> str | None:
        digest = hashlib.sha256(picture).hexdigest()
        inside = Path("photos") / f"{now:%Y-%m-%d}"
        folder = self.folder / inside
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{digest}.jpg"
        if (folder / name).exists():
            return (inside / name).as_posix()
        used = sum(entry.stat().st_size for entry in os.scandir(folder))
        if used + len(picture) > settings.photo_bytes_a_day:
            return None
        draft = folder / f"{name}.new"
        draft.write_bytes(picture)
        draft.replace(folder / name)
        return (inside / name).as_posix()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the right to write feedback."""
        lock = FileLock(self.folder / ".lock", timeout=LOCK_SECONDS, poll_interval=0.01)
        with storage_errors(self.folder.parent):
            self.folder.mkdir(exist_ok=True)
            try:
                lock.acquire()
            except Timeout:
                raise ShopLockedError(
                    f"another process has been writing to {self.folder} for {LOCK_SECONDS:g} "
                    f"seconds: try again when it is done"
                ) from None
            try:
                yield
            finally:
                lock.release()


def _why_not(photo: bytes | None, *, consent: bool, settings: FeedbackSettings) -> str:
    if photo is None:
        return "none sent"
    if not consent:
        return "no consent"
    return "kept" if settings.keep_photos else "turned off"


def _clean(photo: bytes, box: Box | None, limits: ImageLimits | None) -> tuple[bytes, Box | None]:
    """The pixels of a photo as a new JPEG, and the box in them."""
    picture = Image.fromarray(decode(photo, name="the photo", limits=limits))
    used = None if box is None else box.clipped(*picture.size)
    scale = min(1.0, LONGEST_PHOTO_SIDE / max(picture.size))
    if scale < 1.0:
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
        if used is not None:
            used = Box(used.x * scale, used.y * scale, used.w * scale, used.h * scale)
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=_PHOTO_QUALITY)
    return packed.getvalue(), used


def _event_of(line: bytes) -> FeedbackEvent | None:
    try:
        said = json.loads(line)
        return FeedbackEvent(
            query_id=str(said["query_id"]),
            product_id=str(said["product_id"]),
            event=said["event"],
            rank=said.get("rank"),
            photo=said.get("photo"),
            box=Box.parse(said["box"]) if "box" in said else None,
            at=datetime.fromisoformat(said["at"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
