"""Printed and woven patterns that tile: stripes, dots, checks, flowers and more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.drawing import Sheet, blend, star
from findalike.data.simulate.icons import ICONS, Spot
from findalike.data.simulate.mesh import Floats
from findalike.data.simulate.palette import Colour, darker, lighter, mix
from findalike.data.simulate.textures import noise
from findalike.types import Pixels


@dataclass(frozen=True, slots=True)
class Swatch:
    """What a pattern is drawn with.

    Attributes:
        width, height: of the picture in pixels.
        base, accent: the two colours.
        across, down: how many repeats fit along each side.
        rng: for patterns with a random layout; the same state gives the same layout.
    """

    width: int
    height: int
    base: Colour
    accent: Colour
    across: int
    down: int
    rng: np.random.Generator


Pattern: TypeAlias = Callable[[Swatch], Pixels]


def _plane(s: Swatch) -> tuple[Floats, Floats]:
    """Coordinates counted in repeats, u to the right and v down."""
    v, u = np.mgrid[0 : s.height, 0 : s.width].astype(np.float32) + np.float32(0.5)
    across, down = np.float32(s.across / s.width), np.float32(s.down / s.height)
    return np.asarray(u * across), np.asarray(v * down)


def _soft(value: NDArray[np.floating], s: Swatch, per_repeat: float = 1.0) -> Floats:
    """1 where the value is above 0, with an edge one pixel wide."""
    pixel = per_repeat * max(s.across / s.width, s.down / s.height)
    return np.asarray(np.clip(value / pixel + 0.5, 0, 1), dtype=np.float32)


def _two(s: Swatch, mask: Floats) -> Pixels:
    # 256 mixtures looked up by an 8-bit mask: several times faster than mixing each pixel.
    share = np.arange(256, dtype=np.float32)[:, None] / 255
    first, second = (np.array(c, dtype=np.float32) for c in (s.base, s.accent))
    table = np.round(first * (1 - share) + second * share).astype(np.uint8)[None]
    index = np.round(mask * 255).astype(np.uint8)
    return np.asarray(cv2.LUT(cv2.merge([index, index, index]), table))


def _plain(s: Swatch) -> Pixels:
    return _two(s, np.zeros((s.height, s.width), dtype=np.float32))


def _stripes(s: Swatch) -> Pixels:
    _, v = _plane(s)
    return _two(s, _soft(0.25 - abs(v % 1 - 0.5), s))


def _pinstripes(s: Swatch) -> Pixels:
    u, _ = _plane(s)
    return _two(s, _soft(0.09 - abs((u * 2) % 1 - 0.5), s, 2))


def _diagonal(s: Swatch) -> Pixels:
    u, v = _plane(s)
    return _two(s, _soft(0.2 - abs((u + v) % 1 - 0.5), s, 1.4))


def _breton(s: Swatch) -> Pixels:
    """Thin stripes with wide gaps, and a broad band in the middle."""
    _, v = _plane(s)
    thin = _soft(0.13 - abs((v * 2) % 1 - 0.5), s, 2)
    band = _soft(0.11 * s.down - abs(v - 0.42 * s.down), s)
    return _two(s, np.maximum(thin, band))


def _dots(s: Swatch) -> Pixels:
    u, v = _plane(s)
    row = np.floor(v * 2)
    du = (u + 0.5 * (row % 2)) % 1 - 0.5
    dv = ((v * 2) % 1 - 0.5) / 2
    ratio = (s.height / s.down) / (s.width / s.across)
    return _two(s, _soft(0.19 - np.sqrt(du**2 + (dv * ratio) ** 2), s))


def _gingham(s: Swatch) -> Pixels:
    u, v = _plane(s)
    a = _soft(0.25 - abs(u % 1 - 0.5), s)
    b = _soft(0.25 - abs(v % 1 - 0.5), s)
    return _two(s, (a + b) * np.float32(0.5))


def _tartan(s: Swatch) -> Pixels:
    u, v = _plane(s)

    def band(t: Floats) -> Floats:
        t = t % 1
        wide = _soft(0.16 - abs(t - 0.35), s) * np.float32(0.55)
        thin = _soft(0.025 - abs(t - 0.75), s) + _soft(0.025 - abs(t - 0.85), s)
        return np.asarray(wide + thin * np.float32(0.8))

    ground = _two(s, np.clip((band(u) + band(v)) * np.float32(0.62), 0, 1))
    line = np.maximum(_soft(0.02 - abs(u % 1 - 0.35), s), _soft(0.02 - abs(v % 1 - 0.35), s))
    light = np.empty_like(ground)
    light[:] = lighter(s.accent, 0.6)
    return blend(ground, light, line * np.float32(0.7))


def _argyle(s: Swatch) -> Pixels:
    u, v = _plane(s)
    diamond = _soft(0.5 - abs(u % 1 - 0.5) - abs(v % 1 - 0.5), s, 1.4)
    picture = _two(s, diamond)
    line = np.maximum(
        _soft(0.02 - abs((u + v) % 1 - 0.5), s, 1.4), _soft(0.02 - abs((u - v) % 1 - 0.5), s, 1.4)
    )
    over = np.empty_like(picture)
    over[:] = lighter(mix(s.base, s.accent, 0.5), 0.55)
    return blend(picture, over, line)


def _zigzag(s: Swatch) -> Pixels:
    u, v = _plane(s)
    fold = abs((u * 2) % 1 - 0.5) * 0.7
    return _two(s, _soft(0.24 - abs((v + fold) % 1 - 0.5), s, 1.7))


def _waves(s: Swatch) -> Pixels:
    u, v = _plane(s)
    bend = 0.18 * np.sin(u * 2 * np.pi)
    return _two(s, _soft(0.2 - abs((v + bend) % 1 - 0.5), s, 1.6))


def _scales(s: Swatch) -> Pixels:
    u, v = _plane(s)
    mask = np.zeros_like(u)
    for k in range(3, -1, -1):
        row = np.floor(v * 2) - k + 2
        du = (u + 0.5 * (row % 2)) % 1 - 0.5
        dv = (v * 2 - row) / 2
        radius = np.sqrt(du**2 + (dv) ** 2)
        inside = _soft(0.5 - radius, s)
        rings = _soft(0.06 - abs((radius * 6) % 1 - 0.5) / 6, s)
        mask = mask * (1 - inside) + inside * rings
    return _two(s, np.asarray(mask, dtype=np.float32))


def _blocks(s: Swatch) -> Pixels:
    _, v = _plane(s)
    t = v / s.down
    picture = _two(s, _soft((t - 0.58) * s.down, s))
    over = np.empty_like(picture)
    over[:] = lighter(mix(s.base, s.accent, 0.5), 0.3)
    return blend(picture, over, _soft((0.07 - abs(t - 0.55)) * s.down, s))


def _fade(s: Swatch) -> Pixels:
    _, v = _plane(s)
    t = np.clip((v / s.down - 0.15) / 0.7, 0, 1)
    return _two(s, np.asarray(t * t * (3 - 2 * t), dtype=np.float32))


def _camo(s: Swatch) -> Pixels:
    picture = _plain(s)
    cells = (max(s.down, 2), max(s.across, 2))
    tones = (s.accent, darker(mix(s.base, s.accent, 0.5), 0.4), lighter(s.base, 0.3))
    for tone, level in zip(tones, (0.3, 0.75, 0.85), strict=True):
        field = noise(s.rng, s.height, s.width, cells, octaves=2)
        over = np.empty_like(picture)
        over[:] = tone
        picture = blend(picture, over, np.clip((field - level) * 12, 0, 1))
    return picture


def _marble(s: Swatch) -> Pixels:
    cells = (max(s.down, 2), max(s.across, 2))
    field = noise(s.rng, s.height, s.width, cells, octaves=3)
    vein = np.exp(-(field**2) / 0.02) + 0.35 * np.exp(-((field - 0.8) ** 2) / 0.05)
    return _two(s, np.clip(vein, 0, 1).astype(np.float32))


def _speckle(s: Swatch) -> Pixels:
    sheet = Sheet(s.width, s.height, s.base)
    count = 28 * s.across * s.down
    unit = min(s.width / s.across, s.height / s.down)
    for _ in range(count):
        x, y = s.rng.uniform(0, s.width), s.rng.uniform(0, s.height)
        r = unit * 0.012 * (1 + 3 * s.rng.random() ** 3)
        sheet.disc(x, y, r + 0.4, s.accent)
    return sheet.pixels


def _terrazzo(s: Swatch) -> Pixels:
    sheet = Sheet(s.width, s.height, s.base)
    unit = min(s.width / s.across, s.height / s.down)
    tones = (s.accent, darker(s.accent), mix(s.base, s.accent, 0.45), darker(s.base, 0.35))
    for k in range(7 * s.across * s.down):
        x, y = s.rng.uniform(0, s.width), s.rng.uniform(0, s.height)
        angle = np.sort(s.rng.uniform(0, 2 * np.pi, 5))
        r = unit * s.rng.uniform(0.05, 0.16)
        sheet.polygon(np.stack([x + r * np.cos(angle), y + r * np.sin(angle)], -1), tones[k % 4])
    return sheet.pixels


def _scattered(
    s: Swatch, draw: Callable[[Sheet, float, float, float, int], None], fill: float
) -> Pixels:
    """Motifs on a jittered lattice, repeated over the edges so that the picture tiles."""
    sheet = Sheet(s.width, s.height, s.base)
    unit_x, unit_y = s.width / s.across, s.height / s.down
    for row in range(s.down):
        for column in range(s.across):
            jitter = s.rng.uniform(-0.12, 0.12, 2)
            size = fill * min(unit_x, unit_y) * s.rng.uniform(0.85, 1.1)
            x = (column + 0.5 + 0.5 * (row % 2) + jitter[0]) * unit_x
            y = (row + 0.5 + jitter[1]) * unit_y
            turn = int(s.rng.integers(0, 360))
            for dx in (-s.width, 0, s.width):
                for dy in (-s.height, 0, s.height):
                    if -size < x + dx < s.width + size and -size < y + dy < s.height + size:
                        draw(sheet, x + dx, y + dy, size, turn)
    return sheet.pixels


def _floral(s: Swatch) -> Pixels:
    leaf = mix((66, 120, 60), s.base, 0.25)

    def bloom(sheet: Sheet, x: float, y: float, r: float, turn: int) -> None:
        for k in (40, 170, 285):
            t = np.radians(turn + k)
            sheet.ellipse(
                x + 1.1 * r * np.cos(t),
                y + 1.1 * r * np.sin(t),
                r * 0.55,
                r * 0.2,
                leaf,
                turn=turn + k,
            )
        for k in range(5):
            t = np.radians(turn + 72 * k)
            sheet.ellipse(
                x + 0.5 * r * np.cos(t),
                y + 0.5 * r * np.sin(t),
                r * 0.47,
                r * 0.34,
                s.accent,
                turn=turn + 72 * k,
            )
            sheet.ellipse(
                x + 0.36 * r * np.cos(t),
                y + 0.36 * r * np.sin(t),
                r * 0.22,
                r * 0.1,
                darker(s.accent, 0.22),
                turn=turn + 72 * k,
            )
        sheet.disc(x, y, r * 0.22, (236, 196, 84))

    return _scattered(s, bloom, 0.4)


def _leaves(s: Swatch) -> Pixels:
    def frond(sheet: Sheet, x: float, y: float, r: float, turn: int) -> None:
        t = np.radians(turn)
        axis = np.array([np.cos(t), np.sin(t)])
        across = np.array([-axis[1], axis[0]])
        sheet.stroke([(x, y) - axis * r, (x, y) + axis * r], r * 0.07, s.accent)
        for k in (-0.6, -0.2, 0.2, 0.6):
            for side, angle in ((1, 50), (-1, -50)):
                centre = (x, y) + axis * r * (k + 0.15) + across * side * r * 0.3
                sheet.ellipse(centre[0], centre[1], r * 0.34, r * 0.13, s.accent, turn=turn + angle)

    return _scattered(s, frond, 0.52)


def _stars(s: Swatch) -> Pixels:
    def one(sheet: Sheet, x: float, y: float, r: float, turn: int) -> None:
        sheet.polygon(star(x, y, r, 5, 0.42, turn=turn), s.accent)

    return _scattered(s, one, 0.3)


def _motifs(name: str) -> Pattern:
    def pattern(s: Swatch) -> Pixels:
        def one(sheet: Sheet, x: float, y: float, r: float, turn: int) -> None:
            ICONS[name](sheet, Spot(x, y, r, s.accent, s.base))

        return _scattered(s, one, 0.34)

    return pattern


PATTERNS: dict[str, Pattern] = {
    "plain": _plain,
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "diagonal": _diagonal,
    "breton": _breton,
    "dots": _dots,
    "gingham": _gingham,
    "tartan": _tartan,
    "argyle": _argyle,
    "zigzag": _zigzag,
    "waves": _waves,
    "scales": _scales,
    "blocks": _blocks,
    "fade": _fade,
    "camo": _camo,
    "marble": _marble,
    "speckle": _speckle,
    "terrazzo": _terrazzo,
    "floral": _floral,
    "leaves": _leaves,
    "stars": _stars,
    "hearts": _motifs("Heart"),
    "anchors": _motifs("Anchor"),
    "cacti": _motifs("Cactus"),
}


_REPEATING = frozenset(
    (
        "stripes",
        "pinstripes",
        "diagonal",
        "dots",
        "gingham",
        "tartan",
        "argyle",
        "zigzag",
        "waves",
        "scales",
    )
)


def swatch(
    name: str,
    size: tuple[int, int],
    colours: tuple[Colour, Colour],
    repeats: tuple[int, int],
    rng: np.random.Generator,
) -> Pixels:
    """Draw a pattern; what repeats exactly is drawn once and laid out.

    Args:
        name: one of :data:`PATTERNS`.
        size: width and height in pixels.
        colours: base and accent.
        repeats: how often it repeats along the width and the height.
        rng: for a random layout.
    """
    width, height = size
    across, down = repeats
    if name not in _REPEATING:
        return PATTERNS[name](Swatch(width, height, *colours, across, down, rng))
    cell = Swatch(-(-width // across), -(-height // down), *colours, 1, 1, rng)
    whole = np.tile(PATTERNS[name](cell), (down, across, 1))
    if whole.shape[:2] == (height, width):
        return whole
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))
