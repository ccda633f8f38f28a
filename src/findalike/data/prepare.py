"""From the bytes of a photo to the square picture an encoder sees: the one definition of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from findalike.data.colour import flattened, to_srgb
from findalike.data.images import ImageLimits, OpenedImage, open_image, translated, upright
from findalike.types import Box, InputSpec, Pixels

SMALL_SIDE = 32
"""Crops with a shorter side are prepared with a warning: little is left to recognise."""

DRAFT_GAP = 1.75
"""How many times larger than the result a JPEG's reduced decoding must stay.

A photo of 1,600 x 1,200 pixels becomes a picture of 224 in 6 ms of CPU instead of 16 in full and 10
at a gap of 2.5; the picture differs by 0.34/255 from that of the photo decoded in full, and the
cosine of their embeddings is 0.9995, at worst 0.9990 (`benchmarks/decoding.py`).
"""

_DRAFT_STEPS = (4, 2)  # an eighth, which JPEG offers too, keeps but the mean of each block

REDUCING_GAP = 3.0
"""The same for the reduction by whole factors before the filter, which other formats get."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an encoder is given for one photo, and what became of the box.

    Attributes:
        pixels: shape (size, size, 3), uint8, sRGB.
        box: the box in pixels of the upright image, clipped to it and without the context margin;
            the whole image if no box was given.
        width: width of the upright image in pixels.
        height: its height.
        warnings: sentences for the person who chose the photo and the box.
    """

    pixels: Pixels
    box: Box
    width: int
    height: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A region of the upright image (left, top, right, bottom) and the size it is scaled to."""

    region: tuple[float, float, float, float]
    size: tuple[int, int]


def prepare(
    data: bytes,
    spec: InputSpec,
    *,
    name: str,
    box: Box | None = None,
    limits: ImageLimits | None = None,
) -> Prepared:
    """Cut out the box with its context margin and scale it to the square an encoder sees.

    The scaling is bicubic with antialiasing, from fractions of pixels. A large JPEG is decoded at
    a half or a quarter of its size as long as the crop stays `DRAFT_GAP` times larger than the
    result. Safe to call from many threads at once; most of the work runs without
    Python's lock.

    Args:
        data: a whole image file.
        spec: what the encoder wants.
        name: what error messages call the file.
        box: in pixels of the upright image, that is after its EXIF orientation was applied.
        limits: what the image may cost.

    Raises:
        ImageError: see `findalike.data.images.decode`.
        BoxError: if the box and the image have no pixel in common.
    """
    opened = open_image(data, name=name, limits=limits)
    width, height = opened.size
    used = box.clipped(width, height) if box else Box(0.0, 0.0, float(width), float(height))
    margin = spec.context * max(used.w, used.h) if box else 0.0
    plan = _plan(_region(used, margin, width, height), spec)
    with translated(name, opened.image.format):
        picture = _scaled(opened, plan)
    warnings = _warnings(box, used, width, height)
    return Prepared(_on_square(picture, spec), used, width, height, warnings)


def _region(box: Box, margin: float, width: int, height: int) -> tuple[float, float, float, float]:
    """The box grown by the margin, within the image, and at least a pixel wide and high."""
    left, right = _span(box.x - margin, box.x + box.w + margin, width)
    top, bottom = _span(box.y - margin, box.y + box.h + margin, height)
    return left, top, right, bottom


def _span(start: float, end: float, length: int) -> tuple[float, float]:
    start, end = max(start, 0.0), min(end, float(length))
    if end - start < 1.0:
        start = min(max((start + end - 1.0) / 2, 0.0), length - 1.0)
        end = start + 1.0
    return start, end


def _plan(region: tuple[float, float, float, float], spec: InputSpec) -> _Plan:
    left, top, right, bottom = region
    width, height = right - left, bottom - top
    if spec.resize == "pad":
        scale = spec.size / max(width, height)
        return _Plan(region, (max(1, round(width * scale)), max(1, round(height * scale))))
    if spec.resize == "crop":
        side = min(width, height)
        left, top = left + (width - side) / 2, top + (height - side) / 2
        region = left, top, left + side, top + side
    return _Plan(region, (spec.size, spec.size))


def _scaled(opened: OpenedImage, plan: _Plan) -> Image.Image:
    """Decode no more than needed, and do what costs time a pixel on the small result."""
    image, turned = opened.image, opened.orientation
    region = _as_stored(plan.region, turned, *opened.size)
    size = plan.size if turned < 5 else plan.size[::-1]
    factor = _drafted(opened, region, size)
    image.load()
    box = tuple(edge / factor for edge in region)
    picture = flattened(image).resize(
        size,
        Image.Resampling.BICUBIC,
        (box[0], box[1], min(box[2], image.width), min(box[3], image.height)),
        REDUCING_GAP,
    )
    return upright(to_srgb(picture, opened.icc), turned)


def _drafted(
    opened: OpenedImage, region: tuple[float, float, float, float], size: tuple[int, int]
) -> float:
    """Have a JPEG decoded at a fraction of its size where the region allows; the divisor."""
    image = opened.image
    if image.format != "JPEG":
        return 1.0
    room = min((region[2] - region[0]) / size[0], (region[3] - region[1]) / size[1]) / DRAFT_GAP
    divisor = next((step for step in _DRAFT_STEPS if step <= room), 1)
    if divisor == 1:
        return 1.0
    full = image.width
    drafted = image.draft(None, (full // divisor, image.height // divisor))
    # The edge of the last whole pixel, where the size is no multiple of the divisor.
    return 1.0 if drafted is None else full / drafted[1][2]


def _as_stored(
    region: tuple[float, float, float, float], orientation: int, width: int, height: int
) -> tuple[float, float, float, float]:
    """A region of the upright image, of ``width`` x ``height`` pixels, in the stored one."""
    left, top, right, bottom = region
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    return (left, top, right, bottom) if orientation < 5 else (top, left, bottom, right)


def _on_square(picture: Image.Image, spec: InputSpec) -> Pixels:
    """The picture in the middle of a square of the fill colour."""
    if picture.size == (spec.size, spec.size):
        return np.array(picture)
    square = np.full((spec.size, spec.size, 3), spec.fill, np.uint8)
    left, top = (spec.size - picture.width) // 2, (spec.size - picture.height) // 2
    square[top : top + picture.height, left : left + picture.width] = np.asarray(picture)
    return square


def _warnings(box: Box | None, used: Box, width: int, height: int) -> tuple[str, ...]:
    warnings = []
    if box is not None and box != used:
        warnings.append(
            f"the box {box} reaches outside the image, which is {width} x {height} pixels: "
            f"it was cut to {used}"
        )
    if min(used.w, used.h) < SMALL_SIDE:
        what = "box" if box else "image"
        warnings.append(
            f"the {what} is only {used.w:.4g} x {used.h:.4g} pixels: under {SMALL_SIDE} pixels "
            f"a side there is little to recognise"
        )
    return tuple(warnings)
