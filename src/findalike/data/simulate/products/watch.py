"""Wrist watches laid flat."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import STYLES, Sheet
from findalike.data.simulate.icons import ICONS, Spot
from findalike.data.simulate.mesh import (
    disc,
    grid,
    lathe,
    moved,
    plate,
    rounded,
    tube,
)
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, ink, lighter
from findalike.data.simulate.products.parts import (
    along,
    glossy,
    leather,
    steel,
    stitches,
)
from findalike.data.simulate.spec import Kind, ProductSpec, View
from findalike.types import Pixels


def _dial(spec: ProductSpec) -> Pixels:
    side = 360
    base, accent = spec.tint(spec.colour), spec.tint(spec.accent)
    sheet = Sheet(side, side, base)
    marks = ink(base)
    c = side / 2
    if spec.shape == "digital":
        sheet.rectangle(60, 100, 240, 150, (182, 192, 172))
        sheet.text("10:09", (82, 128, 196, 80), (30, 34, 32), STYLES["condensed"])
        sheet.text(spec.brand, (110, 62, 140, 24), marks, STYLES[spec.style])
        return sheet.pixels
    for k in range(60):
        a = np.radians(6 * k)
        long = 26 if k % 5 == 0 else 9
        wide = 7 if k % 15 == 0 else 4 if k % 5 == 0 else 1
        u = np.array([np.sin(a), -np.cos(a)])
        sheet.stroke(
            [(c, c) + u * 166, (c, c) + u * (166 - long)], wide, marks if k % 15 else accent
        )
    if spec.layout == "numerals":
        for k in range(1, 13):
            a = np.radians(30 * k)
            sheet.text(
                str(k),
                (c + 118 * np.sin(a) - 18, c - 118 * np.cos(a) - 16, 36, 32),
                marks,
                STYLES["bold"],
            )
    if spec.layout == "chrono":
        for x, y in ((c - 66, c), (c + 66, c), (c, c + 66)):
            sheet.disc(x, y, 42, darker(base, 0.3) if base != (0, 0, 0) else lighter(base, 0.2))
            sheet.disc(x, y, 38, lighter(base, 0.14))
            sheet.stroke([(x, y), (x + 14, y - 26)], 3, accent)
    if spec.motif and spec.layout == "plain":
        ICONS[spec.motif](sheet, Spot(c, c + 70, 26, accent, base))
    sheet.text(spec.brand, (c - 60, 100, 120, 24), marks, STYLES[spec.style])
    for angle, length, wide in ((-56, 84, 11), (52, 128, 7)):
        a = np.radians(angle)
        u = np.array([np.sin(a), -np.cos(a)])
        sheet.stroke([(c, c) - u * 16, (c, c) + u * length], wide, marks)
    a = np.radians(160)
    u = np.array([np.sin(a), -np.cos(a)])
    sheet.stroke([(c, c) - u * 24, (c, c) + u * 136], 2, (210, 50, 40))
    sheet.disc(c, c, 9, marks)
    return sheet.pixels


def _strap(spec: ProductSpec, reach: float) -> list[Part]:
    """Both halves of the strap, lying in a shallow curve."""
    trim = spec.tint(spec.trim)
    sheet = Sheet(160, 480, trim)
    if spec.material == "leather":
        for x in (14, 146):
            stitches(sheet, [(x, 0), (x, 480)], lighter(trim, 0.45))
    elif spec.material == "steel":
        for y in range(0, 480, 30):
            sheet.rectangle(0, y, 160, 3, (70, 72, 76))
            sheet.rectangle(52, y, 3, 30, (90, 92, 96))
            sheet.rectangle(105, y, 3, 30, (90, 92, 96))
    else:
        for y in range(20, 480, 24):
            sheet.rectangle(10, y, 140, 7, darker(trim, 0.22))
    holes = Sheet.of(sheet.pixels)
    if spec.material != "steel":
        for y in range(210, 420, 42):
            holes.ellipse(80, y, 8, 10, darker(trim, 0.75))
    parts = []
    for sign, art in ((1, sheet), (-1, holes)):
        if spec.material == "steel":
            steel_sheet = Sheet.of(art.pixels)
            metal = np.where(
                (art.pixels == np.array(trim, dtype=np.uint8)).all(-1, keepdims=True),
                np.uint8(198),
                steel_sheet.pixels,
            )
            material = Material(metal, roughness=0.22, metal=True)
        elif spec.material == "leather":
            material = leather(art.pixels, repeat=(1.5, 5))
        else:
            material = glossy(art.pixels, roughness=0.55)
        t = np.linspace(0, 1, 16)
        lengthwise = sign * (reach + t * 8.6)
        z = 1.0 - 0.9 * t**2 + 0.15 * np.sin(t * np.pi)
        half = 0.98 - 0.22 * t
        half = np.where(t > 0.96, half * 0.8, half)
        across = np.array([-1.0, -0.92, -0.4, 0.0, 0.4, 0.92, 1.0])
        lift = np.array([-0.28, 0, 0.06, 0.08, 0.06, 0, -0.28])
        rows = np.stack(
            [
                across[None] * half[:, None] * sign * -1,
                np.repeat(lengthwise[:, None], 7, 1),
                z[:, None] + lift[None],
            ],
            -1,
        )
        parts.append(Part(grid(rows), material))
    buckle = along(
        [
            (-1.0, 9.9 + reach - 1.4, 0.35),
            (-1.0, 10.9 + reach - 1.4, 0.4),
            (1.0, 10.9 + reach - 1.4, 0.4),
            (1.0, 9.9 + reach - 1.4, 0.35),
        ],
        16,
    )
    parts.append(Part(tube(buckle, 0.16, sides=8), steel()))
    return parts


def build_watch(spec: ProductSpec) -> Model:
    """A wrist watch laid flat: case, bezel, dial under glass, crown, strap and buckle."""
    gold = spec.rng(34).random() < 0.3
    metal = steel((214, 176, 106) if gold else (196, 198, 203), roughness=0.16)
    face = glossy(_dial(spec), roughness=0.05, specular=0.05)
    if spec.shape in ("round", "diver"):
        r = 2.0
        case = [
            (r * 0.93, 1.42),
            (r * 1.0, 1.5),
            (r * 1.1, 1.38),
            (r * 1.14, 1.0),
            (r * 1.06, 0.5),
            (r * 0.9, 0.3),
        ]
        parts = [Part(lathe(along(case, 12)), metal), Part(disc(r * 0.94, 1.40), face)]
        if spec.shape == "diver":
            bezel = Sheet(720, 40, spec.tint(spec.accent))
            for k in range(60):
                bezel.rectangle(
                    k * 12 + 5, 6, 2, 28 if k % 5 == 0 else 12, ink(spec.tint(spec.accent))
                )
            parts.append(Part(lathe([(r * 0.92, 1.56), (r * 1.1, 1.44)]), glossy(bezel.pixels)))
    else:
        outline = rounded(3.9, 4.3, 0.9)
        top, rim, _ = plate(outline, 1.45, bevel=0.25)
        parts = [Part(rim, metal), Part(moved(top, (0, 0, 0)), metal)]
        inner, _, _ = plate(outline * 0.86, 1.47, bevel=0.01)
        parts.append(Part(inner, face, layer=1))
        r = 1.9
    crown = np.linspace((r * 1.1, 0, 0.9), (r * 1.1 + 0.5, 0, 0.9), 4)
    parts.append(Part(tube(crown, 0.28, sides=10), metal))
    return assemble([*_strap(spec, r * 1.02), *parts])


WATCH = Kind(
    name="watch",
    noun="Watch",
    category="Accessories/Watches",
    build=build_watch,
    shapes=("round", "diver", "square", "digital"),
    materials=("leather", "rubber", "steel"),
    colours=("white", "black", "navy", "cream", "forest", "grey", "teal", "burgundy", "sky"),
    trims=(
        "brown",
        "black",
        "tan",
        "navy",
        "charcoal",
        "red",
        "olive",
        "burgundy",
        "white",
        "orange",
    ),
    motifs=("", "Anchor", "Mountain", "Compass", "Crown", "Star", "Bolt"),
    layouts=("plain", "numerals", "chrono"),
    axes=("trim", "colour"),
    hides=(("steel", "trim"),),
    price=(29, 320),
    views=(View("front", 0, 84), View("angled", 26, 48), View("detail", 6, 78, zoom=2.4)),
    pitch=(38, 84),
    yaw=60,
)
