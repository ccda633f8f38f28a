"""Light rigs: what shines on a scene, as small pictures of the surroundings to look up.

A rig is a directional key light that casts shadows plus surroundings. The surroundings are
stored on an octahedral map of directions (Praun and Hoppe, "Spherical parametrization and
remeshing", 2003), once for diffuse light and once for each of four levels of gloss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from findalike.data.simulate.mesh import Floats

Triple: TypeAlias = tuple[float, float, float]

GLOSS_LEVELS = (0.03, 0.14, 0.32, 0.6)
"""Softness of the reflections on each level, in units of the direction vector."""

_MAP_SIDE = 64
_IRRADIANCE_SIDE = 14


@dataclass(frozen=True, slots=True)
class Panel:
    """A bright rectangle far away: a softbox, a window, a ceiling lamp.

    Attributes:
        direction: from the scene towards the panel's middle.
        size: half-width and half-height as tangents of the angle.
        colour: linear RGB radiance.
    """

    direction: Triple
    size: tuple[float, float]
    colour: Triple


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """The light of one scene.

    Attributes:
        key: unit vector towards the key light.
        key_colour: linear RGB; what it adds to a white surface that faces it.
        softness: of the key's shadows, 0 hard to 1 very soft.
        diffuse: (s, s, 3) octahedral map of light on a white surface by its normal.
        gloss: octahedral maps of what a mirror shows, from sharp to blurred.
    """

    key: Floats
    key_colour: Floats
    softness: float
    diffuse: Floats
    gloss: tuple[Floats, ...]


def _unit(vector: ArrayLike) -> NDArray[np.float64]:
    v = np.asarray(vector, dtype=np.float64)
    return np.asarray(v / np.sqrt((v * v).sum()))


def _directions(side: int) -> NDArray[np.float64]:
    """Unit vectors of the cells of an octahedral map, (side * side, 3)."""
    at = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(at, at)
    z = 1 - abs(x) - abs(y)
    fold_x = np.where(z < 0, (1 - abs(y)) * np.where(x >= 0, 1, -1), x)
    fold_y = np.where(z < 0, (1 - abs(x)) * np.where(y >= 0, 1, -1), y)
    d = np.stack([fold_x, fold_y, z], axis=-1).reshape(-1, 3)
    return np.asarray(d / np.sqrt((d * d).sum(axis=1, keepdims=True)))


def _step(value: NDArray[np.float64], edge: float, soft: float) -> NDArray[np.float64]:
    t = np.clip((value - edge) / (2 * soft) + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _surroundings(
    d: NDArray[np.float64], sky: Sequence[Triple], panels: Sequence[Panel], soft: float
) -> NDArray[np.float64]:
    """Radiance along directions; ``sky`` is the colour of the floor, the horizon and the zenith."""
    floor, horizon, zenith = (np.asarray(c, dtype=np.float64) for c in sky)
    up = _step(d[:, 2], 0.35, 0.45 + soft)[:, None]
    down = _step(-d[:, 2], 0.12, 0.12 + soft)[:, None]
    light = horizon * (1 - up) + zenith * up
    light = light * (1 - down) + floor * down
    for panel in panels:
        c = _unit(panel.direction)
        right = _unit(np.cross(c, (0.0, 0.0, 1.0) if abs(c[2]) < 0.95 else (0.0, 1.0, 0.0)))
        over = np.cross(right, c)
        facing = d @ c
        ahead = np.maximum(facing, 1e-3)
        edge = 0.02 + soft
        inside = (
            _step(panel.size[0] - abs(d @ right) / ahead, 0, edge)
            * _step(panel.size[1] - abs(d @ over) / ahead, 0, edge)
            * (facing > 0)
        )
        # A blurred panel spreads its light over a larger patch: keep the total about the same.
        spread = panel.size[0] * panel.size[1] / ((panel.size[0] + soft) * (panel.size[1] + soft))
        light = light + inside[:, None] * np.asarray(panel.colour) * spread**0.5
    return np.asarray(light)


def make_rig(
    *,
    key: Sequence[float],
    key_colour: Triple,
    softness: float,
    sky: Sequence[Triple],
    panels: Sequence[Panel],
) -> Rig:
    """Compute the maps of a rig.

    Args:
        key: direction towards the key light, any length.
        key_colour: linear RGB of the key.
        softness: of its shadows, 0-1.
        sky: linear RGB of the floor, the horizon and the zenith.
        panels: bright rectangles, seen in reflections and adding diffuse light.
    """
    d = _directions(_MAP_SIDE)
    gloss = tuple(
        _surroundings(d, sky, panels, soft).reshape(_MAP_SIDE, _MAP_SIDE, 3).astype(np.float32)
        for soft in GLOSS_LEVELS
    )
    coarse = _directions(_IRRADIANCE_SIDE)
    radiance = _surroundings(coarse, sky, panels, 0.1)
    cosine = np.maximum(np.einsum("id,jd->ij", coarse, coarse), 0)
    weight = cosine / cosine.sum(axis=1, keepdims=True)
    diffuse = np.einsum("ij,jc->ic", weight, radiance)
    return Rig(
        key=_unit(key).astype(np.float32),
        key_colour=np.asarray(key_colour, dtype=np.float32),
        softness=softness,
        diffuse=diffuse.reshape(_IRRADIANCE_SIDE, _IRRADIANCE_SIDE, 3).astype(np.float32),
        gloss=gloss,
    )


def look_up(table: Floats, x: Floats, y: Floats, z: Floats) -> Floats:
    """Read an octahedral map along unit vectors given as flat arrays; returns (3, n)."""
    one = np.float32(1)
    scale = one / (abs(x) + abs(y) + abs(z))
    px, py = x * scale, y * scale
    under = z < 0
    fx = np.where(under, np.copysign(one - abs(py), px), px)
    fy = np.where(under, np.copysign(one - abs(px), py), py)
    half = np.float32(table.shape[0] / 2)
    shift = half - np.float32(0.5)
    return sample(table, fx * half + shift, fy * half + shift)


_ROW = 1024


def sample(table: NDArray[np.generic], x: Floats, y: Floats, *, wrap: bool = False) -> Floats:
    """Bilinear reading of a picture at flat lists of pixel positions; returns (channels, n)."""
    count = len(x)
    rows = -(-count // _ROW)
    padded = np.zeros((2, rows * _ROW), dtype=np.float32)
    padded[0, :count] = x
    padded[1, :count] = y
    found = cv2.remap(
        table,
        padded[0].reshape(rows, _ROW),
        padded[1].reshape(rows, _ROW),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP if wrap else cv2.BORDER_REPLICATE,
    )
    if table.ndim == 2:
        return np.asarray(found.reshape(1, -1)[:, :count])
    # Planes, one after the other: arithmetic on them is several times faster than on triples.
    return np.ascontiguousarray(found.reshape(rows * _ROW, table.shape[2])[:count].T)
