"""What user photos are taken on and against: tables, floors, beds, lawns, walls, rooms.

Each surface is a picture that tiles, in a few variants drawn once and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.drawing import Sheet, blend
from findalike.data.simulate.palette import COLOURS, Colour, darker, lighter, mix
from findalike.data.simulate.patterns import swatch
from findalike.data.simulate.textures import noise, relief
from findalike.types import Pixels

VARIANTS = 5
_SIDE = 512
_STREAM = 0x5F1


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A picture of a surface that tiles.

    Attributes:
        name: of its kind.
        albedo: (s, s, 3) sRGB.
        size: side of one tile in cm.
        gloss: how much it mirrors the light, 0-1.
    """

    name: str
    albedo: Pixels
    size: float
    gloss: float


def _toned(field: NDArray[np.floating], dark: Colour, light: Colour) -> Pixels:
    """Colours from dark to light by a field with standard deviation about 1."""
    share = np.clip(field * 0.22 + 0.5, 0, 1)[..., None]
    a, b = np.array(dark, dtype=np.float32), np.array(light, dtype=np.float32)
    return np.asarray(a + (b - a) * share).astype(np.uint8)


def _pick(rng: np.random.Generator, choices: tuple[Colour, ...]) -> Colour:
    return choices[int(rng.integers(len(choices)))]


def _grain(rng: np.random.Generator, tone: Colour) -> Pixels:
    warp = noise(rng, _SIDE, _SIDE, (4, 2), octaves=2)
    y = np.arange(_SIDE, dtype=np.float32)[:, None] / _SIDE
    rings = np.sin((y * 9 + warp * 0.55) * 2 * np.pi) + 0.5 * np.sin((y * 23 + warp) * 2 * np.pi)
    fine = noise(rng, _SIDE, _SIDE, (200, 5), octaves=2)
    pores = np.minimum(noise(rng, _SIDE, _SIDE, (256, 24)) + 1.2, 0)
    return _toned(0.5 * rings + 0.6 * fine + 1.2 * pores, darker(tone, 0.26), lighter(tone, 0.16))


_TIMBER = ((150, 104, 66), (112, 74, 46), (182, 140, 96), (206, 176, 138), (84, 58, 42))


def _table(rng: np.random.Generator) -> Surface:
    return Surface("wood table", _grain(rng, _pick(rng, _TIMBER)), 38, 0.25)


def _planks(rng: np.random.Generator) -> Surface:
    tone = _pick(rng, _TIMBER)
    sheet = Sheet(_SIDE, _SIDE, tone)
    rows = 5
    height = _SIDE // rows
    for row in range(rows + 1):
        art = _grain(rng, mix(tone, (30, 20, 14), float(rng.uniform(0, 0.25))))
        strip = np.roll(art, int(rng.integers(_SIDE)), axis=1)[:height]
        sheet.paste(strip, 0, row * height)
        sheet.rectangle(0, row * height - 1, _SIDE, 3, darker(tone, 0.7))
        x = int(rng.integers(_SIDE))
        sheet.rectangle(x, row * height, 3, height, darker(tone, 0.6))
    return Surface("wood floor", sheet.pixels, 75, 0.2)


def _tiles(rng: np.random.Generator) -> Surface:
    tone = _pick(
        rng, ((206, 200, 190), (160, 156, 150), (110, 106, 104), (190, 160, 132), (226, 226, 222))
    )
    stone = noise(rng, _SIDE, _SIDE, (6, 6), octaves=4)
    picture = _toned(stone, darker(tone, 0.12), lighter(tone, 0.12))
    sheet = Sheet.of(picture)
    count = int(rng.choice([2, 3]))
    for k in range(count):
        for j in range(count):
            x, y, s = k * _SIDE / count, j * _SIDE / count, _SIDE / count
            shade = float(rng.uniform(0.94, 1.05))
            cell = sheet.pixels[int(y) : int(y + s), int(x) : int(x + s)]
            cell[:] = np.clip(cell * shade, 0, 255).astype(np.uint8)
    grout = darker(tone, 0.35) if sum(tone) > 400 else lighter(tone, 0.3)
    for k in range(count + 1):
        sheet.rectangle(k * _SIDE / count - 3, 0, 6, _SIDE, grout)
        sheet.rectangle(0, k * _SIDE / count - 3, _SIDE, 6, grout)
    return Surface("tiled floor", sheet.pixels, 60, 0.4)


