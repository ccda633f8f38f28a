"""Soft toys: bear, rabbit and cat."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.icons import ICONS, Spot
from findalike.data.simulate.mesh import (
    ellipsoid,
    lathe,
    moved,
    rotation,
    tube,
)
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import lighter
from findalike.data.simulate.products.parts import (
    along,
    cloth,
    glossy,
    solid,
)
from findalike.data.simulate.spec import Kind, ProductSpec
from findalike.data.simulate.textures import relief


def build_toy(spec: ProductSpec) -> Model:
    """A sitting soft toy: bear, rabbit or cat, with a bow or a scarf."""
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    pale = lighter(base, 0.5)

    def fur(tone: tuple[int, int, int], repeat: float = 3) -> Material:
        return Material(
            solid(tone),
            roughness=1.0,
            specular=0.01,
            sheen=0.55,
            bump=relief("fur"),
            bump_repeat=(repeat, repeat * 0.7),
            bump_strength=1.1,
        )

    coat, light = fur(base), fur(pale, 2)
    belly = Sheet(512, 320, base)
    belly.ellipse(256, 165, 74, 92, pale)
    ICONS[spec.motif](belly, Spot(256, 165, 42, trim, pale))
    torso = Material(
        belly.pixels,
        roughness=1.0,
        specular=0.01,
        sheen=0.5,
        bump=relief("fur"),
        bump_repeat=(4, 3),
        bump_strength=0.9,
    )
    parts = [
        Part(ellipsoid((0, 0, 9), (7.2, 6.3, 9), segments=32, rings=18), torso),
        Part(ellipsoid((0, -0.6, 21.4), (6.3, 5.8, 5.7), segments=30, rings=16), coat),
        Part(ellipsoid((0, -5.6, 20.0), (2.8, 2.3, 2.2)), light),
        Part(
            ellipsoid((0, -7.6, 20.8), (0.95, 0.6, 0.7), segments=14, rings=8),
            glossy(solid((36, 28, 28)), roughness=0.2),
        ),
    ]
    eye = glossy(solid((20, 18, 20)), roughness=0.05)
    for x in (-1, 1):
        parts.append(
            Part(ellipsoid((x * 2.3, -6.05, 22.8), (0.62, 0.5, 0.68), segments=12, rings=8), eye)
        )
        parts.append(Part(ellipsoid((x * 6.0, -7.2, 2.8), (2.9, 5.0, 2.8), segments=20), coat))
        parts.append(
            Part(ellipsoid((x * 6.2, -11.6, 3.0), (2.3, 0.9, 2.3), segments=18, rings=10), light)
        )
        limb = ellipsoid((0, 0, 0), (2.4, 2.5, 5.3), segments=20, rings=12)
        arm = moved(limb, (x * 7.3, -2.6, 11.6), turn=rotation(pitch=-24.0, roll=-x * 30.0))
        parts.append(Part(arm, coat))
        parts += _ears(spec.shape, x, coat, light)
    parts += _neckwear(spec, trim)
    return assemble(parts)


def _ears(shape: str, x: int, coat: Material, light: Material) -> list[Part]:
    if shape == "rabbit":
        line = along([(x * 2.4, 0, 26), (x * 3.3, 0.2, 31), (x * 3.0, 0.8, 35.5)], 10)
        return [
            Part(
                tube(
                    line,
                    np.array([1.2, 1.7, 2, 2.1, 2.1, 2, 1.9, 1.7, 1.4, 0.9]),
                    up=(0, 1, 0),
                    flatten=0.45,
                    sides=14,
                ),
                coat,
            ),
            Part(tube(line - (0, 0.62, 0), 0.85, up=(0, 1, 0), flatten=0.4, sides=10), light),
        ]
    if shape == "cat":
        cone = [(0.05, 4.6), (1.2, 2.2), (2.2, 0)]
        return [Part(moved(lathe(cone, segments=16, squash=0.5), (x * 3.7, -0.2, 24.9)), coat)]
    return [
        Part(ellipsoid((x * 4.7, 0, 26.2), (2.3, 1.3, 2.3), segments=18, rings=10), coat),
        Part(ellipsoid((x * 4.7, -1.0, 26.1), (1.4, 0.6, 1.4), segments=14, rings=8), light),
    ]


def _neckwear(spec: ProductSpec, trim: tuple[int, int, int]) -> list[Part]:
    ribbon = cloth(solid(trim), "knit" if spec.layout == "scarf" else "canvas", repeat=(10, 2))
    t = np.linspace(0, 2 * np.pi, 37)
    loop = np.stack([5.5 * np.cos(t), 5.0 * np.sin(t) - 0.5, np.full_like(t, 16.4)], -1)
    parts = [Part(tube(loop, 1.2 if spec.layout == "scarf" else 0.7, sides=10, caps=False), ribbon)]
    if spec.layout == "scarf":
        tail = along([(2.2, -4.8, 16), (2.8, -6.6, 13), (3.0, -6.9, 9.5)], 8)
        parts.append(Part(tube(tail, 1.5, up=(0, 1, 0), flatten=0.35, sides=10), ribbon))
    else:
        for x in (-1, 1):
            parts.append(
                Part(
                    ellipsoid((x * 1.9, -5.6, 16.3), (1.8, 0.7, 1.3), segments=16, rings=8), ribbon
                )
            )
        parts.append(
            Part(ellipsoid((0, -5.9, 16.3), (0.7, 0.7, 0.7), segments=12, rings=8), ribbon)
        )
    return parts


TOY = Kind(
    name="toy",
    noun="Soft Toy",
    category="Toys/Soft Toys",
    build=build_toy,
    shapes=("bear", "rabbit", "cat"),
    materials=("plush",),
    colours=(
        "brown",
        "cream",
        "grey",
        "tan",
        "pink",
        "white",
        "sky",
        "mustard",
        "lilac",
        "charcoal",
    ),
    trims=("red", "navy", "mustard", "teal", "pink", "forest", "purple"),
    motifs=("Heart", "Star", "Moon", "Sun", "Flower", "Leaf", "Paw", "Bolt"),
    layouts=("bow", "scarf"),
    axes=("colour", "trim", "motif", "shape"),
    price=(9, 38),
    grounds=("bed", "floor", "table"),
    pitch=(5, 40),
    yaw=42,
)
