"""Handbags: totes, flap bags and buckets."""

from __future__ import annotations

import itertools

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import emblem
from findalike.data.simulate.mesh import grid, lathe, moved, slab, tube
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, ink, lighter
from findalike.data.simulate.products.parts import (
    along,
    cloth,
    leather,
    printed,
    solid,
    steel,
    stitches,
    tapered,
)
from findalike.data.simulate.spec import Kind, ProductSpec, View


def build_handbag(spec: ProductSpec) -> Model:
    """A leather bag: an open tote, a flap bag with a clasp, or a bucket."""
    if spec.shape == "bucket":
        return _bucket(spec)
    width, depth, height = {"tote": (34, 11, 27), "flap": (26, 8, 17)}[spec.shape]
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    face = _bag_face(spec)
    make = leather if spec.material == "leather" else cloth
    front = make(face, repeat=(6, 5)) if make is leather else cloth(face, "canvas", repeat=(12, 9))
    plain = leather(solid(darker(base, 0.06)), repeat=(3, 5))
    accent = leather(solid(trim), repeat=(1, 6))
    top = 1.12 if spec.shape == "tote" else 0.92
    body = slab((width, depth, height), bevel=1.6)
    parts = [
        Part(
            tapered(m, height, top=top),
            front if k in ("front", "back") else plain,
        )
        for k, m in body.items()
        if k != "top" or spec.shape == "flap"
    ]
    metal = steel((206, 172, 96) if spec.rng(8).random() < 0.6 else (196, 198, 202))
    if spec.shape == "tote":
        inside = leather(solid(darker(base, 0.6)))
        w, d = width * top / 2 - 0.5, depth * top / 2 - 0.5
        floor = [[(x, y, height - 4) for x in np.linspace(-w, w, 4)] for y in (d, -d)]
        wall = [[(x, d, z) for x in np.linspace(-w, w, 4)] for z in (height - 0.2, height - 4)]
        parts = [Part(grid(floor), inside), Part(grid(wall), inside), *parts]
        for y in (1, -1):
            arc = along(
                [
                    (-width * 0.26, y * depth * 0.57, height * 0.8),
                    (-width * 0.22, y * depth * 0.5, height * 1.3),
                    (width * 0.22, y * depth * 0.5, height * 1.3),
                    (width * 0.26, y * depth * 0.57, height * 0.8),
                ],
                22,
            )
            parts.append(Part(tube(arc, 0.75, up=(0, 1, 0), flatten=0.7), accent))
    else:
        parts += _flap(spec, width, depth, height, metal)
        arc = along(
            [
                (-width * 0.45, 0, height * 0.9),
                (-width * 0.34, 0, height * 1.7),
                (width * 0.34, 0, height * 1.7),
                (width * 0.45, 0, height * 0.9),
            ],
            26,
        )
        chain = metal if spec.material == "chain" else accent
        parts.append(Part(tube(arc, 0.6, up=(0, 1, 0), flatten=0.6), chain))
    return assemble(parts)


def _bag_face(spec: ProductSpec) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    sheet = Sheet.of(printed(spec, 640, 500, (9, 7)))
    if spec.shape == "tote":
        sheet.rectangle(0, 400, 640, 100, trim)
        for x in (146, 452):
            sheet.rectangle(x, 0, 42, 180, trim)
            stitches(sheet, [(x + 6, 0), (x + 6, 176)], lighter(trim, 0.4))
            stitches(sheet, [(x + 36, 0), (x + 36, 176)], lighter(trim, 0.4))
        box = (235, 170, 170, 150)
        if spec.pattern != "plain":
            sheet.rectangle(box[0] - 14, box[1] - 14, box[2] + 28, box[3] + 28, base)
        emblem(sheet, spec, box, ink(base), trim if trim != base else spec.tint(spec.accent))
    edge = [(10, 12), (630, 12), (630, 490), (10, 490), (10, 12)]
    for a, b in itertools.pairwise(edge):
        stitches(sheet, [a, b], lighter(base, 0.35))
    return sheet.pixels