def _grass(rng: np.random.Generator) -> Surface:
    sheet = Sheet(_SIDE, _SIDE, (48, 62, 26))
    tones = ((70, 104, 36), (96, 132, 48), (58, 88, 34), (128, 150, 66), (84, 112, 42))
    count = 5200
    at = rng.uniform(0, _SIDE, (count, 2))
    lean = rng.normal(0, 9, (count, 2))
    for k in range(count):
        x, y = at[k]
        tip = (x + lean[k, 0], y - 12 + lean[k, 1])
        for dx in (0, -_SIDE) if x > _SIDE - 20 else (0,):
            sheet.stroke([(x + dx, y), (tip[0] + dx, tip[1])], 2, tones[k % 5])
    return Surface("grass", sheet.pixels, 45, 0.0)


def _concrete(rng: np.random.Generator) -> Surface:
    tone = _pick(rng, ((150, 148, 144), (120, 118, 116), (176, 172, 164)))
    field = noise(rng, _SIDE, _SIDE, (4, 4), octaves=5) + 0.4 * noise(rng, _SIDE, _SIDE, (200, 200))
    return Surface("concrete", _toned(field, darker(tone, 0.2), lighter(tone, 0.15)), 60, 0.05)


def _marble_top(rng: np.random.Generator) -> Surface:
    tone = _pick(rng, ((232, 230, 226), (60, 62, 66), (214, 204, 190)))
    field = noise(rng, _SIDE, _SIDE, (3, 3), octaves=5)
    vein = np.clip(
        np.exp(-(field**2) / 0.006) * 0.6 + 0.18 * np.exp(-((field - 0.6) ** 2) / 0.02), 0, 1
    )
    ground = _toned(
        noise(rng, _SIDE, _SIDE, (3, 3), octaves=3), darker(tone, 0.06), lighter(tone, 0.06)
    )
    line = np.empty_like(ground)
    line[:] = darker(tone, 0.5) if sum(tone) > 400 else lighter(tone, 0.55)
    return Surface("marble", blend(ground, line, vein.astype(np.float32)), 55, 0.5)


def _laminate(rng: np.random.Generator) -> Surface:
    tone = _pick(
        rng, ((236, 234, 230), (214, 206, 192), (70, 70, 74), (188, 196, 200), (40, 42, 46))
    )
    field = noise(rng, _SIDE, _SIDE, (200, 200)) * 0.4
    return Surface("desk", _toned(field, darker(tone, 0.04), lighter(tone, 0.04)), 40, 0.35)


def _lit(albedo: Pixels, slope: NDArray[np.floating], strength: float) -> Pixels:
    """The picture shaded by its relief, as if lit from the upper left."""
    shade = 1 - strength * (slope[..., 0] * 0.7 + slope[..., 1] * 0.7)
    return np.clip(albedo * np.clip(shade, 0.45, 1.35)[..., None], 0, 255).astype(np.uint8)


_BEDDING = ("white", "cream", "grey", "sky", "navy", "sand", "pink", "teal", "mint", "charcoal")


def _bedding(rng: np.random.Generator) -> Surface:
    names = list(rng.permutation(len(_BEDDING))[:2])
    base, accent = (COLOURS[_BEDDING[k]] for k in names)
    pattern = str(
        rng.choice(["plain", "plain", "stripes", "gingham", "dots", "leaves", "pinstripes"])
    )
    art = swatch(pattern, (_SIDE, _SIDE), (base, mix(base, accent, 0.7)), (10, 10), rng)
    folds = noise(rng, _SIDE, _SIDE, (3, 4), octaves=2)
    ridge = np.sqrt(folds**2 + 0.15)
    slope = np.stack(
        [
            np.roll(ridge, -2, 1) - np.roll(ridge, 2, 1),
            np.roll(ridge, -2, 0) - np.roll(ridge, 2, 0),
        ],
        -1,
    )
    weave = np.tile(relief("canvas"), (2, 2, 1))
    return Surface("bed", _lit(_lit(art, slope, 2.2), weave, 0.12), 110, 0.0)


