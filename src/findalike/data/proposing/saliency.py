"""What stands out of the background, the background being what is joined to the border.

After Zhu, Liang, Wei and Sun, "Saliency Optimization from Robust Background Detection" (CVPR 2014):
a patch is background as far as the region of its colour runs along the picture's border; it is
salient by its contrast with background; a quadratic cost reconciles the two and smooths them.
Deviations: patches come from a watershed, and the widths are those of Lab at 96 pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from findalike.data.proposing.superpixels import Superpixels

COLOUR_WIDTH = 10.0
"""Lab distance at which two patches are about half alike."""

PLACE_WIDTH = 0.4
"""Distance at which patches lose sight of each other, as a share of the longer side."""

LEAST_SMOOTHING = 0.1
_APART = np.float32(1e9)

Map = NDArray[np.float32]


def saliency(lab: Map, patches: Superpixels) -> Map:
    """How far each pixel belongs to what stands out, (height, width) float32 from 0 to 1.

    Args:
        lab: (height, width, 3) in CIE Lab, L from 0 to 100.
    """
    colours = patches.means(lab)
    apart = np.sqrt(np.square(colours[:, None] - colours[None]).sum(axis=2))
    noise = _noise(apart, patches.neighbours)
    background = _background(np.maximum(apart - noise, 0), patches)
    contrast = _contrast(apart, background, patches)
    alike = np.exp(-np.square(np.maximum(apart - noise, 0)) / (2 * COLOUR_WIDTH**2))
    joined = patches.neighbours.astype(np.float32)
    near = (joined + joined @ joined > 0) & ~np.eye(patches.count, dtype=bool)
    smooth = np.where(near, alike, 0) + LEAST_SMOOTHING * joined
    system = np.diag(smooth.sum(axis=1) + background + contrast + 1e-6) - smooth
    return _spread(np.linalg.solve(system, contrast))[patches.labels].astype(np.float32)


def _noise(apart: Map, neighbours: NDArray[np.bool_]) -> float:
    """What patches of one surface differ by: the mean distance from the likest neighbour."""
    least = np.where(neighbours, apart, np.inf).min(axis=1)
    return float(least[np.isfinite(least)].mean()) if np.isfinite(least).any() else 0.0


def _background(apart: Map, patches: Superpixels) -> Map:
    """From 0 to 1 by boundary connectivity, equations 3 to 5 and the weight of section 4.1."""
    joined = patches.neighbours | np.outer(patches.on_border, patches.on_border)
    paths = np.where(joined, apart, _APART).astype(np.float32)
    np.fill_diagonal(paths, 0)
    for middle in range(patches.count):  # Floyd and Warshall's shortest paths
        np.minimum(paths, paths[:, middle, None] + paths[None, middle], out=paths)
    same = np.exp(-np.square(paths) / (2 * COLOUR_WIDTH**2))
    connected = same[:, patches.on_border].sum(axis=1) / np.sqrt(same.sum(axis=1))
    return np.asarray(1 - np.exp(-np.square(connected) / 2), np.float32)


def _contrast(apart: Map, background: Map, patches: Superpixels) -> Map:
    height, width = patches.labels.shape
    grid = np.moveaxis(np.indices((height, width), np.float32), 0, 2) / max(height, width)
    places = patches.means(grid)
    far = np.square(places[:, None] - places[None]).sum(axis=2)
    return _spread((apart * np.exp(-far / (2 * PLACE_WIDTH**2))) @ background)


def _spread(values: Map) -> Map:
    """The same from 0 to 1; all 0 where nothing differs."""
    low, high = values.min(), values.max()
    return np.asarray((values - low) / max(high - low, 1e-6), np.float32)