def _flap(
    spec: ProductSpec, width: float, depth: float, height: float, metal: Material
) -> list[Part]:
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    sheet = Sheet(512, 400, base)
    if spec.pattern != "plain":
        sheet = Sheet.of(printed(spec, 512, 400, (7, 5)))
    for line in ([(12, 0), (12, 388)], [(12, 388), (500, 388)], [(500, 388), (500, 0)]):
        stitches(sheet, line, lighter(base, 0.4))
    emblem(
        sheet,
        spec,
        (186, 150, 140, 120),
        lighter(trim, 0.1) if trim != base else ink(base),
        ink(base),
    )
    s = np.linspace(0, 1, 14)
    y = np.where(
        s < 0.32,
        depth / 2 - s / 0.32 * depth,
        -depth / 2 - 0.35 - 0.5 * np.sin((s - 0.32) * np.pi / 0.68),
    )
    z = np.where(s < 0.32, height + 0.25, height - (s - 0.32) / 0.68 * height * 0.68)
    half = width * 0.47 * (1 - 0.12 * np.clip((s - 0.7) / 0.3, 0, 1) ** 2)
    x = np.linspace(-1, 1, 9)
    sheet_points = np.stack(
        [x[None] * half[:, None], np.repeat(y[:, None], 9, 1), np.repeat(z[:, None], 9, 1)], -1
    )
    clasp = moved(slab((3.0, 0.8, 2.2), bevel=0.35)["front"], (0, -depth / 2 - 0.75, height * 0.3))
    hide = leather(sheet.pixels, repeat=(5, 4))
    return [Part(grid(sheet_points), hide, layer=1), Part(clasp, metal, layer=2)]


def _bucket(spec: ProductSpec) -> Model:
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    sheet = Sheet.of(printed(spec, 1024, 420, (14, 6)))
    sheet.rectangle(0, 330, 1024, 90, trim)
    sheet.rectangle(0, 0, 1024, 26, trim)
    for y in (34, 322):
        stitches(sheet, [(0, y), (1024, y)], lighter(base, 0.35))
    if spec.pattern != "plain":
        sheet.rectangle(418, 90, 188, 190, base)
    emblem(
        sheet,
        spec,
        (430, 105, 164, 160),
        ink(base),
        trim if trim != base else spec.tint(spec.accent),
    )
    for k in range(12):
        sheet.disc((k + 0.5) / 12 * 1024, 60, 9, (196, 170, 110))
        sheet.disc((k + 0.5) / 12 * 1024, 60, 5, darker(base, 0.6))
    hide = leather(sheet.pixels, repeat=(9, 4))
    wall = along([(11.5, 24), (11.8, 16), (12.2, 6), (11.6, 0.8), (10.8, 0)], 16)
    inside = leather(solid(darker(base, 0.55)))
    inner = [(11.2, 24), (11.3, 18), (0.1, 17.5)]
    strap = along([(-11.6, 0, 21), (-9.5, 0, 37), (0, 0, 42), (9.5, 0, 37), (11.6, 0, 21)], 26)
    accent = leather(solid(trim), repeat=(1, 6))
    return assemble(
        [
            Part(lathe(inner, inside=True, squash=0.72), inside),
            Part(lathe(wall, squash=0.72, segments=40), hide),
            Part(tube(strap, 1.0, up=(0, 1, 0), flatten=0.35), accent),
        ]
    )


HANDBAG = Kind(
    name="handbag",
    noun="Handbag",
    category="Bags/Handbags",
    build=build_handbag,
    shapes=("tote", "flap", "bucket"),
    materials=("leather", "canvas", "chain"),
    colours=(
        "black",
        "tan",
        "red",
        "navy",
        "cream",
        "burgundy",
        "pink",
        "forest",
        "mustard",
        "brown",
        "sky",
        "white",
    ),
    trims=("tan", "brown", "black", "burgundy", "navy", "cream"),
    patterns=(
        "plain",
        "plain",
        "plain",
        "stripes",
        "argyle",
        "floral",
        "tartan",
        "scales",
        "dots",
        "zigzag",
    ),
    motifs=(
        "Crown",
        "Diamond",
        "Star",
        "Flower",
        "Moon",
        "Rings",
        "Heart",
        "Compass",
        "Hexagon",
        "Bird",
        "Anchor",
        "Leaf",
    ),
    layouts=("stack", "initial", "line", "arch"),
    axes=("colour", "trim", "pattern"),
    hides=(("chain", "trim"),),
    price=(29, 180),
    views=(
        View("front", 0, 8),
        View("angled", 34, 16),
        View("back", 180, 10),
        View("detail", -10, 12, zoom=2.0, aim=0.35),
    ),
    grounds=("table", "floor", "bed"),
    pitch=(8, 42),
    yaw=42,
)
