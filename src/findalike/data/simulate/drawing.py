"""Flat drawing with smooth edges: polygons, discs, strokes and lettering on a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from findalike.data.simulate.palette import Colour
from findalike.types import Pixels

_BITS = 4


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is set in the one built-in typeface.

    Attributes:
        weight: added stroke as a share of the size, 0 regular to 0.09 black.
        slant: shear, 0.2 is a steep italic.
        stretch: width factor.
        tracking: space added between letters as a share of the size.
        outline: only the contour is drawn, this share of the size thick.
        upper: set in capitals.
    """

    weight: float = 0.0
    slant: float = 0.0
    stretch: float = 1.0
    tracking: float = 0.0
    outline: float = 0.0
    upper: bool = False


STYLES: dict[str, Style] = {
    "plain": Style(),
    "bold": Style(weight=0.035),
    "black": Style(weight=0.07, tracking=0.07, upper=True),
    "wide": Style(weight=0.02, stretch=1.35, tracking=0.16, upper=True),
    "spaced": Style(tracking=0.3, upper=True),
    "condensed": Style(weight=0.03, stretch=0.62, tracking=0.03, upper=True),
    "italic": Style(weight=0.03, slant=0.24),
    "racing": Style(weight=0.06, slant=0.3, stretch=1.15, tracking=0.06, upper=True),
    "outline": Style(weight=0.05, outline=0.035, tracking=0.1, upper=True),
    "tall": Style(weight=0.05, stretch=0.5, tracking=0.05, upper=True),
}

_SET_AT = 96


