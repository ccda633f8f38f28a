"""Jars of preserve."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.food import FLAVOURS
from findalike.data.simulate.labels import (
    food_wrap,
)
from findalike.data.simulate.mesh import disc, lathe
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, lighter
from findalike.data.simulate.patterns import swatch
from findalike.data.simulate.products.parts import along, glossy, solid
from findalike.data.simulate.spec import Kind, ProductSpec


def build_jar(spec: ProductSpec) -> Model:
    """A glass jar of jam with a label and a screw lid."""
    knots = {
        "straight": [(3.2, 9.4), (3.6, 8.9), (3.7, 8), (3.7, 4), (3.7, 0.7), (3.3, 0.05)],
        "belly": [(2.9, 8.6), (3.5, 8), (4.3, 5.5), (4.3, 3), (3.6, 0.5), (3.2, 0.05)],
        "facet": [(3.0, 10.6), (3.3, 10), (3.35, 9), (3.35, 5), (3.35, 0.7), (3.0, 0.05)],
    }[spec.shape]
    segments = 8 if spec.shape == "facet" else 34
    profile = along(knots, 22)
    top = profile[0, 1]
    fruit = FLAVOURS[spec.motif].colour
    content = Material(
        swatch(
            "speckle", (256, 128), (darker(fruit, 0.3), darker(fruit, 0.55)), (8, 4), spec.rng(9)
        ),
        roughness=0.3,
    )
    filled = np.clip(profile[profile[:, 1] < top - 1.2] - (0.18, 0), 0, None)
    glass = Material(solid((228, 234, 232)), roughness=0.04, specular=0.05, opacity=0.1)
    radius = profile[:, 0].max() + 0.03
    low, high = 0.22 * top, 0.74 * top
    label = food_wrap(spec, 1024, 300, "preserve", "340 g")
    mask = np.zeros((300, 1024), dtype=np.uint8)
    mask[:, 225:800] = 255
    if spec.shape == "belly":
        band = along(
            [
                (np.interp(z, profile[::-1, 1], profile[::-1, 0]) + 0.03, z)
                for z in np.linspace(high, low, 6)
            ],
            8,
        )
    else:
        band = np.array([(radius, z) for z in np.linspace(high, low, 4)])
    lid_radius = profile[0, 0] + 0.35
    cover = [
        (lid_radius * 0.2, top + 1.35),
        (lid_radius * 0.93, top + 1.3),
        (lid_radius, top + 1.1),
        (lid_radius, top + 0.1),
        (lid_radius * 0.97, top - 0.05),
    ]
    trim = spec.tint(spec.trim)
    gingham = swatch(spec.pattern, (512, 256), (lighter(trim, 0.75), trim), (24, 12), spec.rng(3))
    return assemble(
        [
            Part(lathe(filled, segments=segments), content),
            Part(lathe(profile, segments=segments), glass, layer=1),
            Part(lathe(band), Material(np.dstack([label.pixels, mask]), roughness=0.6), layer=2),
            Part(lathe(along(cover, 14)), glossy(gingham, roughness=0.3), layer=2),
            Part(
                disc(lid_radius * 0.93, top + 1.31),
                glossy(gingham[:, :256], roughness=0.3),
                layer=2,
            ),
        ]
    )


JAR = Kind(
    name="jar",
    noun="Preserve",
    category="Grocery/Jars",
    build=build_jar,
    shapes=("straight", "belly", "facet"),
    materials=("glass",),
    colours=("cream", "white", "mint", "sand", "black", "pink"),
    trims=("red", "black", "green", "mustard", "navy", "white", "burgundy"),
    patterns=("plain", "gingham", "dots"),
    motifs=(
        "Strawberry",
        "Blueberry",
        "Peach",
        "Plum",
        "Cherry",
        "Orange",
        "Apple",
        "Lemon",
        "Cocoa",
        "Almond",
    ),
    layouts=("oval", "burst", "card"),
    axes=("motif", "trim", "pattern"),
    price=(2.5, 9),
    pitch=(6, 45),
    yaw=28,
)
