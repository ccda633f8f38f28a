"""Books: cover, spine, back and pages."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import STYLES, Sheet, ring
from findalike.data.simulate.icons import ICONS, Spot
from findalike.data.simulate.labels import MOTIFS, barcode, small_print
from findalike.data.simulate.mesh import (
    moved,
    slab,
)
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import Colour, darker, ink, legible, lighter, mix
from findalike.data.simulate.products.parts import (
    solid,
)
from findalike.data.simulate.spec import Kind, ProductSpec, View
from findalike.data.simulate.textures import noise
from findalike.types import Pixels

_TITLES = (
    "The {} Garden",
    "Under the {}",
    "A {} in Winter",
    "{} & Salt",
    "The Last {}",
    "Letters from the {}",
    "{} Road",
    "House of the {}",
)


def book_title(spec: ProductSpec) -> str:
    """The title printed on a book; variants with another motif have another word in it."""
    return _TITLES[int(spec.rng(31).integers(len(_TITLES)))].format(spec.motif)


def _cover(spec: ProductSpec) -> Pixels:
    """The front of a book: a picture, the title in two lines, the author."""
    base, accent = spec.tint(spec.colour), spec.tint(spec.accent)
    sheet = Sheet(_WIDTH, _HEIGHT, base)
    paper = _ART[spec.layout](sheet, spec)
    words = book_title(spec).split(" ")
    cut = (len(words) + 1) // 2
    lines = (" ".join(words[:cut]), " ".join(words[cut:]))
    for k, (line, tone) in enumerate(zip(lines, (ink(paper), legible(accent, paper)), strict=True)):
        sheet.text(line, (62, 78 + 66 * k, _WIDTH - 124, 54), tone, STYLES[spec.style])
    foot = sheet.pixels[668, _WIDTH // 2]
    author = ink((int(foot[0]), int(foot[1]), int(foot[2])))
    sheet.text(spec.brand, (120, 660, _WIDTH - 240, 26), author, STYLES["spaced"])
    return sheet.pixels


def _landscape(sheet: Sheet, spec: ProductSpec) -> Colour:
    """Hills before a low sun; returns the colour behind the title."""
    base = spec.tint(spec.colour)
    rng = spec.rng(32)
    sky = lighter(base, 0.35)
    sheet.rectangle(0, 0, _WIDTH, 500, sky)
    sheet.disc(_WIDTH * rng.uniform(0.25, 0.75), 292, 66, spec.tint(spec.accent))
    x = np.linspace(0, _WIDTH, 60)
    for k in range(4):
        ridge = 345 + 55 * k + 40 * noise(rng, 1, 60, (1, 4), octaves=2)[0]
        hill = np.concatenate([np.stack([x, ridge], -1), [(_WIDTH, _HEIGHT), (0, _HEIGHT)]])
        sheet.polygon(hill, mix(base, (16, 20, 30), 0.15 + 0.2 * k))
    ICONS[spec.motif](sheet, Spot(_WIDTH / 2, 570, 70, spec.tint(spec.trim), base))
    return sky


def _geometric(sheet: Sheet, spec: ProductSpec) -> Colour:
    """A grid of simple shapes."""
    base = spec.tint(spec.colour)
    rng = spec.rng(32)
    tones = (spec.tint(spec.accent), spec.tint(spec.trim), lighter(base, 0.4), darker(base, 0.3))
    for row in range(4):
        for column in range(4):
            corners = int(rng.choice([3, 4, 6, 24]))
            shape = ring(column * 120 + 60, row * 100 + 270, 58, 48, turn=45, count=corners)
            sheet.polygon(shape, tones[int(rng.integers(4))])
    sheet.disc(_WIDTH / 2, 440, 112, base)
    ICONS[spec.motif](sheet, Spot(_WIDTH / 2, 440, 84, ink(base), base))
    return base


def _framed(sheet: Sheet, spec: ProductSpec) -> Colour:
    """A pale panel with a thin frame."""
    base, accent = spec.tint(spec.colour), spec.tint(spec.accent)
    paper = lighter(base, 0.82)
    sheet.rectangle(40, 40, _WIDTH - 80, _HEIGHT - 100, paper)
    right, low = _WIDTH - 54, _HEIGHT - 74
    sheet.stroke([(54, 54), (right, 54), (right, low), (54, low)], 3, accent, closed=True)
    ICONS[spec.motif](sheet, Spot(_WIDTH / 2, 420, 130, base, accent))
    return paper


def _poster(sheet: Sheet, spec: ProductSpec) -> Colour:
    """One large motif."""
    trim = spec.tint(spec.trim)
    ICONS[spec.motif](sheet, Spot(_WIDTH / 2, 430, 190, spec.tint(spec.accent), trim))
    sheet.rectangle(0, 640, _WIDTH, 12, trim)
    return spec.tint(spec.colour)


_WIDTH, _HEIGHT = 480, 700
_ART = {
    "landscape": _landscape,
    "geometric": _geometric,
    "framed": _framed,
    "poster": _poster,
}


def build_book(spec: ProductSpec) -> Model:
    """Cover, spine, back with text, and the edges of the pages."""
    width, depth, height = {
        "hardback": (14.5, 3.4, 21.5),
        "paperback": (11.5, 2.4, 18),
        "album": (22, 1.8, 22),
    }[spec.shape]
    finish = 0.28 if spec.material == "gloss" else 0.6
    board = Material(solid(darker(spec.tint(spec.colour), 0.15)), roughness=finish)
    cover = 0.22
    faces = slab((width, cover, height), bevel=0.08)
    parts = _pages(width - 0.6, depth - 2 * cover - 0.04, height - 0.7)
    for outside, inside, art, side in (
        ("front", "back", _cover(spec), -1),
        ("back", "front", _blurb(spec), 1),
    ):
        printed_on = Material(art, roughness=finish)
        offset = (0.0, side * (depth - cover) / 2, 0.0)
        # The inner face is never seen; drawn, it would hide the pages behind it.
        parts += [
            Part(moved(mesh, offset), printed_on if name == outside else board, layer=1)
            for name, mesh in faces.items()
            if name != inside
        ]
    spine = moved(slab((cover, depth, height), bevel=0.1)["left"], ((cover - width) / 2, 0, 0))
    return assemble([*parts, Part(spine, Material(_spine(spec), roughness=finish), layer=1)])


def _pages(width: float, depth: float, height: float) -> list[Part]:
    """The three visible sides of the block of pages."""
    lines = Sheet(64, 256, (236, 228, 206))
    for y in range(0, 256, 4):
        lines.rectangle(0, y, 64, 1, (214, 204, 180))
    level = Material(lines.pixels, roughness=0.95)
    upright = Material(np.ascontiguousarray(np.rot90(lines.pixels)), roughness=0.95)
    block = slab((width, depth, height), bevel=0.05, steps=3)
    sides = {"right": upright, "top": level, "bottom": level}
    return [Part(moved(block[name], (0, 0, 0.25)), paper) for name, paper in sides.items()]


def _spine(spec: ProductSpec) -> Pixels:
    base = spec.tint(spec.colour)
    sheet = Sheet(96, _HEIGHT, darker(base, 0.08))
    sheet.text(book_title(spec), (18, 70, 60, 420), ink(base), STYLES[spec.style], turn=3)
    mark = legible(spec.tint(spec.accent), base)
    ICONS[spec.motif](sheet, Spot(48, 610, 26, mark, base))
    return sheet.pixels


def _blurb(spec: ProductSpec) -> Pixels:
    """The back: a few lines about the book and its bar code."""
    base = spec.tint(spec.colour)
    sheet = Sheet(_WIDTH, _HEIGHT, base)
    small_print(sheet, (60, 120, 360, 300), ink(base), 16, spec.rng(33))
    barcode(sheet, spec, (260, 560, 160, 90))
    return sheet.pixels


BOOK = Kind(
    name="book",
    noun="Book",
    category="Books/Fiction",
    build=build_book,
    shapes=("hardback", "paperback", "album"),
    materials=("gloss", "matte"),
    colours=(
        "red",
        "navy",
        "cream",
        "teal",
        "mustard",
        "black",
        "forest",
        "coral",
        "sky",
        "burgundy",
        "white",
        "purple",
    ),
    trims=("white", "mustard", "black", "cream", "coral"),
    motifs=MOTIFS,
    layouts=tuple(_ART),
    axes=("colour", "motif"),
    price=(5, 30),
    views=(
        View("front", 0, 8),
        View("angled", -34, 18),
        View("back", 180, 8),
        View("detail", -6, 10, zoom=1.9, aim=0.7),
    ),
    pitch=(10, 60),
    yaw=42,
)
