"""From the bytes of an image file to upright sRGB pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from findalike.data.colour import flattened, to_srgb
from findalike.data.containers import (
    ALLOWED,
    READERS,
    image_format,
    orientation,
    other_kind,
)
from findalike.errors import ImageError, SettingError
from findalike.types import Pixels

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MOST_PIXELS = 89_000_000
"""Above some 89 million pixels Pillow warns of a decompression bomb, and later refuses."""

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What one image may cost; sizes are checked in its header, before memory is taken.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width times height, at most `MOST_PIXELS`. The default holds the 48-megapixel
            photos of today's phones; preparing one of those takes 20 MB as a JPEG, 160 MB as a
            progressive one, 250 to 450 MB as a PNG or TIFF, and 750 MB as a WebP.
        max_side: longer side in pixels.

    Raises:
        SettingError: if a limit is below 1, or ``max_pixels`` above `MOST_PIXELS`.
    """

    max_bytes: int = 32_000_000
    max_pixels: int = 50_000_000
    max_side: int = 20_000

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels", "max_side"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is {getattr(self, name)}: it must be 1 or more")
        if self.max_pixels > MOST_PIXELS:
            raise SettingError(
                f"max_pixels is {self.max_pixels:,}: it must be at most {MOST_PIXELS:,}"
            )


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """An image whose header was read and whose pixels were not.

    Attributes:
        image: as stored: neither decoded nor upright nor in sRGB.
        orientation: EXIF orientation, 1 to 8.
        icc: its colour profile, or None.
    """

    image: ImageFile
    orientation: int
    icc: bytes | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        width, height = self.image.size
        return (height, width) if self.orientation >= 5 else (width, height)


def decode(data: bytes, *, name: str, limits: ImageLimits | None = None) -> Pixels:
    """Decode one image: upright, in sRGB, transparency laid on white, the first frame of several.

    Safe to call from many threads at once; most of the work runs without Python's lock.

    Args:
        data: a whole file, whose format is told by its content.
        name: what error messages call it, such as its path.
        limits: what it may cost; by default `ImageLimits` as it is.

    Returns:
        Pixels of shape (height, width, 3), uint8, writable.

    Raises:
        ImageError: if it is not an image of an allowed format, is damaged or cut short, or is
            beyond the limits.
    """
    opened = open_image(data, name=name, limits=limits)
    with translated(name, opened.image.format):
        opened.image.load()
        return np.array(upright(to_srgb(flattened(opened.image), opened.icc), opened.orientation))


def open_image(data: bytes, *, name: str, limits: ImageLimits | None = None) -> OpenedImage:
    """Read the header of an image and hold it against the limits.

    Raises:
        ImageError: see `decode`.
    """
    limits = limits or ImageLimits()
    if not data:
        raise ImageError(f"{name}: the file is empty (0 bytes); allowed are {ALLOWED} files")
    check_bytes(len(data), name=name, limits=limits)
    kind = image_format(data)
    if kind is None:
        raise ImageError(_unknown(data, name))
    with translated(name, kind):
        container = READERS[kind](data)
        if container.width is not None and container.height is not None:
            _check_size(container.width, container.height, name=name, limits=limits)
        image = _plugin(kind)(io.BytesIO(container.data))
    _check_size(*image.size, name=name, limits=limits)
    turned = container.orientation
    if kind == "AVIF":
        turned = orientation(image.info.get("exif", b""))
    return OpenedImage(image, turned, container.icc or image.info.get("icc_profile"))


def check_bytes(size: int, *, name: str, limits: ImageLimits) -> None:
    """Hold the size of a file against the limits.

    Raises:
        ImageError: if it is larger.
    """
    if size > limits.max_bytes:
        raise ImageError(
            f"{name}: {size:,} bytes, and {limits.max_bytes:,} are allowed: save it smaller, "
            f"or raise max_bytes"
        )


@contextmanager
def translated(name: str, kind: str | None) -> Iterator[None]:
    """Turn whatever a decoder raises into an error that names the file.

    Raises:
        ImageError: for any other exception from within.
    """
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(
            f"{name}: not enough memory to decode this {kind} image: save it smaller, "
            f"or lower max_pixels so that such images are refused"
        ) from error
    except Exception as error:  # decoders raise anything on damaged files, down to AttributeError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(
            f"{name}: a damaged or cut off {kind} image ({reason[:200]}): "
            f"send it again, or open it in an image editor and save it anew"
        ) from error


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as its EXIF orientation says to show it."""
    method = _TRANSPOSITIONS.get(orientation)
    return image if method is None else image.transpose(method)


def _check_size(width: int, height: int, *, name: str, limits: ImageLimits) -> None:
    if min(width, height) < 1:
        raise ImageError(f"{name}: {width} x {height} pixels: each side must be 1 or more")
    if max(width, height) > limits.max_side:
        raise ImageError(
            f"{name}: {width:,} x {height:,} pixels, and a side may have {limits.max_side:,}: "
            f"save it smaller, or raise max_side"
        )
    if width * height > limits.max_pixels:
        raise ImageError(
            f"{name}: {width:,} x {height:,} pixels, and {limits.max_pixels:,} are allowed "
            f"in all: save it smaller, or raise max_pixels"
        )


def _unknown(data: bytes, name: str) -> str:
    kind = other_kind(data)
    found = f"this is {kind}" if kind else f"no image, it begins with {data[:8].hex(' ')}"
    return f"{name}: {found}; allowed are {ALLOWED} files: save it as JPEG or PNG"


@cache
def _plugin(kind: str) -> type[ImageFile]:
    """Pillow's reader of one format.

    `Image.open` would pick it by itself, but it also warns of large images through filters that
    belong to the whole process.
    """
    from PIL import (  # noqa: PLC0415 - 25 ms that only reading an image should cost
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    plugins: dict[str, type[ImageFile]] = {
        "AVIF": AvifImagePlugin.AvifImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
    }
    return plugins[kind]
