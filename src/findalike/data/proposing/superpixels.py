"""A small picture cut into patches that keep to its edges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from findalike.types import Pixels

STEP = 9
"""Pixels between the seeds of patches, at the size the maps are made in."""

_NEAR = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Superpixels:
    """Patches of a picture.

    Attributes:
        labels: (height, width) int64, the patch of each pixel, 0 to ``count`` - 1.
        areas: (count,) float32, pixels of each patch.
        neighbours: (count, count) bool, symmetric: which patches touch.
        on_border: (count,) bool: which of them reach the picture's border.
    """

    labels: NDArray[np.int64]
    areas: NDArray[np.float32]
    neighbours: NDArray[np.bool_]
    on_border: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.areas)

    def means(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean of a map (height, width, channels) over each patch, (count, channels)."""
        flat, plane = self.labels.ravel(), values.reshape(self.labels.size, -1)
        sums = [np.bincount(flat, column, minlength=self.count) for column in plane.T]
        return (np.stack(sums, axis=1) / self.areas[:, None]).astype(np.float32)


def superpixels(picture: Pixels) -> Superpixels:
    """Flood the gradients of a small picture from a grid of seeds.

    Each seed stands where its cell of the grid is flattest. Watershed with seeds on a grid gives
    compact patches, as SLIC does (Achanta et al., 2012), in a tenth of the time.
    """
    import cv2  # noqa: PLC0415 - 100 ms that only proposing boxes should cost

    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    grey = cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY)
    steep = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    seeds = _seeds(steep)
    labels = np.maximum(cv2.watershed(smooth, seeds), 0).astype(np.float32)
    while (labels == 0).any():  # the lines between patches, and the picture's outermost pixels
        labels = np.where(labels == 0, cv2.dilate(labels, _NEAR), labels)
    return _described(labels.astype(np.int64) - 1)


def _seeds(steep: NDArray[np.float32]) -> NDArray[np.int32]:
    height, width = steep.shape
    rows = np.linspace(0, height, max(2, round(height / STEP)) + 1).astype(int)
    columns = np.linspace(0, width, max(2, round(width / STEP)) + 1).astype(int)
    seeds = np.zeros((height, width), np.int32)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            # Seeds of two cells must not touch: those of one flood would be two.
            y, x = top + (bottom - top) // 4, left + (right - left) // 4
            cell = steep[y : max(bottom - 1, y + 1), x : max(right - 1, x + 1)]
            down, across = divmod(int(cell.argmin()), cell.shape[1])
            seeds[y + down, x + across] = seeds.max() + 1
    return seeds


def _described(labels: NDArray[np.int64]) -> Superpixels:
    _, found = np.unique(labels, return_inverse=True)
    labels = found.reshape(labels.shape)
    areas = np.bincount(labels.ravel()).astype(np.float32)
    neighbours = np.zeros((len(areas), len(areas)), bool)
    for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        neighbours[one, other] = True
    neighbours |= neighbours.T
    np.fill_diagonal(neighbours, val=False)
    on_border = np.zeros(len(areas), bool)
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        on_border[line] = True
    return Superpixels(labels, areas, neighbours, on_border)
