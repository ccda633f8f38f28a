"""Cartons: cereal, tea, milk and juice."""

from __future__ import annotations

import dataclasses

import numpy as np

from findalike.data.simulate.drawing import STYLES, Sheet
from findalike.data.simulate.food import FLAVOURS
from findalike.data.simulate.labels import (
    FOOD_LAYOUTS,
    barcode,
    facts,
    food_panel,
    small_print,
)
from findalike.data.simulate.mesh import Mesh, grid, lathe, slab, tube
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, ink, legible, mix
from findalike.data.simulate.patterns import swatch
from findalike.data.simulate.products.parts import along, glossy, solid
from findalike.data.simulate.spec import Kind, ProductSpec
from findalike.types import Pixels


def _panel(spec: ProductSpec, width: int, height: int, what: str, net: str) -> Pixels:
    base = spec.tint(spec.colour)
    sheet = Sheet(width, height, base)
    if spec.pattern != "plain":
        fruit = FLAVOURS[spec.motif].colour
        # Where the fruit has the carton's own colour, its pattern could not be seen.
        stands_out = legible(fruit, base) == fruit
        colours = (base, mix(base, fruit, 0.45) if stands_out else mix(base, ink(base), 0.2))
        sheet.paste(
            swatch(
                spec.pattern, (width, height), colours, (6, round(6 * height / width)), spec.rng(3)
            ),
            0,
            0,
        )
    food_panel(sheet, spec, (0.05 * width, 0.03 * height, 0.9 * width, 0.94 * height), what, net)
    return sheet.pixels


def _side(spec: ProductSpec, width: int, height: int) -> Pixels:
    base = spec.tint(spec.colour)
    sheet = Sheet(width, height, base)
    rng = spec.rng(12)
    sheet.text(
        spec.brand,
        (0.12 * width, 0.05 * height, 0.76 * width, 0.1 * height),
        ink(base),
        STYLES[spec.style],
    )
    facts(sheet, (0.12 * width, 0.2 * height, 0.76 * width, 0.3 * height), rng)
    small_print(sheet, (0.12 * width, 0.55 * height, 0.76 * width, 0.2 * height), ink(base), 9, rng)
    barcode(sheet, spec, (0.16 * width, 0.8 * height, 0.68 * width, 0.13 * height))
    return sheet.pixels


_CARTONS = {
    "cereal": ((19.0, 6.0, 28.0), "crunchy flakes", "500 g"),
    "tea": ((13.0, 7.5, 9.0), "finest blend", "80 g"),
    "milk": ((7.2, 7.2, 17.0), "drink", "1 L"),
    "juice": ((6.2, 4.0, 11.5), "pure juice", "330 ml"),
}


def build_carton(spec: ProductSpec) -> Model:
    """A printed cardboard box, some with a gable top or a straw."""
    (width, depth, height), what, net = _CARTONS[spec.shape]
    pixels = 30 if height > 20 else 48
    front = Material(
        _panel(spec, round(width * pixels), round(height * pixels), what, net), roughness=0.4
    )
    side = Material(_side(spec, round(depth * 36), round(height * 30)), roughness=0.4)
    base = spec.tint(spec.colour)
    lid = Sheet(256, 128, darker(base, 0.1))
    lid.text(spec.brand, (50, 30, 156, 60), ink(base), STYLES[spec.style])
    top = Material(lid.pixels, roughness=0.4)
    faces = slab((width, depth, height), bevel=0.12)
    using = {"front": front, "back": front, "left": side, "right": side, "top": top, "bottom": top}
    parts = [Part(faces[name], material) for name, material in using.items()]
    if spec.shape == "milk":
        parts += [
            Part(mesh, top if k < 3 else side)
            for k, mesh in enumerate(_gable(width, depth, height))
        ]
        cap = along([(0.1, 1.3), (0.95, 1.3), (1.05, 1.1), (1.1, 0)], 8)
        cap_mesh = lathe(cap, segments=20)
        tilt = np.radians(40)
        points = cap_mesh.points.copy()
        y, z = points[:, 1].copy(), points[:, 2].copy()
        points[:, 1] = y * np.cos(tilt) - z * np.sin(tilt) - depth * 0.26
        points[:, 2] = y * np.sin(tilt) + z * np.cos(tilt) + height + 1.5
        parts.append(
            Part(
                dataclasses.replace(cap_mesh, points=points),
                glossy(solid(spec.tint(spec.trim))),
            )
        )
    if spec.shape == "juice":
        straw = [
            (width * 0.25, 0, height - 0.2),
            (width * 0.25, 0, height + 2.2),
            (width * 0.1, -0.4, height + 3.6),
        ]
        parts.append(
            Part(
                tube(along(straw, 10), 0.22, up=(0, 1, 0), sides=8),
                glossy(solid(spec.tint(spec.trim))),
            )
        )
    return assemble(parts)


def _gable(width: float, depth: float, height: float) -> list[Mesh]:
    """The sloping roof, its ridge, and the folded ends of a milk carton."""
    w, d, rise = width / 2 - 0.06, depth / 2 - 0.06, 3.2
    x = np.linspace(-w, w, 5)
    slope = [
        [(k, -d + s * (d - 0.12), height - 0.1 + s * rise) for k in x] for s in np.linspace(1, 0, 5)
    ]
    back = [[(-k, -y, z) for k, y, z in row] for row in slope]
    ridge = [[(k, -0.12, height + rise + h) for k in x] for h in (1.2, -0.1)]
    ends = []
    for side in (1, -1):
        rows = [
            [
                (side * (w - 1.4 * s), side * k * (1 - s), height - 0.1 + s * rise * 0.96)
                for k in np.linspace(-d, d, 5)
            ]
            for s in np.linspace(1, 0, 5)
        ]
        ends.append(grid(rows))
    return [grid(slope), grid(back), grid(ridge), *ends]


CARTON = Kind(
    name="carton",
    noun="Carton",
    category="Grocery/Cartons",
    build=build_carton,
    shapes=tuple(_CARTONS),
    materials=("card",),
    colours=(
        "red",
        "yellow",
        "sky",
        "white",
        "green",
        "orange",
        "navy",
        "teal",
        "pink",
        "purple",
        "cream",
    ),
    trims=("white", "red", "green", "blue", "yellow"),
    patterns=("plain", "plain", "dots", "stripes", "diagonal", "gingham", "waves"),
    motifs=(
        "Strawberry",
        "Cocoa",
        "Almond",
        "Peach",
        "Coffee",
        "Blueberry",
        "Orange",
        "Apple",
        "Lemon",
        "Cherry",
        "Wholegrain",
    ),
    layouts=FOOD_LAYOUTS,
    axes=("motif", "colour", "pattern"),
    price=(1.2, 6),
    pitch=(8, 55),
    yaw=40,
)
