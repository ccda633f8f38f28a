"""Fine structure of materials: noise that tiles, and the relief of cloth, leather, wood, metal."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.mesh import Floats

_SIDE = 256
_STREAM = 0x7E97


def noise(
    rng: np.random.Generator, height: int, width: int, cells: tuple[int, int], *, octaves: int = 1
) -> Floats:
    """Smooth noise that tiles, mean about 0, standard deviation about 1.

    Args:
        rng: source of the values.
        height, width: in pixels.
        cells: bumps along y and x of the coarsest octave.
        octaves: each further one is twice as fine and half as strong.
    """
    total = np.zeros((height, width), dtype=np.float32)
    weight = 0.0
    for k in range(octaves):
        rows, columns = (min(c << k, s) for c, s in zip(cells, (height, width), strict=True))
        values = rng.standard_normal((rows, columns)).astype(np.float32)
        padded = np.pad(values, 2, mode="wrap")
        # Position of each pixel in the padded grid, so that the picture wraps around.
        y = (np.arange(height, dtype=np.float32) + 0.5) / height * rows + 1.5
        x = (np.arange(width, dtype=np.float32) + 0.5) / width * columns + 1.5
        gx, gy = np.meshgrid(x, y)
        total += cv2.remap(padded, gx, gy, cv2.INTER_CUBIC) * np.float32(0.5**k)
        weight += 0.25**k * 0.55
    return np.asarray(total / np.float32(np.sqrt(weight)))


def slopes(height: NDArray[np.floating], strength: float = 1.0) -> Floats:
    """Slope along u and v of a relief that tiles, (h, w, 2)."""
    across = (np.roll(height, -1, axis=1) - np.roll(height, 1, axis=1)) * strength
    down = (np.roll(height, -1, axis=0) - np.roll(height, 1, axis=0)) * strength
    return np.stack([across, down], axis=-1).astype(np.float32)


def _knit(rng: np.random.Generator) -> Floats:
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) / _SIDE
    columns, rows = 16, 20
    u = (x * columns) % 1 - 0.5
    lean = abs(u) * 0.9
    stitch = ((y * rows + lean) % 1) - 0.5
    loops = np.exp(-((abs(u) - 0.25) ** 2) / 0.02) * np.cos(stitch * np.pi)
    return np.asarray(loops + 0.1 * noise(rng, _SIDE, _SIDE, (32, 32)), dtype=np.float32)


def _canvas(rng: np.random.Generator) -> Floats:
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) / _SIDE * 32 * np.pi * 2
    over = (np.sin(x / 2) * np.sin(y / 2)) > 0
    weave = np.where(over, abs(np.sin(x / 2)), abs(np.sin(y / 2))).astype(np.float32)
    return np.asarray(weave + np.float32(0.25) * noise(rng, _SIDE, _SIDE, (48, 48)))


def _leather(rng: np.random.Generator) -> Floats:
    count = 420
    seeds = rng.uniform(0, _SIDE, (count, 2)).astype(np.float32)
    picture = np.full((_SIDE * 3, _SIDE * 3), 255, dtype=np.uint8)
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            at = np.round(seeds + np.array([dx * _SIDE, dy * _SIDE])).astype(int)
            inside = (at < _SIDE * 3).all(axis=1)
            picture[at[inside, 1], at[inside, 0]] = 0
    near = cv2.distanceTransform(picture, cv2.DIST_L2, 5)[_SIDE : 2 * _SIDE, _SIDE : 2 * _SIDE]
    pebbles = -(np.minimum(near / 8, 1.2) ** 2)
    uneven = noise(rng, _SIDE, _SIDE, (24, 24), octaves=2) * np.float32(0.1)
    return np.asarray(cv2.GaussianBlur(pebbles, (0, 0), 1.0) + uneven)


def _wood(rng: np.random.Generator) -> Floats:
    grain = noise(rng, _SIDE, _SIDE, (90, 3), octaves=2)
    return np.asarray(grain * 0.5)


def _brushed(rng: np.random.Generator) -> Floats:
    return np.asarray(noise(rng, _SIDE, _SIDE, (160, 2)) * 0.5)


def _fur(rng: np.random.Generator) -> Floats:
    tufts = noise(rng, _SIDE, _SIDE, (40, 40), octaves=2)
    curl = np.sin(tufts * 5 + noise(rng, _SIDE, _SIDE, (18, 18)) * 3)
    return np.asarray(curl * 0.5 + tufts * 0.5)


def _felt(rng: np.random.Generator) -> Floats:
    return noise(rng, _SIDE, _SIDE, (64, 64), octaves=2)


def _ribs(rng: np.random.Generator) -> Floats:
    _, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) / _SIDE * 16 * np.pi * 2
    uneven = noise(rng, _SIDE, _SIDE, (40, 40)) * np.float32(0.08)
    return np.asarray(np.cos(x).astype(np.float32) + uneven)


def _ripple(rng: np.random.Generator) -> Floats:
    """The slight unevenness of glaze and moulded plastic."""
    return np.asarray(noise(rng, _SIDE, _SIDE, (6, 6), octaves=2) * 2)


_RELIEFS: dict[str, tuple[Callable[[np.random.Generator], Floats], float]] = {
    "knit": (_knit, 1.1),
    "canvas": (_canvas, 0.35),
    "leather": (_leather, 0.8),
    "wood": (_wood, 0.3),
    "brushed": (_brushed, 0.12),
    "fur": (_fur, 0.55),
    "felt": (_felt, 0.2),
    "ribs": (_ribs, 0.7),
    "ripple": (_ripple, 0.05),
}


@cache
def relief(name: str) -> Floats:
    """The slopes of a named relief that tiles, (256, 256, 2)."""
    make, strength = _RELIEFS[name]
    number = list(_RELIEFS).index(name)
    rng = np.random.default_rng(np.random.SeedSequence(_STREAM, spawn_key=(number,)))
    return slopes(make(rng), strength)