def _carpet(rng: np.random.Generator) -> Surface:
    names = list(rng.permutation(len(_BEDDING))[:2])
    base, accent = (darker(COLOURS[_BEDDING[k]], 0.15) for k in names)
    pattern = str(
        rng.choice(["plain", "plain", "zigzag", "argyle", "stripes", "terrazzo", "scales"])
    )
    art = swatch(pattern, (_SIDE, _SIDE), (base, accent), (4, 4), rng)
    pile = noise(rng, _SIDE, _SIDE, (170, 170), octaves=2)
    slope = np.stack([np.roll(pile, -1, 1) - pile, np.roll(pile, -1, 0) - pile], -1)
    return Surface("carpet", _lit(art, slope, 0.2), 100, 0.0)


def _tablecloth(rng: np.random.Generator) -> Surface:
    names = list(rng.permutation(len(_BEDDING))[:2])
    base, accent = (COLOURS[_BEDDING[k]] for k in names)
    pattern = str(rng.choice(["gingham", "tartan", "floral", "plain", "dots", "stripes"]))
    art = swatch(pattern, (_SIDE, _SIDE), (base, accent), (7, 7), rng)
    return Surface("tablecloth", _lit(art, np.tile(relief("canvas"), (2, 2, 1)), 0.25), 34, 0.0)


def _paving(rng: np.random.Generator) -> Surface:
    sheet = Sheet(_SIDE, _SIDE, (92, 88, 82))
    tone = _pick(rng, ((166, 150, 134), (150, 104, 86), (140, 140, 138)))
    height = _SIDE / 8
    for row in range(8):
        for k in range(5):
            x = (k + 0.5 * (row % 2)) * _SIDE / 4 - _SIDE / 8
            c = mix(tone, (50, 46, 42), float(rng.uniform(0, 0.35)))
            sheet.rectangle(x + 3, row * height + 3, _SIDE / 4 - 6, height - 6, c)
    field = noise(rng, _SIDE, _SIDE, (64, 64), octaves=3)[..., None] * 9
    return Surface("paving", np.clip(sheet.pixels + field, 0, 255).astype(np.uint8), 80, 0.0)


def _plaster(rng: np.random.Generator) -> Surface:
    name = str(
        rng.choice(
            ["white", "cream", "sand", "grey", "mint", "sky", "pink", "olive", "navy", "teal"]
        )
    )
    tone = COLOURS[name]
    field = noise(rng, _SIDE, _SIDE, (3, 3), octaves=2) + 0.3 * noise(rng, _SIDE, _SIDE, (128, 128))
    return Surface("painted wall", _toned(field, darker(tone, 0.06), lighter(tone, 0.04)), 200, 0.0)


def _brick(rng: np.random.Generator) -> Surface:
    sheet = Sheet(_SIDE, _SIDE, (176, 170, 160))
    tone = _pick(rng, ((154, 80, 58), (196, 190, 182), (120, 70, 56)))
    height = _SIDE / 10
    for row in range(10):
        for k in range(5):
            x = (k + 0.5 * (row % 2)) * _SIDE / 4 - _SIDE / 8
            c = mix(tone, (60, 40, 34), float(rng.uniform(0, 0.4)))
            sheet.rectangle(x + 4, row * height + 4, _SIDE / 4 - 8, height - 8, c)
    field = noise(rng, _SIDE, _SIDE, (64, 64), octaves=3)[..., None] * 9
    return Surface("brick wall", np.clip(sheet.pixels + field, 0, 255).astype(np.uint8), 95, 0.0)


def _metro(rng: np.random.Generator) -> Surface:
    tone = _pick(rng, ((236, 236, 232), (150, 186, 190), (60, 84, 96), (222, 206, 180)))
    sheet = Sheet(_SIDE, _SIDE, darker(tone, 0.25))
    height = _SIDE / 8
    for row in range(8):
        for k in range(5):
            x = (k + 0.5 * (row % 2)) * _SIDE / 4 - _SIDE / 8
            c = lighter(tone, float(rng.uniform(0, 0.15)))
            sheet.rectangle(x + 2, row * height + 2, _SIDE / 4 - 4, height - 4, darker(c, 0.08))
            sheet.rectangle(x + 4, row * height + 4, _SIDE / 4 - 9, height - 9, c)
    return Surface("tiled wall", sheet.pixels, 62, 0.4)


