"""Bottles of shampoo."""

from __future__ import annotations

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import emblem, small_print
from findalike.data.simulate.mesh import lathe, tube
from findalike.data.simulate.model import Model, Part, assemble
from findalike.data.simulate.palette import darker, ink
from findalike.data.simulate.products.parts import along, glossy, printed, solid, turned
from findalike.data.simulate.spec import Kind, ProductSpec

_SHAMPOOS = {
    "oval": ([(1.6, 15.5), (2.8, 15), (3.6, 13.5), (3.7, 7), (3.6, 1), (3.2, 0.1)], 0.55),
    "round": ([(1.8, 16), (3.0, 15.5), (3.2, 14), (3.2, 7), (3.2, 0.8), (3.0, 0.1)], 1.0),
    "waisted": ([(1.6, 17), (2.9, 16.3), (3.3, 14), (2.8, 8.5), (3.4, 2), (3.1, 0.1)], 0.6),
}


def build_shampoo(spec: ProductSpec) -> Model:
    """A plastic bottle with a flip cap or a pump."""
    knots, squash = _SHAMPOOS[spec.shape]
    profile = along(knots, 24)
    top = profile[0, 1]
    base = spec.tint(spec.colour)
    skin = Sheet(1024, 512, base)
    tone = spec.tint(spec.accent)
    for left in (0.36, -0.14, 0.86):
        x = left * 1024
        if spec.pattern != "plain":
            skin.paste(printed(spec, 287, 120, (5, 2)), round(x), 360)
        emblem(skin, spec, (x + 20, 100, 247, 215), ink(base), tone)
        small_print(skin, (x + 60, 330, 160, 24), ink(base), 2, spec.rng(4))
    body = glossy(skin.pixels, roughness=0.22)
    trim = glossy(solid(spec.tint(spec.trim)), roughness=0.3)
    parts = [Part(lathe(profile, squash=squash), body)]
    if spec.material == "pump":
        collar = [(1.2, top + 1.6), (1.5, top + 1.5), (1.5, top - 0.1)]
        parts.append(Part(lathe(collar), trim))
        parts.append(Part(tube([(0, 0, top + 1.4), (0, 0, top + 3.4)], 0.35, up=(0, 1, 0)), trim))
        parts.append(
            Part(
                tube(
                    [(0.9, 0, top + 3.5), (-0.4, 0, top + 3.6), (-2.4, 0, top + 3.1)],
                    [0.8, 0.75, 0.35],
                    up=(0, 1, 0),
                ),
                trim,
            )
        )
    else:
        r = 2.0
        cap = [(r * 0.3, top + 2.7), (r * 0.92, top + 2.6), (r, top + 2.3), (r * 1.08, top - 0.4)]
        parts.append(Part(turned(cap, count=10, squash=max(squash, 0.7)), trim))
        parts.append(
            Part(
                lathe([(r * 1.05, top + 0.5), (r * 1.06, top + 0.42)], squash=max(squash, 0.7)),
                glossy(solid(darker(spec.tint(spec.trim), 0.5))),
            )
        )
    return assemble(parts)


SHAMPOO = Kind(
    name="shampoo",
    noun="Shampoo",
    category="Beauty/Hair Care",
    build=build_shampoo,
    shapes=tuple(_SHAMPOOS),
    materials=("pump", "flip"),
    colours=(
        "white",
        "mint",
        "pink",
        "lilac",
        "teal",
        "coral",
        "sky",
        "cream",
        "black",
        "green",
        "purple",
    ),
    trims=("white", "black", "charcoal", "mustard", "teal", "pink"),
    patterns=("plain", "leaves", "waves", "dots", "floral", "diagonal"),
    motifs=("Leaf", "Flower", "Drop", "Wave", "Sun", "Moon", "Pine", "Palm", "Diamond", "Heart"),
    layouts=("stack", "arch", "big", "line", "initial", "frame"),
    axes=("colour", "motif", "trim"),
    price=(3, 19),
    pitch=(5, 45),
    yaw=30,
)
