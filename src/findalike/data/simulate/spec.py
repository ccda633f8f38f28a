"""What one simulated product is: every choice that can be seen in its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from findalike.data.simulate.model import Model
from findalike.data.simulate.palette import COLOURS, Colour

Axis: TypeAlias = Literal["shape", "colour", "trim", "pattern", "motif"]
"""A field of :class:`ProductSpec` in which variants of one product may differ."""

Ground: TypeAlias = Literal["table", "floor", "bed"]


@dataclass(frozen=True, slots=True)
class ProductSpec:
    """All that decides how a product looks.

    Attributes:
        kind: key of the registry of kinds.
        shape: one of the kind's shapes ("tapered", "crew").
        material: what it is made of ("stoneware", "leather").
        colour: main colour, a name of the palette.
        trim: colour of handles, laces, straps, lids.
        pattern: name of a pattern, "plain" for none.
        accent: second colour of the pattern.
        motif: picture printed on it, or flavour of what is inside; "" for none.
        brand: invented name printed on it.
        layout: how the print is set.
        style: lettering of the brand.
        grain: seed of everything left to chance (proportions, placement of a pattern).
    """

    kind: str
    shape: str
    material: str
    colour: str
    trim: str
    pattern: str
    accent: str
    motif: str
    brand: str
    layout: str
    style: str
    grain: int

    def rng(self, stream: int = 0) -> np.random.Generator:
        """Chance that belongs to this product; the same for its variants."""
        return np.random.default_rng(np.random.SeedSequence(self.grain, spawn_key=(stream,)))

    def tint(self, name: str) -> Colour:
        """A named colour as this maker's dye comes out: a little off, the same for all variants."""
        number = list(COLOURS).index(name)
        shift = self.rng(1000 + number).normal(0, 7, 3)
        r, g, b = (
            int(np.clip(round(c + s), 8, 247)) for c, s in zip(COLOURS[name], shift, strict=True)
        )
        return r, g, b


@dataclass(frozen=True, slots=True)
class View:
    """A seller's picture: turn of the product and height of the camera, both in degrees.

    Attributes:
        name: "front", "angled", "back", "detail", "side" or "top".
        yaw: turn of the product about its upright axis.
        pitch: of the camera, 0 level, 90 straight down.
        zoom: above 1 shows a part only.
        aim: height the camera looks at, as a share of the product's, for zoomed views.
        turned_over: the product lies on its face.
    """

    name: str
    yaw: float
    pitch: float
    zoom: float = 1.0
    aim: float = 0.5
    turned_over: bool = False


STANDING = (
    View("front", 0, 12),
    View("angled", 32, 20),
    View("back", 176, 14),
    View("detail", -14, 16, zoom=1.9, aim=0.6),
)
LYING = (
    View("front", 0, 82),
    View("angled", 24, 52),
    View("detail", 8, 70, zoom=1.9),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of product and the range of its choices.

    Attributes:
        name: key in the registry.
        noun: for titles.
        category: path from broad to narrow.
        build: makes the 3D model of a spec.
        shapes, materials, colours, trims, patterns, motifs, layouts: what a spec may choose.
        axes: what variants may differ in.
        price: lowest and highest usual price.
        views: the seller's views, the most usual first.
        grounds: where shoppers photograph it.
        pitch: range of a shopper's camera height in degrees.
        yaw: range of its turn in a shopper's photo, both ways from the front, in degrees.
        hides: pairs of a choice (a shape, material or layout) and an axis that cannot be seen
            with it.
    """

    name: str
    noun: str
    category: str
    build: Callable[[ProductSpec], Model]
    shapes: tuple[str, ...]
    materials: tuple[str, ...]
    colours: tuple[str, ...]
    axes: tuple[Axis, ...]
    price: tuple[float, float]
    trims: tuple[str, ...] = ("black", "white", "charcoal", "tan")
    patterns: tuple[str, ...] = ("plain",)
    motifs: tuple[str, ...] = ("",)
    layouts: tuple[str, ...] = ("stack",)
    views: tuple[View, ...] = STANDING
    grounds: tuple[Ground, ...] = ("table",)
    pitch: tuple[float, float] = (12.0, 48.0)
    yaw: float = 45.0
    hides: tuple[tuple[str, Axis], ...] = ()
