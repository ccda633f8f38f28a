"""Bottles of wine."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import MOTIFS, emblem, small_print
from findalike.data.simulate.mesh import disc, lathe
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import ink
from findalike.data.simulate.products.parts import along, glossy, printed, solid
from findalike.data.simulate.spec import Kind, ProductSpec

_WINES = {
    "bordeaux": [
        (1.45, 24),
        (1.45, 21.5),
        (1.7, 20.3),
        (3.5, 18),
        (3.72, 16),
        (3.72, 1),
        (3.5, 0.1),
    ],
    "burgundy": [(1.5, 23), (1.5, 21), (2.1, 18.5), (3.6, 13.5), (4.1, 10), (4.1, 1), (3.9, 0.1)],
    "squat": [(1.4, 19), (1.4, 17.4), (3.2, 15.8), (4.6, 13), (4.7, 10), (4.5, 1), (4.2, 0.1)],
}

_GLASS = {"green": (20, 44, 26), "amber": (64, 34, 12), "flint": (196, 206, 198)}


def build_wine(spec: ProductSpec) -> Model:
    """A glass bottle with a capsule over its neck and a paper label."""
    profile = along(_WINES[spec.shape], 30)
    glass = glossy(solid(_GLASS[spec.material]), roughness=0.04, specular=0.06)
    neck = profile[profile[:, 1] > profile[0, 1] * 0.82]
    foil = Material(solid(spec.tint(spec.trim)), roughness=0.4, specular=0.12)
    capsule = np.concatenate(
        [[(0.9, profile[0, 1] + 0.5), (1.5, profile[0, 1] + 0.45)], neck + np.array([0.06, 0])]
    )
    straight = profile[:, 0] > profile[:, 0].max() - 0.06
    low, high = profile[straight, 1].min() + 0.9, profile[straight, 1].max() - 0.4
    high = min(high, low + 9.5)
    radius = profile[:, 0].max() + 0.03
    paper = _wine_label(spec)
    band = lathe([(radius, high), (radius, (low + high) / 2), (radius, low)])
    return assemble(
        [
            Part(lathe(profile), glass),
            Part(lathe(capsule), foil),
            Part(disc(1.0, profile[0, 1] + 0.5), foil),
            Part(band, Material(paper, roughness=0.75, specular=0.03), layer=1),
        ]
    )


def _wine_label(spec: ProductSpec) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The paper as a cut-out that covers the front and a small one at the back, (h, w, 4)."""
    width, height = 1024, 400
    base = spec.tint(spec.colour)
    sheet = Sheet(width, height, base)
    tone = spec.tint(spec.accent)
    main = ink(base)
    if spec.pattern != "plain":
        strip = printed(spec, width, 90, (16, 2))
        sheet.paste(strip, 0, height - 100)
    for inset, colour in ((10, tone), (18, tone)):
        sheet.stroke(
            [
                (260 + inset, inset),
                (764 - inset, inset),
                (764 - inset, height - inset),
                (260 + inset, height - inset),
            ],
            2,
            colour,
            closed=True,
        )
    emblem(sheet, spec, (340, 40, 344, 250), main, tone)
    small_print(sheet, (430, 310, 164, 24), main, 2, spec.rng(4))
    small_print(sheet, (20, 60, 130, 200), main, 12, spec.rng(6))
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[:, 256:768] = 255
    mask[20:-20, :170] = 255
    return np.dstack([sheet.pixels, mask])


WINE = Kind(
    name="wine",
    noun="Wine",
    category="Drinks/Wine",
    build=build_wine,
    shapes=tuple(_WINES),
    materials=tuple(_GLASS),
    colours=("cream", "white", "black", "sand", "burgundy", "navy", "mint"),
    trims=("burgundy", "black", "mustard", "navy", "forest", "red", "white", "charcoal"),
    patterns=("plain", "plain", "zigzag", "leaves", "diagonal", "scales"),
    motifs=MOTIFS,
    layouts=("stack", "arch", "big", "frame", "initial"),
    axes=("trim", "colour", "motif"),
    price=(6, 48),
    pitch=(3, 30),
    yaw=30,
)
