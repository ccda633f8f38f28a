"""Vases."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.mesh import lathe
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker
from findalike.data.simulate.products.parts import (
    along,
    printed,
    solid,
)
from findalike.data.simulate.spec import Kind, ProductSpec
from findalike.data.simulate.textures import relief

_VASES: dict[str, list[tuple[float, float]]] = {
    "bottle": [(1.6, 26), (1.5, 23), (2.2, 18), (5.8, 11), (6.2, 7), (4.2, 0.8), (3.8, 0)],
    "urn": [(4.6, 24), (3.6, 21.5), (6.4, 16), (7.4, 11), (5.0, 3), (4.0, 0.6), (3.8, 0)],
    "cylinder": [(5.0, 24), (5.2, 18), (5.2, 8), (5.0, 1), (4.6, 0)],
    "bulb": [(2.4, 17), (2.6, 14.5), (6.6, 10), (7.4, 6.5), (5.6, 1.5), (4.4, 0)],
    "trumpet": [(6.4, 25), (4.4, 21), (3.0, 14), (3.0, 8), (4.4, 2), (4.8, 0.6), (4.6, 0)],
}


def build_vase(spec: ProductSpec) -> Model:
    """A turned vase with its inside."""
    profile = along(_VASES[spec.shape], 30)
    art = Sheet.of(printed(spec, 1024, 512, (10, 5)))
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    if spec.layout == "dipped":
        art.rectangle(0, 330, 1024, 182, trim)
    elif spec.layout == "banded":
        for y in (70, 104, 392):
            art.rectangle(0, y, 1024, 16, trim)
    rough = {"glazed": 0.08, "matte": 0.75, "stone": 0.9}[spec.material]
    skin = Material(
        art.pixels,
        roughness=rough,
        bump=relief("felt" if spec.material == "stone" else "ripple"),
        bump_repeat=(3, 2),
        bump_strength=1.2,
    )
    inner = [(max(r - 0.35, 0.1), z) for r, z in profile[:16]]
    lip = [
        (profile[0, 0] - 0.35, profile[0, 1]),
        (profile[0, 0] - 0.17, profile[0, 1] + 0.15),
        (profile[0, 0], profile[0, 1]),
    ]
    dark = Material(solid(darker(base, 0.35)), roughness=0.5)
    return assemble(
        [
            Part(lathe(inner, inside=True, openness=np.linspace(0.8, 0.2, len(inner))), dark),
            Part(lathe(lip), Material(solid(base), roughness=rough)),
            Part(lathe(profile, segments=40), skin),
        ]
    )


VASE = Kind(
    name="vase",
    noun="Vase",
    category="Home/Vases",
    build=build_vase,
    shapes=tuple(_VASES),
    materials=("glazed", "matte", "stone"),
    colours=(
        "white",
        "teal",
        "navy",
        "coral",
        "mustard",
        "sand",
        "black",
        "sky",
        "forest",
        "pink",
        "cream",
    ),
    trims=("white", "navy", "charcoal", "mustard", "tan", "teal"),
    patterns=(
        "plain",
        "plain",
        "stripes",
        "zigzag",
        "speckle",
        "marble",
        "floral",
        "scales",
        "leaves",
        "diagonal",
        "terrazzo",
        "waves",
    ),
    layouts=("whole", "dipped", "banded"),
    axes=("colour", "pattern", "trim", "shape"),
    hides=(("whole", "trim"),),
    price=(12, 70),
    pitch=(5, 42),
    yaw=60,
)
