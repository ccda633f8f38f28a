"""Tins of food and cans of drink."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import (
    EMBLEMS,
    FOOD_LAYOUTS,
    MOTIFS,
    emblem,
    food_wrap,
)
from findalike.data.simulate.mesh import disc, lathe, tube
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import ink
from findalike.data.simulate.products.parts import printed, steel, turned
from findalike.data.simulate.spec import Kind, ProductSpec


def _lid(radius: float, z: float) -> list[Part]:
    """The stamped end of a tin."""
    rings = Sheet(128, 128, (200, 202, 205))
    for share, tone in ((0.98, 168), (0.9, 208), (0.72, 176), (0.68, 204), (0.4, 196)):
        rings.disc(64, 64, 64 * share, (tone, tone + 1, tone + 3))
    plain = Material(rings.pixels, roughness=0.25, metal=True)
    return [
        Part(disc(radius * 0.94, z - 0.25), plain),
        Part(lathe([(radius * 0.94, z - 0.25), (radius * 0.96, z)], inside=True), steel()),
    ]


def build_tin(spec: ProductSpec) -> Model:
    """A tin with beaded rims and a paper label."""
    radius, height = {"regular": (3.7, 11), "flat": (4.2, 5.6), "tall": (3.3, 12.5)}[spec.shape]
    label = food_wrap(
        spec, 1024, round(1024 * height / (2 * np.pi * radius) * 0.9), "choice", "400 g"
    )
    paper = Material(label.pixels, roughness=0.35, specular=0.04)
    rim = [
        (radius * 0.96, height),
        (radius * 1.015, height - 0.08),
        (radius * 1.02, height - 0.3),
        (radius * 0.99, height - 0.42),
        (radius * 0.985, height - 0.55),
    ]
    foot = [(r, height - z) for r, z in reversed(rim)]
    wall = np.linspace(height - 0.55, 0.55, 6)
    return assemble(
        [
            Part(lathe([(radius, z) for z in wall]), paper),
            Part(lathe(rim), steel()),
            Part(lathe(foot), steel()),
            *_lid(radius, height),
        ]
    )


TIN = Kind(
    name="tin",
    noun="Tin",
    category="Grocery/Tins",
    build=build_tin,
    shapes=("regular", "flat", "tall"),
    materials=("steel",),
    colours=(
        "red",
        "green",
        "navy",
        "cream",
        "yellow",
        "teal",
        "orange",
        "white",
        "burgundy",
        "black",
    ),
    patterns=("plain", "stripes"),
    motifs=(
        "Tomato",
        "Peach",
        "Kidney Beans",
        "Sweetcorn",
        "Mushroom",
        "Carrot",
        "Plum",
        "Chili",
        "Cherry",
    ),
    layouts=FOOD_LAYOUTS,
    axes=("motif", "colour"),
    price=(0.8, 4.5),
    pitch=(6, 50),
    yaw=30,
)


def build_drink(spec: ProductSpec) -> Model:
    """An aluminium drinks can, printed all over."""
    radius, height = {"slim": (2.7, 15.2), "classic": (3.3, 12.2)}[spec.shape]
    body = [
        (radius * 0.84, height - 0.35),
        (radius * 0.97, height - 1.2),
        (radius, height - 1.7),
        (radius, height / 2),
        (radius, 1.1),
        (radius * 0.93, 0.4),
        (radius * 0.8, 0),
    ]
    skin = Sheet.of(printed(spec, 1024, 768, (8, 6)))
    base = spec.tint(spec.colour)
    for centre in (0.5, 0.0, 1.0):
        x = centre * 1024
        if spec.pattern != "plain":
            skin.ellipse(x, 380, 165, 245, base)
        emblem(skin, spec, (x - 125, 200, 250, 350), ink(base), spec.tint(spec.accent))
    print_ = Material(skin.pixels, roughness=0.2, specular=0.16)
    r = radius * 0.84
    rim = [
        (r * 0.93, height - 0.05),
        (r * 1.0, height),
        (r * 1.03, height - 0.12),
        (r, height - 0.35),
    ]
    tab = tube(
        [(-0.1, -r * 0.55, height - 0.2), (0, 0.25, height - 0.12)], [0.55, 0.4], flatten=0.2
    )
    return assemble(
        [
            Part(turned(body, count=26), print_),
            Part(lathe(rim), steel()),
            *_lid(r, height),
            Part(tab, steel()),
        ]
    )


DRINK = Kind(
    name="drink",
    noun="Soda Can",
    category="Drinks/Soft Drinks",
    build=build_drink,
    shapes=("slim", "classic"),
    materials=("aluminium",),
    colours=(
        "red",
        "black",
        "sky",
        "mint",
        "orange",
        "magenta",
        "white",
        "blue",
        "yellow",
        "purple",
        "teal",
    ),
    patterns=("plain", "fade", "zigzag", "waves", "dots", "diagonal", "camo", "scales", "blocks"),
    motifs=MOTIFS,
    layouts=EMBLEMS,
    axes=("colour", "motif", "pattern"),
    price=(0.9, 3),
    pitch=(6, 45),
    yaw=35,
)
