"""Knitted hats."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import MOTIFS, emblem
from findalike.data.simulate.mesh import ellipsoid, lathe
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, ink, lighter, mix
from findalike.data.simulate.products.parts import along, cloth, printed, solid
from findalike.data.simulate.spec import Kind, ProductSpec, View
from findalike.data.simulate.textures import relief


def build_beanie(spec: ProductSpec) -> Model:
    """A knitted hat with a turned-up brim, a patch, and a bobble or none."""
    t = np.linspace(0, np.pi / 2, 14)
    crown = np.stack([9.4 * np.sin(t) ** 0.9, 6 + 12.5 * np.cos(t) ** 0.9], -1)
    crown = np.concatenate([crown, [(9.5, 3.0)]])
    wool = cloth(printed(spec, 1024, 400, (14, 5)), "knit", repeat=(7, 2.5), strength=1.2)
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    brim_tone = trim if spec.material == "contrast" else base
    band = Sheet(1024, 160, brim_tone)
    patch = (512 - 80, 40, 160, 84)
    leather = mix(darker(trim, 0.1), (140, 100, 60), 0.5)
    band.rectangle(*patch, leather)
    emblem(
        band,
        spec,
        (patch[0] + 8, patch[1] + 5, patch[2] - 16, patch[3] - 10),
        ink(leather),
        lighter(leather, 0.6),
    )
    rib = cloth(band.pixels, "ribs", repeat=(5, 1), strength=0.9)
    brim = along([(9.6, 7.2), (10.3, 6.6), (10.45, 4), (10.3, 0.8), (9.8, 0.1)], 10)
    parts = [Part(lathe(crown), wool), Part(lathe(brim, segments=34), rib)]
    if spec.shape == "bobble":
        fluff = Material(
            solid(trim),
            roughness=1.0,
            specular=0.01,
            sheen=0.6,
            bump=relief("fur"),
            bump_repeat=(3, 2),
            bump_strength=1.6,
        )
        parts.append(Part(ellipsoid((0, 0, 21.0), (3.8, 3.8, 3.5), segments=28), fluff))
    return assemble(parts)


BEANIE = Kind(
    name="beanie",
    noun="Beanie",
    category="Clothing/Accessories/Hats",
    build=build_beanie,
    shapes=("bobble", "plain"),
    materials=("wool", "contrast"),
    colours=(
        "grey",
        "navy",
        "mustard",
        "burgundy",
        "cream",
        "forest",
        "black",
        "teal",
        "pink",
        "coral",
    ),
    trims=("white", "charcoal", "cream", "tan", "navy", "red"),
    patterns=("plain", "plain", "stripes", "zigzag", "argyle", "dots", "blocks", "waves", "hearts"),
    motifs=MOTIFS,
    layouts=("line", "side", "stack"),
    axes=("colour", "trim", "pattern", "shape"),
    hides=(("wool", "trim"),),
    price=(9, 32),
    views=(View("front", 0, 8), View("angled", 35, 16), View("detail", -8, 8, zoom=2.0, aim=0.3)),
    grounds=("table", "bed", "floor"),
    pitch=(8, 40),
    yaw=40,
)
