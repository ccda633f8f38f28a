"""Small pictures with boxes drawn on them, and JPEG data URIs that a page carries inside."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image, ImageDraw

from findalike.types import Box, Pixels

THUMBNAIL_SIDE = 160
THUMBNAIL_BYTES = 9_000
# A box must show on any photo: a dark line under a bright one.
_BOX_OUTER = (20, 20, 24)
_BOX_INNER = (255, 214, 10)
_QUALITIES = (84, 72, 58, 42, 26, 12)


def thumbnail(pixels: Pixels, *, box: Box | None = None, side: int = THUMBNAIL_SIDE) -> Pixels:
    """Scale a photo to fit a square and draw its box; small photos are not blown up.

    Args:
        pixels: uint8 (height, width, 3).
        box: in pixels of the photo; the part outside it is not drawn. None draws nothing.
        side: longest side of the result in pixels.
    """
    image = Image.fromarray(pixels)
    width, height = image.size
    scale = min(1.0, side / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if box is not None:
        _draw_box(image, box, (size[0] / width, size[1] / height))
    return np.asarray(image)


def jpeg_data_uri(pixels: Pixels, *, max_bytes: int = THUMBNAIL_BYTES) -> str:
    """Encode a picture for ``src="…"``, as good as ``max_bytes`` allows.

    Pictures of a page are many, and one of pure noise takes five times the bytes of a product
    photo: quality is lowered step by step until the picture fits, or the lowest is reached.
    """
    image = Image.fromarray(pixels)
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        data = buffer.getvalue()
        if len(data) <= max_bytes:
            break
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def _draw_box(image: Image.Image, box: Box, scale: tuple[float, float]) -> None:
    width, height = image.size
    left, right = (round(x * scale[0]) for x in (box.x, box.x + box.w))
    top, bottom = (round(y * scale[1]) for y in (box.y, box.y + box.h))
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return
    line = max(2, round(max(width, height) / 110))
    corners = [
        max(left, 0),
        max(top, 0),
        max(min(right, width) - 1, left, 0),
        max(min(bottom, height) - 1, top, 0),
    ]
    pen = ImageDraw.Draw(image)
    pen.rectangle(corners, outline=_BOX_OUTER, width=line + 2)
    inset = [corners[0] + 1, corners[1] + 1, corners[2] - 1, corners[3] - 1]
    if inset[2] > inset[0] and inset[3] > inset[1]:
        pen.rectangle(inset, outline=_BOX_INNER, width=line)