@lru_cache(maxsize=1024)
def lettering(text: str, style: Style) -> Pixels:
    """The text as a mask, cut to its ink, letters about 96 pixels high."""
    shown = text.upper() if style.upper else text
    font = ImageFont.load_default(_SET_AT)
    stroke = round(style.weight * _SET_AT)
    gap = style.tracking * _SET_AT
    margin = stroke + 8
    width = round(sum(font.getlength(c) + gap for c in shown)) + 2 * margin + _SET_AT // 2
    picture = Image.new("L", (max(width, 8), _SET_AT * 2))
    draw = ImageDraw.Draw(picture)
    x = float(margin)
    for letter in shown:
        draw.text((x, _SET_AT // 4), letter, fill=255, font=font, stroke_width=stroke)
        x += font.getlength(letter) + gap
    mask = np.array(picture)
    if style.outline:
        side = 2 * round(style.outline * _SET_AT) + 1
        inner = cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        mask = mask - np.minimum(inner, mask)
    height = mask.shape[0]
    shear = np.array([[style.stretch, -style.slant, style.slant * height], [0, 1, 0]])
    out_width = int(mask.shape[1] * style.stretch + style.slant * height) + 1
    mask = np.asarray(cv2.warpAffine(mask, shear, (out_width, height), flags=cv2.INTER_LINEAR))
    ys, xs = np.nonzero(mask > 8)
    if len(xs) == 0:
        return np.zeros((8, 8), dtype=np.uint8)
    return np.ascontiguousarray(mask[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1])


class Sheet:
    """An RGB picture to draw on; positions and sizes are in pixels."""

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self.pixels: Pixels = np.empty((height, width, 3), dtype=np.uint8)
        self.pixels[:] = colour

    @classmethod
    def of(cls, pixels: Pixels) -> Sheet:
        """A sheet that starts from a copy of a picture."""
        sheet = cls(1, 1, (0, 0, 0))
        sheet.pixels = np.ascontiguousarray(pixels[..., :3]).copy()
        return sheet

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    def polygon(self, points: ArrayLike, colour: Colour) -> None:
        """Fill a polygon, (k, 2) corners."""
        fixed = np.round((np.asarray(points, dtype=np.float64) - 0.5) * (1 << _BITS))
        cv2.fillPoly(
            self.pixels, [fixed.astype(np.int32)], colour, lineType=cv2.LINE_AA, shift=_BITS
        )

    def rectangle(self, x: float, y: float, w: float, h: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a disc."""
        self.ellipse(x, y, radius, radius, colour)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *, turn: float = 0.0
    ) -> None:
        """Fill an ellipse turned by ``turn`` degrees."""
        count = int(np.clip(max(rx, ry) * 1.6, 10, 56))
        self.polygon(ring(x, y, rx, ry, turn=turn, count=count), colour)

    def stroke(
        self, points: ArrayLike, thickness: float, colour: Colour, *, closed: bool = False
    ) -> None:
        """Draw a line through (k, 2) points."""
        fixed = np.round((np.asarray(points, dtype=np.float64) - 0.5) * (1 << _BITS))
        cv2.polylines(
            self.pixels,
            [fixed.astype(np.int32)],
            closed,
            colour,
            thickness=max(1, round(thickness)),
            lineType=cv2.LINE_AA,
            shift=_BITS,
        )

    def text(
        self,
        words: str,
        box: tuple[float, float, float, float],
        colour: Colour,
        style: Style,
        *,
        align: float = 0.5,
        turn: int = 0,
    ) -> None:
        """Set a text as large as it goes inside ``box`` (x, y, w, h).

        Args:
            words: the text.
            box: where it may go.
            colour: of the letters.
            style: see :class:`Style`.
            align: 0 left, 0.5 centred, 1 right.
            turn: quarter turns anticlockwise.
        """
        mask = np.rot90(lettering(words, style), turn)
        x, y, w, h = box
        scale = min(w / mask.shape[1], h / mask.shape[0])
        size = (max(round(mask.shape[1] * scale), 1), max(round(mask.shape[0] * scale), 1))
        small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA if scale < 1 else 1)
        left = round(x + (w - size[0]) * align)
        self.stamp(np.asarray(small), left, round(y + (h - size[1]) / 2), colour)

    def stamp(self, mask: Pixels, left: int, top: int, colour: Colour) -> None:
        """Print a colour through a mask whose corner lies at (left, top)."""
        y0, x0 = max(top, 0), max(left, 0)
        y1 = min(top + mask.shape[0], self.height)
        x1 = min(left + mask.shape[1], self.width)
        if y1 <= y0 or x1 <= x0:
            return
        share = mask[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.float32) / 255
        under = self.pixels[y0:y1, x0:x1].astype(np.float32)
        mixed = under + (np.array(colour, dtype=np.float32) - under) * share
        self.pixels[y0:y1, x0:x1] = np.round(mixed).astype(np.uint8)

    def paste(self, picture: Pixels, left: int, top: int) -> None:
        """Copy a picture whose corner lies at (left, top); what sticks out is cut."""
        y0, x0 = max(top, 0), max(left, 0)
        y1 = min(top + picture.shape[0], self.height)
        x1 = min(left + picture.shape[1], self.width)
        if y1 > y0 and x1 > x0:
            self.pixels[y0:y1, x0:x1] = picture[y0 - top : y1 - top, x0 - left : x1 - left]


def ring(
    x: float, y: float, rx: float, ry: float, *, turn: float = 0.0, count: int = 48
) -> NDArray[np.float64]:
    """Points on an ellipse, (count, 2)."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    px, py = rx * np.cos(angle), ry * np.sin(angle)
    a = np.radians(turn)
    return np.stack([x + px * np.cos(a) - py * np.sin(a), y + px * np.sin(a) + py * np.cos(a)], -1)


def star(
    x: float, y: float, radius: float, points: int, depth: float, *, turn: float = -90.0
) -> NDArray[np.float64]:
    """Corners of a star; ``depth`` is the inner radius as a share of the outer."""
    angle = np.radians(turn) + np.arange(2 * points) * np.pi / points
    r = np.where(np.arange(2 * points) % 2 == 0, radius, radius * depth)
    return np.stack([x + r * np.cos(angle), y + r * np.sin(angle)], axis=-1)


def arched(mask: Pixels, radius: float) -> Pixels:
    """A text mask bent upwards along a circle, like a rainbow.

    Args:
        mask: the straight text, (h, w).
        radius: of the circle along the middle of the letters, in pixels of ``mask``.
    """
    height, width = mask.shape
    half_angle = min(width / radius / 2, 2.6)
    out_w = int(2 * (radius + height) * np.sin(min(half_angle, np.pi / 2))) + 4
    out_h = int(radius * (1 - np.cos(half_angle)) + height * 1.6) + 4
    y, x = np.mgrid[0:out_h, 0:out_w].astype(np.float32)
    dx, dy = x - out_w / 2, y - height * 0.8 - radius
    source_x = np.arctan2(dx, -dy) * radius + width / 2
    source_y = radius - np.sqrt(dx * dx + dy * dy) + height / 2
    across, down = source_x.astype(np.float32), source_y.astype(np.float32)
    return np.asarray(cv2.remap(mask, across, down, cv2.INTER_LINEAR))


def blend(under: Pixels, over: Pixels, mask: NDArray[np.float32]) -> Pixels:
    """``over`` where the mask is 1, ``under`` where it is 0."""
    share = mask[..., None].astype(np.float32)
    return np.round(under * (1 - share) + over * share).astype(np.uint8)


def fit(picture: Pixels, width: int, height: int) -> Pixels:
    """The picture resized smoothly."""
    smaller = width * height < picture.shape[0] * picture.shape[1]
    mode = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=mode))


def points(
    values: Sequence[Sequence[float]], x: float, y: float, radius: float
) -> NDArray[np.float64]:
    """Corners given on the unit square from -1 to 1, placed at (x, y)."""
    return np.asarray(values, dtype=np.float64) * radius + (x, y)