def _wallpaper(rng: np.random.Generator) -> Surface:
    names = list(rng.permutation(len(_BEDDING))[:2])
    base, accent = (COLOURS[_BEDDING[k]] for k in names)
    pattern = str(rng.choice(["stripes", "leaves", "floral", "scales", "argyle", "waves", "stars"]))
    art = swatch(pattern, (_SIDE, _SIDE), (base, mix(base, accent, 0.45)), (6, 6), rng)
    return Surface(
        "wallpaper", np.ascontiguousarray(np.rot90(art) if pattern == "stripes" else art), 100, 0.0
    )


def _shelf(rng: np.random.Generator) -> Surface:
    """A bookcase, out of focus."""
    wood = _pick(rng, _TIMBER)
    sheet = Sheet(_SIDE, _SIDE, darker(wood, 0.65))
    names = tuple(COLOURS)
    for row in range(3):
        floor = (row + 1) * _SIDE / 3 - 12
        x = 0.0
        while x < _SIDE:
            width = float(rng.uniform(10, 34))
            if rng.random() < 0.12:
                x += width * 1.6
                continue
            height = float(rng.uniform(80, 140))
            tone = COLOURS[names[int(rng.integers(len(names)))]]
            sheet.rectangle(x, floor - height, width, height, tone)
            sheet.rectangle(
                x + width * 0.3, floor - height * 0.8, width * 0.4, height * 0.3, lighter(tone, 0.6)
            )
            x += width + 1
        sheet.rectangle(0, floor, _SIDE, 12, wood)
    return Surface("shelf", np.asarray(cv2.GaussianBlur(sheet.pixels, (0, 0), 2.5)), 110, 0.0)


def _room(rng: np.random.Generator) -> Surface:
    """A room far behind, a blur of furniture and lights."""
    names = ("cream", "sand", "grey", "white", "brown", "tan", "charcoal", "olive", "navy", "sky")
    sheet = Sheet(_SIDE, _SIDE, COLOURS[names[int(rng.integers(5))]])
    for _ in range(16):
        tone = COLOURS[names[int(rng.integers(len(names)))]]
        x, y = rng.uniform(-80, _SIDE, 2)
        w, h = rng.uniform(40, 220, 2)
        sheet.rectangle(x, y, w, h, tone)
    picture = cv2.GaussianBlur(sheet.pixels, (0, 0), 16, borderType=cv2.BORDER_REFLECT)
    sheet = Sheet.of(np.asarray(picture))
    for _ in range(int(rng.integers(0, 9))):
        x, y = rng.uniform(0, _SIDE, 2)
        glow = mix(
            (255, 236, 190), sheet.pixels[int(y), int(x)].tolist(), float(rng.uniform(0.2, 0.6))
        )
        sheet.disc(x, y, float(rng.uniform(9, 22)), glow)
    return Surface("room", np.asarray(cv2.GaussianBlur(sheet.pixels, (0, 0), 3.0)), 260, 0.0)


_MAKERS: dict[str, Callable[[np.random.Generator], Surface]] = {
    "wood table": _table,
    "wood floor": _planks,
    "tiled floor": _tiles,
    "grass": _grass,
    "concrete": _concrete,
    "marble": _marble_top,
    "desk": _laminate,
    "bed": _bedding,
    "carpet": _carpet,
    "tablecloth": _tablecloth,
    "paving": _paving,
    "painted wall": _plaster,
    "brick wall": _brick,
    "tiled wall": _metro,
    "wallpaper": _wallpaper,
    "shelf": _shelf,
    "room": _room,
}

GROUNDS: dict[str, tuple[str, ...]] = {
    "table": ("wood table", "wood table", "marble", "desk", "tablecloth", "concrete"),
    "floor": ("wood floor", "tiled floor", "carpet", "grass", "concrete", "paving"),
    "bed": ("bed", "bed", "carpet", "wood floor"),
}
"""Surfaces of each place a shopper puts a product."""

WALLS = ("painted wall", "brick wall", "tiled wall", "wallpaper", "shelf", "room", "room")


@lru_cache(maxsize=128)
def surface(name: str, variant: int) -> Surface:
    """One of the :data:`VARIANTS` variants of a surface; the same on every call."""
    number = list(_MAKERS).index(name)
    seed = np.random.SeedSequence(_STREAM, spawn_key=(number, variant))
    return _MAKERS[name](np.random.default_rng(seed))
