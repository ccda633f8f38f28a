"""Sunglasses standing on a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.mesh import (
    Mesh,
    grid,
    mirrored,
    tube,
)
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, lighter, mix
from findalike.data.simulate.products.parts import (
    along,
    glossy,
    printed,
    steel,
)
from findalike.data.simulate.spec import Kind, ProductSpec, View

_BEND = 0.045
# A drop that hangs outwards, anticlockwise from its outer end.
_AVIATOR = (
    (2.75, 0.6),
    (2.0, 1.75),
    (0.0, 2.0),
    (-2.0, 1.7),
    (-2.6, 0.6),
    (-2.0, -0.9),
    (-0.5, -2.1),
    (1.0, -2.4),
    (2.3, -1.5),
)


def _lens(shape: str) -> NDArray[np.float64]:
    """Outline of the right lens in its plane (x, z), counter-clockwise."""
    t = np.linspace(0, 2 * np.pi, 56, endpoint=False)
    c, s = np.cos(t), np.sin(t)
    if shape == "round":
        return np.stack([2.45 * c, 2.45 * s], -1)
    if shape == "wayfarer":
        x = 2.75 * np.sign(c) * abs(c) ** 0.62
        return np.stack([x * (1 + 0.1 * s), 2.1 * np.sign(s) * abs(s) ** 0.72 + 0.14 * x], -1)
    if shape == "aviator":
        return along([*_AVIATOR, _AVIATOR[0]], 57)[:-1]
    x = 2.9 * np.sign(c) * abs(c) ** 0.8
    return np.stack(
        [
            x,
            1.85 * np.sign(s) * abs(s) ** 0.8 + 0.42 * np.maximum(c, 0) ** 2 * (s > -0.3) * (1 + s),
        ],
        -1,
    )


def build_sunglasses(spec: ProductSpec) -> Model:
    """Two rims with tinted lenses, a bridge and temples, standing on a table."""
    metal = spec.material == "metal"
    gold = spec.rng(35).random() < 0.5
    frame = (
        steel((206, 172, 104) if gold else (190, 192, 196), roughness=0.15)
        if metal
        else glossy(printed(spec, 512, 512, (6, 6)), roughness=0.12)
    )
    thick = 0.16 if metal else 0.32
    outline = _lens(spec.shape)
    lift = -float(outline[:, 1].min()) + thick
    middle = max(3.25, float(outline[:, 0].max()) + thick + 0.35)
    ends = np.concatenate([outline, outline[:1]])
    x = ends[:, 0] + middle
    right = np.stack([x, _BEND * x**2, ends[:, 1] + lift], -1)
    rim = tube(right, thick, up=(0, 1, 0), flatten=0.9 if metal else 0.7, sides=10, caps=False)
    arm = _temple(float(x.max()), lift, thick, metal=metal)
    parts = []
    pane = _pane(ends[::-1], middle, lift)
    for mesh, material, layer in ((arm, frame, 0), (pane, _glass(spec), 1), (rim, frame, 2)):
        parts += [Part(mesh, material, layer), Part(mirrored(mesh), material, layer)]
    gap = middle - float(outline[:, 0].max())
    bars = [((gap + 0.15, lift + 0.55), lift + 1.0)]
    if spec.shape == "aviator":
        bars.append(((gap + 0.9, lift + 2.0), lift + 2.15))
    for (side, low), high in bars:
        bridge = along([(-side, 0, low), (0, -0.1, high), (side, 0, low)], 10)
        bar = tube(bridge, thick * 0.95, up=(0, 1, 0), sides=8, caps=False)
        parts.append(Part(bar, frame, 2))
    return assemble(parts)


def _glass(spec: ProductSpec) -> Material:
    """Tinted glass, darker at its top."""
    tint = spec.tint(spec.trim)
    shade = Sheet(64, 64, tint)
    for y in range(64):
        shade.rectangle(0, y, 64, 1, mix(darker(tint, 0.65), lighter(tint, 0.15), y / 63))
    return Material(shade.pixels, roughness=0.03, specular=0.09, opacity=0.88, two_sided=True)


def _pane(outline: NDArray[np.float64], middle: float, lift: float) -> Mesh:
    """A slightly domed lens that fills an outline."""
    share = np.linspace(0, 1, 5)[:, None, None]
    spread = outline * share
    x = spread[..., 0] + middle
    y = _BEND * x**2 - 0.12 * (1 - share[..., 0] ** 2)
    low, high = outline.min(axis=0), outline.max(axis=0)
    uv = (spread - low) / (high - low)
    return grid(
        np.stack([x, y, spread[..., 1] + lift], -1),
        uv=np.stack([uv[..., 0], 1 - uv[..., 1]], -1),
    )


def _temple(outer: float, lift: float, thick: float, *, metal: bool) -> Mesh:
    """The right arm, from its hinge back and down behind the ear."""
    path = [
        (outer - 0.1, _BEND * outer**2 + 0.2, lift + 1.0),
        (outer + 0.1, 5, lift + 0.95),
        (outer - 0.1, 9.5, lift + 0.6),
        (outer - 0.4, 13.4, 0.9),
        (outer - 0.5, 14.2, 0.3),
    ]
    size = thick * (1.0 if metal else 1.15)
    flatten = 1.0 if metal else 0.45
    return tube(along(path, 22), size, flatten=flatten, up=(1, 0, 0), sides=8)


SUNGLASSES = Kind(
    name="sunglasses",
    noun="Sunglasses",
    category="Accessories/Sunglasses",
    build=build_sunglasses,
    shapes=("round", "wayfarer", "aviator", "cat-eye"),
    materials=("acetate", "acetate", "metal"),
    colours=("black", "brown", "navy", "red", "cream", "teal", "tan", "pink", "forest", "white"),
    trims=("charcoal", "brown", "navy", "forest", "burgundy", "sky", "orange", "purple", "pink"),
    patterns=("plain", "plain", "marble", "camo", "stripes", "speckle"),
    axes=("trim", "colour", "shape"),
    hides=(("metal", "colour"),),
    price=(12, 140),
    views=(
        View("front", 0, 10),
        View("angled", 34, 20),
        View("top", 16, 52),
        View("detail", -24, 14, zoom=1.9),
    ),
    pitch=(14, 55),
    yaw=45,
)
