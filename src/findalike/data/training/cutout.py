"""A product cut out of a photo with a plain ground, as sellers take them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.types import Pixels

_NEAR = 14
"""How far a value may be from the ground's colour to be part of it, of 255."""

_SHADE = 34
"""The same for grey darker than the ground next to it: the soft shadow under a product."""

_PLAIN_BORDER = 0.65
"""Least part of the picture's border that must be ground; products may be cut by one edge."""

_AREA = (0.03, 0.95)
_SOFT = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A product without its ground, cut to its edges.

    Attributes:
        pixels: uint8 (h, w, 3).
        alpha: float32 (h, w), 1 on the product and 0 beside it, soft between.
    """

    pixels: Pixels
    alpha: NDArray[np.float32]


def cut_out(picture: Pixels) -> Cutout | None:
    """Find the plain ground from the picture's border inwards, and leave it out.

    The ground is what is joined to the border and near the border's own colour; holes in a product
    stay product, as a mug's handle shows. None where the border is not plain, or where next to
    nothing or next to everything would be product: the photo is then best left as it is.

    Args:
        picture: uint8 (h, w, 3).
    """
    ground = _ground_colour(picture)
    if ground is None:
        return None
    is_ground = _joined_to_border(_like(picture, ground))
    product = _largest((~is_ground).astype(np.uint8))
    share = float(product.mean())
    if not _AREA[0] <= share <= _AREA[1]:
        return None
    # The outermost pixels are mixed with the ground and would shine as a halo.
    inner = cv2.erode(product, np.ones((3, 3), np.uint8))
    alpha = cv2.GaussianBlur(inner.astype(np.float32), (0, 0), _SOFT)
    rows, columns = np.flatnonzero(inner.any(axis=1)), np.flatnonzero(inner.any(axis=0))
    if len(rows) < 2 or len(columns) < 2:
        return None
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return Cutout(np.ascontiguousarray(picture[window]), np.ascontiguousarray(alpha[window]))


def _ground_colour(picture: Pixels) -> NDArray[np.float32] | None:
    """The colour of the border, if most of it has one."""
    edges = (picture[:2], picture[-2:], picture[:, :2], picture[:, -2:])
    border = np.concatenate([edge.reshape(-1, 3) for edge in edges]).astype(np.float32)
    colour = np.median(border, axis=0)
    plain = float((np.abs(border - colour).max(axis=1) <= _NEAR).mean())
    return np.asarray(colour, np.float32) if plain >= _PLAIN_BORDER else None


def _like(picture: Pixels, ground: NDArray[np.float32]) -> NDArray[np.uint8]:
    """1 where a pixel has the ground's colour, or that colour in a soft shadow."""
    low, high = (np.clip(ground + s * _NEAR, 0, 255).tolist() for s in (-1, 1))
    near = cv2.inRange(picture, tuple(low), tuple(high))
    # A shadow keeps the hue: all channels fall alike. Planes, for numpy is slow along short axes.
    red, green, blue = (
        np.int16(round(float(level))) - plane.astype(np.int16)
        for level, plane in zip(ground, cv2.split(picture), strict=True)
    )
    least = np.minimum(np.minimum(red, green), blue)
    most = np.maximum(np.maximum(red, green), blue)
    shaded = (least >= -_NEAR // 2) & (most <= _SHADE) & (most - least <= _NEAR // 2)
    smooth = cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_16S)
    shaded &= np.abs(smooth) <= _NEAR // 2
    return np.asarray((near > 0) | shaded, np.uint8)


def _joined_to_border(like: NDArray[np.uint8]) -> NDArray[np.bool_]:
    framed = cv2.copyMakeBorder(like, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, parts = cv2.connectedComponents(framed, connectivity=4)
    return np.asarray(parts[1:-1, 1:-1] == parts[0, 0])


def _largest(product: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without specks: pieces under a fiftieth of the largest one."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(product, connectivity=8)
    if count <= 2:
        return product
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    kept = areas * 50 >= areas.max()
    kept[0] = False
    return np.asarray(kept[parts], np.uint8)
