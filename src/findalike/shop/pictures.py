"""Pictures of the shop made small, for pages."""

from __future__ import annotations

import io
from typing import Literal, TypeAlias

from PIL import Image

from findalike.data.colour import flattened, to_srgb
from findalike.data.images import ImageLimits, open_image, translated, upright

PictureFormat: TypeAlias = Literal["WEBP", "JPEG"]

DRAFT_GAP = 2
"""How many times larger than wanted a JPEG's reduced decoding stays, for the sake of sharpness."""

_QUALITY = {"WEBP": 78, "JPEG": 82}


def small_picture(
    data: bytes,
    width: int,
    *,
    kind: PictureFormat,
    name: str,
    limits: ImageLimits | None = None,
) -> bytes:
    """A picture made smaller, upright and in sRGB, with nothing of its metadata.

    Args:
        data: a whole image file.
        width: in pixels; a narrower picture keeps its own.
        kind: format of the result.
        name: what error messages call it.
        limits: what the image may cost.

    Raises:
        ImageError: if it cannot be decoded, or is beyond the limits.
    """
    opened = open_image(data, name=name, limits=limits)
    full_width, full_height = opened.size
    wide = min(width, full_width)
    size = (wide, max(1, round(full_height * wide / full_width)))
    stored = size if opened.orientation < 5 else size[::-1]
    with translated(name, opened.image.format):
        if opened.image.format == "JPEG":
            opened.image.draft(None, (stored[0] * DRAFT_GAP, stored[1] * DRAFT_GAP))
        opened.image.load()
        picture = flattened(opened.image).resize(stored, Image.Resampling.BICUBIC, reducing_gap=3.0)
        picture = upright(to_srgb(picture, opened.icc), opened.orientation)
        packed = io.BytesIO()
        if kind == "WEBP":
            picture.save(packed, "WEBP", quality=_QUALITY[kind], method=2)
        else:
            picture.save(packed, "JPEG", quality=_QUALITY[kind], progressive=True)
    return packed.getvalue()
