"""Parts of a photo as the encoder would be given them, before they are laid on their square."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from findalike.data.images import open_image
from findalike.data.prepare import prepare
from findalike.types import Box, InputSpec, Pixels


class Part(NamedTuple):
    """A part of a picture, as shares of its width and height."""

    x: float
    y: float
    w: float
    h: float


WHOLE = Part(0.0, 0.0, 1.0, 1.0)


def read_part(
    data: bytes, spec: InputSpec, *, name: str, box: Box | None, part: Part = WHOLE
) -> Pixels:
    """A part of what the encoder sees of a photo, as `prepare` would show it, without padding.

    The part is cut from the photo in its full resolution, not from the small square.

    Args:
        data: an image file.
        spec: of the encoder; ``fill`` has no effect.
        name: what error messages call the file.
        box: of the product.
        part: of the region that `prepare` takes, which is the box with its context, or the photo.

    Returns:
        uint8 (h, w, 3): the longer side is ``spec.size`` where the spec pads; both are otherwise.

    Raises:
        ImageError: if it is not an image.
        BoxError: if the box and the image have no pixel in common.
    """
    width, height = open_image(data, name=name).size
    region = _region(spec, box, width, height)
    wanted = Box(
        region.x + part.x * region.w,
        region.y + part.y * region.h,
        part.w * region.w,
        part.h * region.h,
    )
    padded = spec.resize == "pad"
    bare = InputSpec(spec.size, "pad" if padded else "stretch", 0.0, spec.fill)
    square = prepare(data, bare, name=name, box=wanted)
    return _without_padding(square.pixels, square.box) if padded else square.pixels


def read_region(data: bytes, spec: InputSpec, side: int, *, name: str, box: Box | None) -> Pixels:
    """All that the encoder would see of a photo, in its own proportions and at most ``side`` long.

    A smaller photo is not enlarged.

    Returns:
        uint8 (h, w, 3), the longer side at most ``side``.

    Raises:
        ImageError: if it is not an image.
        BoxError: if the box and the image have no pixel in common.
    """
    width, height = open_image(data, name=name).size
    region = _region(spec, box, width, height)
    side = max(min(side, math.ceil(max(region.w, region.h))), 1)
    square = prepare(data, InputSpec(side, "pad"), name=name, box=region)
    return _without_padding(square.pixels, square.box)


def cut_part(picture: Pixels, spec: InputSpec, part: Part) -> Pixels:
    """The same as `read_part`, from a picture that `read_region` made.

    Returns:
        uint8 (h, w, 3), of the size that `read_part` gives but for rounding.
    """
    height, width = picture.shape[:2]
    edges = (
        part.x * width,
        part.y * height,
        min((part.x + part.w) * width, width),
        min((part.y + part.h) * height, height),
    )
    size = (spec.size, spec.size)
    if spec.resize == "pad":
        scale = spec.size / max(edges[2] - edges[0], edges[3] - edges[1])
        size = (
            max(1, min(round((edges[2] - edges[0]) * scale), spec.size)),
            max(1, min(round((edges[3] - edges[1]) * scale), spec.size)),
        )
    if part == WHOLE and size == (width, height):
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC, edges))


def on_square(content: Pixels, spec: InputSpec) -> Pixels:
    """A picture in the middle of its square, as `prepare` lays it."""
    height, width = content.shape[:2]
    if height == width == spec.size:
        return content
    square = np.full((spec.size, spec.size, 3), spec.fill, np.uint8)
    left, top = (spec.size - width) // 2, (spec.size - height) // 2
    square[top : top + height, left : left + width] = content
    return square


def _region(spec: InputSpec, box: Box | None, width: int, height: int) -> Box:
    """What `prepare` takes of a photo: the box with its context, or all; its middle for "crop"."""
    region = Box(0.0, 0.0, float(width), float(height))
    if box is not None:
        used = box.clipped(width, height)
        margin = spec.context * max(used.w, used.h)
        grown = Box(used.x - margin, used.y - margin, used.w + 2 * margin, used.h + 2 * margin)
        region = grown.clipped(width, height)
    if spec.resize == "crop":
        side = min(region.w, region.h)
        x, y = region.x + (region.w - side) / 2, region.y + (region.h - side) / 2
        region = Box(x, y, side, side)
    return region


def _without_padding(square: Pixels, box: Box) -> Pixels:
    size = square.shape[0]
    # A box thinner than a pixel was widened to one.
    w, h = max(box.w, 1.0), max(box.h, 1.0)
    scale = size / max(w, h)
    width, height = max(1, round(w * scale)), max(1, round(h * scale))
    left, top = (size - width) // 2, (size - height) // 2
    return np.ascontiguousarray(square[top : top + height, left : left + width])
