"""Phone cases lying face down."""

from __future__ import annotations

import dataclasses

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import MOTIFS, emblem
from findalike.data.simulate.mesh import (
    Mesh,
    plate,
    rounded,
)
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, ink
from findalike.data.simulate.products.parts import (
    glossy,
    printed,
    solid,
)
from findalike.data.simulate.spec import LYING, Kind, ProductSpec


def build_phone_case(spec: ProductSpec) -> Model:
    """The back of a phone case, lying face down, with the hole for the camera."""
    width, height = 420, 860
    base = spec.tint(spec.colour)
    sheet = Sheet.of(printed(spec, width, height, (6, 12)))
    if spec.motif:
        box = (90, 380, 240, 260)
        if spec.pattern != "plain":
            sheet.ellipse(210, 505, 165, 170, base)
        emblem(sheet, spec, box, ink(base), spec.tint(spec.accent))
    top, rim, under = plate(rounded(7.4, 15.2, 1.15), 1.05, bevel=0.32)
    rough = {"gloss": 0.1, "silicone": 0.7}[spec.material]
    body = Material(sheet.pixels, roughness=rough)
    side = Material(solid(darker(base, 0.1)), roughness=rough)
    hole = rounded(3.4, 3.6, 0.9)
    bump, wall, _ = plate(hole, 1.16, bevel=0.05)
    shape = {"square": (-1.6, 5.4), "pill": (-2.2, 5.0), "bar": (0, 5.9)}[spec.shape]
    stretch = {"square": (1, 1, 1), "pill": (0.58, 1.2, 1), "bar": (1.9, 0.6, 1)}[spec.shape]
    camera = Sheet(160, 160, (26, 26, 30))
    for x, y in ((48, 48), (48, 112), (112, 80)):
        for r, tone in (
            (27, (62, 64, 70)),
            (22, (12, 12, 16)),
            (12, (26, 30, 52)),
            (4, (120, 130, 170)),
        ):
            camera.disc(x, y, r, tone)
    eye = glossy(camera.pixels, roughness=0.06)
    lens = [
        Part(_stretched(m, stretch, (*shape, 0.0)), eye if k == 0 else glossy(solid((20, 20, 22))))
        for k, m in enumerate((bump, wall))
    ]
    return assemble(
        [
            Part(under, side),
            Part(rim, side),
            Part(top, body),
            *(Part(p.mesh, p.material, layer=1) for p in lens),
        ]
    )


def _stretched(
    mesh: Mesh, factor: tuple[float, float, float], offset: tuple[float, float, float]
) -> Mesh:
    points = mesh.points * np.array(factor, dtype=np.float32) + np.array(offset, dtype=np.float32)
    return dataclasses.replace(mesh, points=points)


PHONE_CASE = Kind(
    name="phone-case",
    noun="Phone Case",
    category="Electronics/Phone Cases",
    build=build_phone_case,
    shapes=("square", "pill", "bar"),
    materials=("gloss", "silicone"),
    colours=(
        "black",
        "pink",
        "navy",
        "mint",
        "white",
        "coral",
        "lilac",
        "teal",
        "yellow",
        "red",
        "sky",
    ),
    patterns=(
        "plain",
        "floral",
        "marble",
        "camo",
        "stripes",
        "dots",
        "leaves",
        "terrazzo",
        "zigzag",
        "stars",
        "hearts",
        "cacti",
        "waves",
        "fade",
        "gingham",
    ),
    motifs=("", "", *MOTIFS),
    layouts=("stack", "big", "arch", "initial"),
    axes=("colour", "pattern", "motif", "shape"),
    price=(7, 29),
    views=LYING,
    pitch=(40, 84),
    yaw=60,
)
