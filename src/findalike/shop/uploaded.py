"""Pictures that were sent to a shop rather than named to it, kept in a folder of its own.

A picture goes once no version of the shop names it that can still be seen. No version says that of
all others, so it is noted when a picture was first found without a name: if the oldest version left
is younger than that, none of them has it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from findalike.data.images import ImageLimits, open_image
from findalike.shop.writing import storage_errors

UPLOADS = "uploads"
"""Folder in the shop's; always one of those that image paths are relative to."""

GRACE = timedelta(minutes=10)
"""A picture is kept before the product that names it is written: this long, it needs no name."""

_ENDINGS = {"JPEG": "jpg", "TIFF": "tif"}
_DRAFT = ".new-"
_NAMELESS = ".nameless.json"
_NAMELESS_SINCE = TypeAdapter(dict[str, datetime])


def upload_location(data: bytes, *, name: str, limits: ImageLimits | None = None) -> str:
    """Where the bytes of an image will be once they are kept, relative to the folder ``uploads``.

    Args:
        name: what error messages call it.

    Raises:
        ImageError: if the bytes are no image, or one beyond the limits.
    """
    kind = open_image(data, name=name, limits=limits).image.format or ""
    digest = hashlib.sha256(data).hexdigest()
    return f"{digest[:2]}/{digest}.{_ENDINGS.get(kind, kind.lower())}"


def keep_upload(folder: Path, data: bytes, *, name: str, limits: ImageLimits | None = None) -> str:
    """Keep the bytes of an image under the name of their SHA-256; twice the same is kept once.

    Args:
        folder: of the shop.
        name: what error messages call it.

    Returns:
        Its path relative to the folder ``uploads``, such as ``ab/ab12….jpg``. It is the caller's
        for ``GRACE``; by then a product has to name it.

    Raises:
        ImageError: if the bytes are no image, or one beyond the limits.
        StorageError: if they cannot be written.
    """
    location = upload_location(data, name=name, limits=limits)
    path = folder / UPLOADS / location
    with storage_errors(folder):
        if path.is_file() and path.stat().st_size == len(data):
            path.touch()  # it was needed again just now, see ``remove_nameless``
            return location
        path.parent.mkdir(parents=True, exist_ok=True)
        # In one step: nobody reads half a picture, and a killed process leaves none behind.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_DRAFT, delete=False) as file:
            draft = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                draft.chmod(0o644)
                draft.replace(path)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
    return location


def remove_nameless(folder: Path, named: Collection[str], *, oldest: datetime) -> int:
    """Remove the pictures that no version of the shop names any longer.

    Args:
        folder: of the shop; nobody forgets versions meanwhile.
        named: the locations that its newest version names.
        oldest: when the oldest version was written that can still be seen.

    Returns:
        How many went. Pictures that are without a name since this version stay until ``oldest`` is
        younger than this call.

    Raises:
        StorageError: if the disk fails.
    """
    place = folder / UPLOADS
    noted = _nameless_since(place)
    now = datetime.now(UTC)
    since: dict[str, datetime] = {}
    removed = 0
    with storage_errors(folder):
        for path in _pictures(place):
            kept_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            location = path.relative_to(place).as_posix()
            if location in named or now - kept_at < GRACE:
                continue
            since[location] = max(noted.get(location, now), kept_at)
            if since[location] < oldest or path.name.startswith(_DRAFT):
                path.unlink(missing_ok=True)
                del since[location]
                removed += 1
        if since or noted:
            draft = place / f"{_NAMELESS}.new"
            draft.write_bytes(_NAMELESS_SINCE.dump_json(since))
            draft.replace(place / _NAMELESS)
    return removed


def forget_nameless(folder: Path) -> None:
    """Begin the time without a name anew for all pictures: an old version has come back.

    Raises:
        StorageError: if the disk fails.
    """
    with storage_errors(folder):
        (folder / UPLOADS / _NAMELESS).unlink(missing_ok=True)


def _pictures(place: Path) -> Iterator[Path]:
    for path in sorted(place.glob("??/*")):
        if path.is_file():
            yield path


def _nameless_since(place: Path) -> dict[str, datetime]:
    # Without a note, or with one that was damaged, the time begins anew.
    with suppress(FileNotFoundError, ValidationError):
        return _NAMELESS_SINCE.validate_json((place / _NAMELESS).read_bytes())
    return {}
