"""Materials and shapes shared by several kinds of product."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.mesh import Mesh, lathe, spline
from findalike.data.simulate.model import Material
from findalike.data.simulate.palette import Colour
from findalike.data.simulate.patterns import swatch
from findalike.data.simulate.spec import ProductSpec
from findalike.data.simulate.textures import relief
from findalike.types import Pixels


def solid(colour: Colour) -> Pixels:
    """A texture of one colour."""
    return np.full((8, 8, 3), colour, dtype=np.uint8)


def glossy(texture: Pixels, *, roughness: float = 0.15, specular: float = 0.045) -> Material:
    """Glaze, lacquer, moulded plastic."""
    return Material(texture, roughness=roughness, specular=specular)


def steel(colour: Colour = (190, 192, 196), *, roughness: float = 0.25) -> Material:
    """Bare or coloured metal."""
    return Material(
        solid(colour),
        roughness=roughness,
        metal=True,
        bump=relief("brushed"),
        bump_repeat=(1, 2),
        bump_strength=0.5,
    )


def cloth(
    texture: Pixels,
    weave: str = "canvas",
    *,
    repeat: tuple[float, float] = (8, 8),
    strength: float = 1.0,
    two_sided: bool = False,
) -> Material:
    """Woven or knitted fabric."""
    return Material(
        texture,
        roughness=0.9,
        specular=0.02,
        sheen=0.3,
        bump=relief(weave),
        bump_repeat=repeat,
        bump_strength=strength,
        two_sided=two_sided,
    )


def leather(texture: Pixels, *, repeat: tuple[float, float] = (5, 5)) -> Material:
    """Grained leather with a dull shine."""
    return Material(
        texture,
        roughness=0.45,
        specular=0.04,
        bump=relief("leather"),
        bump_repeat=repeat,
        bump_strength=0.7,
    )


def wooden(
    colour: Colour, *, repeat: tuple[float, float] = (1, 1), upright: bool = True
) -> Material:
    """Oiled wood with visible grain; it runs along v when ``upright``, else along u."""
    slope = relief("wood")
    if upright:
        slope = np.ascontiguousarray(slope.transpose(1, 0, 2)[..., ::-1])
    grain = slope[..., 0 if upright else 1] * 60
    tone = np.clip(np.array(colour, dtype=np.float32) + grain[..., None] * (1, 0.8, 0.6), 0, 255)
    return Material(
        tone.astype(np.uint8),
        repeat=repeat,
        roughness=0.5,
        bump=slope,
        bump_repeat=repeat,
        bump_strength=0.6,
    )


def printed(spec: ProductSpec, width: int, height: int, repeats: tuple[int, int]) -> Pixels:
    """The product's pattern in its colours."""
    colours = (spec.tint(spec.colour), spec.tint(spec.accent))
    return swatch(spec.pattern, (width, height), colours, repeats, spec.rng(3))


def along(knots: ArrayLike, count: int) -> NDArray[np.float64]:
    """Points on a smooth curve through the knots, evenly spaced by length, (count, d)."""
    line = spline(knots, count * 5)
    step = np.sqrt((np.diff(line, axis=0) ** 2).sum(axis=1))
    length = np.concatenate([[0], np.cumsum(step)])
    even = np.linspace(0, length[-1], count)
    return np.stack([np.interp(even, length, column) for column in line.T], axis=-1)


def turned(knots: ArrayLike, *, count: int = 20, segments: int = 34, squash: float = 1.0) -> Mesh:
    """A lathe through a smooth profile; its texture runs evenly along the profile."""
    return lathe(along(knots, count), segments=segments, squash=squash)


def size_factor(spec: ProductSpec, spread: float = 0.08) -> float:
    """A little larger or smaller than usual, the same for all variants."""
    return float(1 + spec.rng(5).uniform(-spread, spread))


def stitches(sheet: Sheet, ends: ArrayLike, colour: Colour, *, length: float = 9.0) -> None:
    """A row of stitches from the first to the last of two points."""
    (x0, y0), (x1, y1) = np.asarray(ends, dtype=np.float64)
    reach = float(np.hypot(x1 - x0, y1 - y0))
    count = max(round(reach / length), 1)
    for k in range(count):
        a, b = k / count, (k + 0.62) / count
        sheet.stroke(
            [(x0 + (x1 - x0) * a, y0 + (y1 - y0) * a), (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)],
            2,
            colour,
        )


def zipper(sheet: Sheet, line: ArrayLike, colour: Colour) -> None:
    """A zip along a line: the tape, the teeth and a slider near its start."""
    p = along(line, 60)
    sheet.stroke(p, 13, colour)
    sheet.stroke(p, 5, (34, 34, 36))
    for a, b in itertools.pairwise(p):
        middle = (a + b) / 2
        sheet.disc(middle[0], middle[1], 1.8, (176, 176, 180))
    x, y = p[6]
    sheet.rectangle(x - 6, y - 5, 12, 26, (186, 186, 190))
    sheet.rectangle(x - 3, y + 4, 6, 12, (90, 90, 94))


def tapered(mesh: Mesh, height: float, *, top: float, swell: float = 0.0) -> Mesh:
    """A bag's side drawn in (or out) towards the top by a factor, its front swelling out."""
    p = mesh.points.copy()
    t = np.clip(p[:, 2] / height, 0, 1)
    factor = 1 + (top - 1) * t**2
    p[:, 0] *= factor
    p[:, 1] *= factor * (1 + swell * np.sin(np.pi * t) * (p[:, 1] < 0))
    return dataclasses.replace(mesh, points=p)
