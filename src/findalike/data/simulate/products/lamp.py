"""Table lamps."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.mesh import lathe
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, lighter
from findalike.data.simulate.patterns import swatch
from findalike.data.simulate.products.parts import (
    along,
    cloth,
    glossy,
    printed,
    size_factor,
    solid,
    steel,
    wooden,
)
from findalike.data.simulate.spec import Kind, ProductSpec, View
from findalike.data.simulate.textures import relief

_WOODS = {"oak": (176, 132, 86), "walnut": (96, 62, 40), "beech": (206, 168, 122)}

_BASES = {
    "gourd": [
        (1.2, 24),
        (1.4, 21),
        (4.5, 17),
        (6.8, 11),
        (6.2, 5),
        (4.2, 1.5),
        (4.8, 0.4),
        (4.6, 0),
    ],
    "column": [
        (1.0, 25),
        (2.4, 23.5),
        (2.6, 21),
        (2.6, 8),
        (2.8, 3.5),
        (6.5, 2),
        (7, 0.6),
        (6.8, 0),
    ],
    "ball": [
        (1.0, 22),
        (1.2, 19),
        (5.5, 16.5),
        (8, 10.5),
        (5.5, 4),
        (3.6, 2.2),
        (5.2, 0.6),
        (5.0, 0),
    ],
    "slim": [(0.8, 30), (0.8, 20), (0.8, 3.2), (1.6, 2), (7.5, 1.6), (8, 0.9), (7.8, 0)],
}


def build_lamp(spec: ProductSpec) -> Model:
    """A turned base, a neck and a cloth shade with light in it."""
    profile = along(_BASES[spec.shape], 30)
    top = float(profile[0, 1])
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    if spec.material == "brass":
        foot = steel((200, 160, 84), roughness=0.2)
    elif spec.material in _WOODS:
        foot = wooden(_WOODS[spec.material], repeat=(3, 1))
    else:
        foot = glossy(solid(base), roughness=0.12)
    grow = size_factor(spec)
    narrow, wide = {"gourd": (9, 14), "column": (12, 12.5), "ball": (10, 15), "slim": (8, 13)}[
        spec.shape
    ]
    high, low = top + 20 * grow, top + 0.5
    colours = (trim, spec.tint(spec.accent))
    shade_sheet = swatch(spec.pattern, (1024, 360), colours, (14, 5), spec.rng(3))
    if spec.material == "ceramic" and spec.pattern != "plain":
        foot = glossy(printed(spec, 800, 400, (8, 4)), roughness=0.12)
        shade_sheet = solid(trim)
    linen = Material(
        shade_sheet,
        roughness=0.95,
        sheen=0.15,
        bump=relief("canvas"),
        bump_repeat=(14, 4),
        bump_strength=0.35,
        emission=0.3,
    )
    glow = Material(solid(lighter(trim, 0.5)), roughness=0.95, emission=0.75)
    edge = cloth(solid(darker(trim, 0.18)))
    wall = [(narrow + (wide - narrow) * t, high + (low - high) * t) for t in np.linspace(0, 1, 6)]
    inner = [(r - 0.15, z) for r, z in wall]
    return assemble(
        [
            Part(lathe(profile, segments=40), foot),
            Part(lathe([(0.5, high - 6), (0.5, top)]), steel((200, 176, 120))),
            Part(lathe(inner, inside=True), glow),
            Part(lathe(wall, segments=40), linen),
            Part(lathe([(narrow + 0.1, high + 0.2), (narrow + 0.16, high - 0.5)]), edge, layer=1),
            Part(lathe([(wide + 0.05, low + 0.6), (wide + 0.16, low - 0.1)]), edge, layer=1),
        ]
    )


LAMP = Kind(
    name="lamp",
    noun="Table Lamp",
    category="Home/Lighting",
    build=build_lamp,
    shapes=tuple(_BASES),
    materials=("ceramic", "ceramic", "brass", "oak", "walnut"),
    colours=("white", "teal", "navy", "mustard", "coral", "forest", "sky", "black", "pink", "grey"),
    trims=("white", "cream", "sand", "charcoal", "navy", "mustard", "grey"),
    patterns=("plain", "plain", "stripes", "zigzag", "leaves", "dots", "marble", "waves", "scales"),
    axes=("trim", "pattern", "shape"),
    price=(22, 120),
    views=(View("front", 0, 6), View("angled", 30, 18), View("detail", 12, 10, zoom=1.9, aim=0.25)),
    grounds=("table",),
    pitch=(3, 30),
    yaw=60,
)
