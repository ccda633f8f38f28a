"""Mugs: straight, tapered, bellied, and enamelled camping mugs."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import STYLES, Sheet
from findalike.data.simulate.labels import EMBLEMS, MOTIFS, emblem
from findalike.data.simulate.mesh import lathe, tube
from findalike.data.simulate.model import Model, Part, assemble
from findalike.data.simulate.palette import darker, ink, mix
from findalike.data.simulate.products.parts import along, glossy, printed, solid
from findalike.data.simulate.spec import Kind, ProductSpec

_PROFILES = {
    "straight": ([(4.0, 9.3), (4.02, 5), (4.0, 1.2), (3.75, 0.3), (3.2, 0)], 1.0),
    "tapered": ([(4.7, 9.6), (4.3, 6), (3.6, 1.4), (3.2, 0.4), (2.9, 0)], 1.0),
    "belly": ([(3.9, 8.4), (4.2, 7), (4.9, 4), (4.2, 1.1), (3.3, 0.2), (3.0, 0)], 1.0),
    "camp": ([(4.3, 8.0), (4.25, 7), (4.2, 3), (4.1, 0.7), (3.8, 0)], 0.55),
    "tall": ([(3.8, 12.5), (3.7, 9), (3.35, 2), (3.1, 0.4), (2.8, 0)], 1.0),
}


def _skin(spec: ProductSpec) -> Sheet:
    """What is printed around the body."""
    width, height = 1408, 512
    sheet = Sheet.of(printed(spec, width, height, (12, 4)))
    base = spec.tint(spec.colour)
    main = ink(base)
    second = spec.tint(spec.accent) if spec.accent != spec.colour else mix(base, main, 0.5)
    if spec.motif:
        for centre in (0.5, 0.0, 1.0):
            x = centre * width
            if spec.pattern != "plain":
                sheet.ellipse(x, 0.5 * height, 205, 205, base)
            box = (x - 150, 0.2 * height, 300, 0.58 * height)
            emblem(sheet, spec, box, main, second)
    elif spec.layout == "line":
        sheet.text(
            spec.brand,
            (0.42 * width, 0.78 * height, 0.16 * width, 0.1 * height),
            main,
            STYLES[spec.style],
        )
    return sheet


def build(spec: ProductSpec) -> Model:
    """The body with its inside, the lip and a handle."""
    knots, wall = _PROFILES[spec.shape]
    wall *= 0.3
    outer = along(knots, 18)
    radius, top = outer[0]
    lip = [
        (radius - wall, top),
        (radius - wall * 0.85, top + 0.11),
        (radius - wall * 0.5, top + 0.17),
        (radius - wall * 0.12, top + 0.11),
    ]
    inner = np.array(
        [(r - wall, z) for r, z in outer[:-3]] + [(outer[-3][0] * 0.8, 0.7), (0.02, 0.6)]
    )
    body = glossy(_skin(spec).pixels, roughness=0.1 if spec.material == "porcelain" else 0.3)
    trim = spec.tint(spec.trim)
    camp = spec.shape == "camp"
    inside = glossy(solid((238, 236, 230) if camp else trim), roughness=0.2)
    rim = glossy(solid(darker(trim, 0.2) if camp else spec.tint(spec.colour)), roughness=0.2)
    handle = glossy(solid(spec.tint(spec.colour) if camp else trim), roughness=0.15)
    parts = [
        Part(lathe(outer, segments=40), body),
        Part(lathe(np.array([*lip, (radius, top)])), rim),
        Part(lathe(inner, inside=True, openness=np.linspace(0.95, 0.5, len(inner))), inside),
    ]
    high, low = 0.84 * top, 0.22 * top
    at_high = float(np.interp(high, outer[::-1, 1], outer[::-1, 0])) - 0.25
    at_low = float(np.interp(low, outer[::-1, 1], outer[::-1, 0])) - 0.25
    reach = radius + 2.6
    knobs = [
        (at_high, 0, high),
        (reach - 0.5, 0, high + 0.1),
        (reach, 0, (high + low) / 2),
        (reach - 1.1, 0, low),
        (at_low, 0, low),
    ]
    bar = tube(along(knobs, 20), 0.38 if camp else 0.52, up=(0, 1, 0), flatten=1.25, caps=False)
    parts.append(Part(bar, handle))
    return assemble(parts)


MUG = Kind(
    name="mug",
    noun="Mug",
    category="Kitchen/Mugs",
    build=build,
    shapes=tuple(_PROFILES),
    materials=("porcelain", "stoneware"),
    colours=(
        "white",
        "cream",
        "navy",
        "red",
        "teal",
        "mustard",
        "mint",
        "black",
        "coral",
        "sky",
        "forest",
        "lilac",
    ),
    trims=("white", "cream", "black", "navy", "red", "mustard", "teal", "charcoal"),
    patterns=(
        "plain",
        "plain",
        "plain",
        "stripes",
        "dots",
        "speckle",
        "zigzag",
        "floral",
        "waves",
        "scales",
        "fade",
        "terrazzo",
        "leaves",
        "tartan",
    ),
    motifs=("", *MOTIFS),
    layouts=EMBLEMS,
    axes=("colour", "trim", "pattern", "motif"),
    price=(6, 24),
    yaw=38,
)
