"""Pictures that were sent to a shop rather than named to it, kept in a folder of its own."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from findalike.data.images import ImageLimits, open_image
from findalike.shop.writing import storage_errors

UPLOADS = "uploads"
"""Folder in the shop's; always one of those that image paths are relative to."""

_ENDINGS = {"JPEG": "jpg", "TIFF": "tif"}


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
        Its path relative to the folder ``uploads``, such as ``ab/ab12….jpg``.

    Raises:
        ImageError: if the bytes are no image, or one beyond the limits.
        StorageError: if they cannot be written.
    """
    location = upload_location(data, name=name, limits=limits)
    path = folder / UPLOADS / location
    with storage_errors(folder):
        if path.is_file() and path.stat().st_size == len(data):
            return location
        path.parent.mkdir(parents=True, exist_ok=True)
        # In one step: nobody reads half a picture, and a killed process leaves none behind.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
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
