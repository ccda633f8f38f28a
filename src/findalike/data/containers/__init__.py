"""The files images come in: what their headers say, read before any pixel is decoded.

Pillow decodes the pixels. What surrounds them is read here, in bounded time and without a warning,
because it must be known before memory is taken, and because Pillow warns about damaged metadata
through the `warnings` module, whose filters belong to the whole process.
"""

from __future__ import annotations

from collections.abc import Callable

from findalike.data.containers.avif import read_avif
from findalike.data.containers.base import Container
from findalike.data.containers.bmp import read_bmp
from findalike.data.containers.exif import orientation
from findalike.data.containers.gif import read_gif
from findalike.data.containers.jpeg import read_jpeg
from findalike.data.containers.png import read_png
from findalike.data.containers.sniff import ALLOWED, image_format, other_kind
from findalike.data.containers.tiff import read_tiff
from findalike.data.containers.webp import read_webp

__all__ = [
    "ALLOWED",
    "READERS",
    "Container",
    "image_format",
    "orientation",
    "other_kind",
]

READERS: dict[str, Callable[[bytes], Container]] = {
    "AVIF": read_avif,
    "BMP": read_bmp,
    "GIF": read_gif,
    "JPEG": read_jpeg,
    "PNG": read_png,
    "TIFF": read_tiff,
    "WEBP": read_webp,
}
