"""Chairs and stools."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.mesh import Mesh, grid, moved, plate, rotation, slab, tube
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.products.parts import (
    along,
    cloth,
    glossy,
    leather,
    printed,
    solid,
    steel,
    wooden,
)
from findalike.data.simulate.spec import Kind, ProductSpec, View

_WOODS = {"oak": (176, 132, 86), "walnut": (96, 62, 40), "beech": (206, 168, 122)}


_SEAT, _HALF, _SPREAD = 44.0, 17.0, 4.5
"""Height of the seat, half the distance of the legs there, and how far they lean out."""


def _legs(spec: ProductSpec, seat: float, half: float, material: Material) -> list[Part]:
    """Four legs and two bars between them."""
    parts = []
    thick = 1.3 if spec.material in _WOODS else 0.9
    foot = half + _SPREAD
    taper = np.linspace(thick * 1.25, thick * 0.8, 8)
    for x in (-1, 1):
        for y in (-1, 1):
            line = np.linspace((x * half, y * half, seat), (x * foot, y * foot, thick), 8)
            parts.append(Part(tube(line, taper, up=(0, 1, 0.01), sides=10), material))
    bar = half + _SPREAD * 0.5
    for y in (-1, 1):
        line = np.linspace((-bar, y * bar, seat * 0.42), (bar, y * bar, seat * 0.42), 6)
        parts.append(Part(tube(line, thick * 0.55, up=(0, 1, 0), sides=8), material))
    return parts


def _shell(width: float, depth: float, seat: float, height: float) -> Mesh:
    """A moulded sheet that is seat below and back above, seen from the front."""
    side = along(
        [
            (-depth * 0.5, seat - 1.5),
            (-depth * 0.38, seat + 0.5),
            (depth * 0.1, seat - 1.2),
            (depth * 0.36, seat + 3),
            (depth * 0.5, seat + 16),
            (depth * 0.66, height),
        ],
        24,
    )[::-1]
    across = np.linspace(-1, 1, 17)
    t = np.linspace(1, 0, 24)[:, None]
    half = (
        width
        / 2
        * (0.86 + 0.14 * np.sin(np.pi * np.clip(t * 1.1, 0, 1)))
        * np.where(t > 0.86, np.sqrt(np.maximum(1 - ((t - 0.86) / 0.16) ** 2, 0.05)), 1)
    )
    curl = 5.5 * across**4
    x = across * half
    y = side[:, :1] - curl * np.clip(t * 1.6 - 0.5, 0, 1)
    z = side[:, 1:] + curl * np.clip(1 - t * 1.6, 0, 1) * 0.8
    return grid(np.stack([x, y, z], -1))


def _frame(spec: ProductSpec) -> Material:
    if spec.material in _WOODS:
        return wooden(_WOODS[spec.material], repeat=(1, 2))
    if spec.material == "chrome":
        return steel((200, 202, 205))
    return glossy(solid(spec.tint(spec.trim)), roughness=0.5)


def build_chair(spec: ProductSpec) -> Model:
    """A dining chair with a moulded shell, slats or padding, or a stool."""
    frame = _frame(spec)
    if spec.shape == "stool":
        return assemble([*_legs(spec, 60, 10, frame), *_round_seat(spec)])
    if spec.shape == "shell":
        skin = Material(printed(spec, 512, 640, (6, 8)), roughness=0.35, two_sided=True)
        shell = Part(_shell(44, 42, _SEAT + 2, 82), skin, layer=1)
        return assemble([*_legs(spec, _SEAT - 1, 12, frame), shell])
    legs = _legs(spec, _SEAT, _HALF, frame)
    posts = []
    for x in (-_HALF, _HALF):
        path = [(x, _HALF, _SEAT), (x, _HALF + 3, _SEAT + 22), (x * 0.98, _HALF + 8, 88)]
        posts.append(Part(tube(along(path, 12), 1.35, up=(1, 0, 0), sides=10), frame))
    body = _padding(spec) if spec.shape == "padded" else _slats(spec)
    return assemble([*legs, *posts, *body])


def _round_seat(spec: ProductSpec) -> list[Part]:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([17 * np.cos(angle), 17 * np.sin(angle)], axis=-1)
    cover = leather(printed(spec, 320, 320, (5, 5)))
    rim = leather(solid(spec.tint(spec.colour)), repeat=(8, 1))
    meshes = plate(circle, 5.0, bevel=1.8)
    return [Part(moved(m, (0, 0, 59)), cover if k == 0 else rim) for k, m in enumerate(meshes)]


def _padding(spec: ProductSpec) -> list[Part]:
    """An upholstered seat and back."""
    cover = cloth(printed(spec, 512, 512, (7, 7)), "canvas", repeat=(12, 12))
    seat, back = slab((42, 40, 6.5), bevel=1.2), slab((38, 5, 26), bevel=2.0)
    parts = [Part(moved(m, (0, 0, _SEAT - 1)), cover) for m in seat.values()]
    lean = rotation(pitch=-11.5)
    return parts + [Part(moved(m, (0, _HALF + 3.2, 60), turn=lean), cover) for m in back.values()]


def _slats(spec: ProductSpec) -> list[Part]:
    """A wooden seat and three painted slats."""
    base = spec.tint(spec.colour)
    board = wooden(_WOODS.get(spec.material, base))
    parts = [Part(moved(m, (0, 0, _SEAT - 1)), board) for m in slab((42, 40, 2.6)).values()]
    paint = glossy(solid(base), roughness=0.45)
    for k, z in enumerate((60, 70, 80)):
        bar = slab((_HALF * 2, 1.4, 5.5), bevel=0.5)
        parts += [Part(moved(m, (0, _HALF + 3.6 + 1.9 * k, z)), paint) for m in bar.values()]
    return parts


CHAIR = Kind(
    name="chair",
    noun="Chair",
    category="Furniture/Chairs",
    build=build_chair,
    shapes=("shell", "slat", "padded", "stool"),
    materials=("oak", "walnut", "beech", "chrome", "painted"),
    colours=(
        "white",
        "black",
        "mustard",
        "teal",
        "red",
        "grey",
        "olive",
        "navy",
        "coral",
        "mint",
        "cream",
    ),
    trims=("black", "white", "charcoal", "brown"),
    patterns=(
        "plain",
        "plain",
        "plain",
        "stripes",
        "gingham",
        "tartan",
        "zigzag",
        "leaves",
        "argyle",
    ),
    axes=("colour", "pattern", "shape"),
    hides=(("slat", "pattern"),),
    price=(35, 190),
    views=(
        View("front", 0, 12),
        View("angled", 36, 18),
        View("back", 165, 14),
        View("detail", 24, 22, zoom=1.8, aim=0.62),
    ),
    grounds=("floor",),
    pitch=(10, 36),
    yaw=55,
)
