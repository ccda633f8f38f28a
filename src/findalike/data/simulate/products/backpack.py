"""Backpacks."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import EMBLEMS, MOTIFS, emblem
from findalike.data.simulate.mesh import moved, slab, tube
from findalike.data.simulate.model import Model, Part, assemble
from findalike.data.simulate.palette import Colour, darker, ink, lighter, mix
from findalike.data.simulate.products.parts import (
    along,
    cloth,
    printed,
    solid,
    steel,
    stitches,
    tapered,
    zipper,
)
from findalike.data.simulate.spec import Kind, ProductSpec, View


def build_backpack(spec: ProductSpec) -> Model:
    """A main body, a front pocket with a zip, a grab loop, shoulder straps, side pockets."""
    width, depth, height = {"day": (29, 13, 42), "roll": (29, 14, 46), "mini": (24, 11, 31)}[
        spec.shape
    ]
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    art = printed(spec, 512, 700, (6, 8))
    front = Sheet.of(art)
    if spec.material == "two-tone":
        front.rectangle(0, 540, 512, 160, trim)
    stitches(front, [(0, 539), (512, 539)], lighter(base, 0.3))
    _arc_zip(front, trim)
    skin = cloth(front.pixels, "canvas", repeat=(11, 15), strength=0.8)
    flank = Sheet.of(np.ascontiguousarray(art[:, :256]))
    if spec.material == "two-tone":
        flank.rectangle(0, 540, 256, 160, trim)
    zipper(flank, [(128, 0), (128, 420)], trim)
    side = cloth(flank.pixels, "canvas", repeat=(5, 15), strength=0.8)
    plain = cloth(solid(darker(base, 0.12)), "canvas", repeat=(8, 10), strength=0.8)
    shape = {"top": 0.8 if spec.shape != "roll" else 0.94, "swell": 0.12}
    body = slab((width, depth, height), bevel=5.0)
    using = {
        "front": skin,
        "back": plain,
        "left": side,
        "right": side,
        "top": plain,
        "bottom": plain,
    }
    parts = [Part(tapered(body[k], height, **shape), m) for k, m in using.items()]
    parts += _pocket(spec, width, depth, height)
    return assemble([*parts, *_straps(spec, depth, height)])


def _straps(spec: ProductSpec, depth: float, height: float) -> list[Part]:
    """The grab loop, both shoulder straps, and the closing strap of a roll top."""
    webbing = cloth(solid(darker(spec.tint(spec.trim), 0.1)), "ribs", repeat=(1, 6), strength=0.4)
    parts = []
    if spec.shape == "roll":
        over = [
            (0, -depth * 0.66 - 0.8, height * 0.62),
            (0, -depth * 0.56 - 0.8, height * 0.96),
            (0, 0, height + 1.4),
            (0, depth * 0.4, height),
        ]
        parts.append(Part(tube(along(over, 14), 1.4, up=(1, 0, 0), sides=8), webbing))
        buckle = moved(
            slab((3.6, 0.9, 2.2), bevel=0.3)["front"], (0, -depth * 0.66 - 1.9, height * 0.66)
        )
        parts.append(Part(buckle, steel((60, 60, 64))))
    low, high = height - 0.6, height + 3.2
    loop = along([(-4, 0, low), (-3, 0, high), (3, 0, high), (4, 0, low)], 14)
    parts.append(Part(tube(loop, 0.9, up=(0, 1, 0), flatten=0.8, sides=8), webbing))
    for x in (-1, 1):
        band = [
            (x * 5, depth * 0.5, height * 0.9),
            (x * 7.5, depth * 0.75, height * 0.72),
            (x * 9.5, depth * 0.8, height * 0.35),
            (x * 10.5, depth * 0.52, height * 0.08),
        ]
        strap = tube(along(band, 16), 2.4, up=(0, 1, 0), flatten=0.28, sides=10)
        parts.append(Part(strap, webbing))
    return parts


def _arc_zip(sheet: Sheet, colour: Colour) -> None:
    t = np.linspace(0, np.pi, 40)
    zipper(sheet, np.stack([256 - 236 * np.cos(t), 170 - 120 * np.sin(t)], -1), colour)


def _pocket(spec: ProductSpec, width: float, depth: float, height: float) -> list[Part]:
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    w, h = width * 0.76, height * 0.42
    tone = trim if spec.material == "pocket" else base
    sheet = Sheet(400, 320, tone)
    if spec.material != "pocket":
        sheet = Sheet.of(printed(spec, 400, 320, (5, 4)))
    zipper(sheet, [(20, 46), (380, 46)], mix(trim, (20, 20, 20), 0.3))
    patch = ink(tone) if spec.layout != "frame" else mix((150, 104, 62), trim, 0.2)
    box = (110, 92, 180, 165)
    if spec.pattern != "plain" and spec.material != "pocket":
        sheet.rectangle(box[0] - 14, box[1] - 10, box[2] + 28, box[3] + 20, base)
    emblem(sheet, spec, box, patch, spec.tint(spec.accent))
    for line in ([(8, 8), (392, 8)], [(8, 8), (8, 312)], [(392, 8), (392, 312)]):
        stitches(sheet, line, lighter(tone, 0.3))
    face = cloth(sheet.pixels, "canvas", repeat=(8, 6), strength=0.8)
    rim = cloth(solid(darker(tone, 0.08)), "canvas", repeat=(8, 3), strength=0.8)
    box_ = slab((w, 5.0, h), bevel=1.8)
    offset = (0.0, -depth * 0.5 - 1.0, height * 0.05)
    return [
        Part(moved(m, offset), face if k == "front" else rim)
        for k, m in box_.items()
        if k != "back"
    ]


BACKPACK = Kind(
    name="backpack",
    noun="Backpack",
    category="Bags/Backpacks",
    build=build_backpack,
    shapes=("day", "roll", "mini"),
    materials=("plain", "two-tone", "pocket"),
    colours=(
        "navy",
        "black",
        "grey",
        "olive",
        "mustard",
        "red",
        "teal",
        "forest",
        "coral",
        "sky",
        "burgundy",
        "sand",
    ),
    trims=("black", "charcoal", "tan", "navy", "brown", "red", "mustard", "white"),
    patterns=(
        "plain",
        "plain",
        "plain",
        "camo",
        "stripes",
        "zigzag",
        "floral",
        "dots",
        "stars",
        "leaves",
        "tartan",
        "blocks",
    ),
    motifs=MOTIFS,
    layouts=EMBLEMS,
    axes=("colour", "trim", "pattern", "motif"),
    price=(25, 95),
    views=(
        View("front", 0, 8),
        View("angled", 35, 14),
        View("back", 172, 10),
        View("detail", -8, 10, zoom=2.0, aim=0.32),
    ),
    grounds=("floor", "bed"),
    pitch=(8, 42),
    yaw=42,
)
