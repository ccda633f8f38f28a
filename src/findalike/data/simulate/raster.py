"""Cameras, and which facet is seen at which pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.mesh import Floats, Ints, rotated, rotation
from findalike.data.simulate.model import Model

_SUBPIXEL_BITS = 4
_NEAR = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A pinhole camera.

    Attributes:
        eye: position in the scene.
        axes: (3, 3), rows are the directions right, down and ahead.
        focal: focal length in pixels.
        centre: where the axis meets the picture, in pixels.
        width, height: of the picture in pixels.
    """

    eye: Floats
    axes: Floats
    focal: float
    centre: tuple[float, float]
    width: int
    height: int

    def project(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Pixel x, pixel y and depth of (n, 3) points; depth is at least a small distance."""
        local = rotated(points - self.eye, self.axes)
        depth = np.maximum(local[:, 2], np.float32(_NEAR))
        scale = np.float32(self.focal) / depth
        x = local[:, 0] * scale + np.float32(self.centre[0])
        y = local[:, 1] * scale + np.float32(self.centre[1])
        return np.asarray(x), np.asarray(y), np.asarray(depth)

    def homography(self, origin: Floats, right: Floats, down: Floats) -> NDArray[np.float64]:
        """The 3x3 matrix from coordinates in a plane (right, down, 1) to pixels."""
        columns = np.stack([right, down, origin - self.eye], axis=1).astype(np.float64)
        local = self.axes.astype(np.float64) @ columns
        lens = np.array(
            [[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1]]
        )
        return np.asarray(lens @ local)


def look_at(
    eye: Sequence[float],
    target: Sequence[float],
    *,
    focal: float,
    size: tuple[int, int],
    roll: float = 0.0,
) -> Camera:
    """A camera at ``eye`` that looks at ``target``; ``roll`` in degrees, ``size`` width, height."""
    e = np.asarray(eye, dtype=np.float64)
    ahead = np.asarray(target, dtype=np.float64) - e
    ahead /= np.sqrt((ahead * ahead).sum())
    right = np.cross(ahead, (0.0, 0.0, 1.0))
    right /= np.sqrt((right * right).sum())
    down = np.cross(ahead, right)
    a = np.radians(roll)
    axes = np.stack(
        [np.cos(a) * right + np.sin(a) * down, np.cos(a) * down - np.sin(a) * right, ahead]
    )
    return Camera(
        eye=e.astype(np.float32),
        axes=axes.astype(np.float32),
        focal=focal,
        centre=(size[0] / 2, size[1] / 2),
        width=size[0],
        height=size[1],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where a model stands: turned (degrees), then shifted (cm)."""

    turn: Floats
    offset: Floats

    def apply(self, points: Floats) -> Floats:
        """Model coordinates to scene coordinates."""
        return rotated(points, self.turn) + self.offset

    def rotate(self, vectors: Floats) -> Floats:
        """Model directions to scene directions."""
        return rotated(vectors, self.turn)


def place(
    x: float = 0.0,
    y: float = 0.0,
    z: float = 0.0,
    *,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
) -> Placement:
    """A placement from coordinates and angles in degrees."""
    return Placement(rotation(yaw, pitch, roll), np.array([x, y, z], dtype=np.float32))


def paint(
    corners: Floats, order: Ints, values: NDArray[np.generic], canvas: NDArray[np.generic]
) -> None:
    """Fill facets one over the other.

    Args:
        corners: (f, 4, 2) pixel positions.
        order: which facets to fill, from the farthest to the nearest.
        values: (f,) what to write for each.
        canvas: picture written to, int32 or float32.
    """
    # fillConvexPoly puts the centre of a pixel at whole coordinates; ours is at the half.
    fixed = np.clip(corners[order], -8000, 8000)
    fixed = np.rint((fixed - np.float32(0.5)) * np.float32(1 << _SUBPIXEL_BITS)).astype(np.int32)
    fill = cv2.fillConvexPoly
    for facet, value in zip(fixed, values[order].tolist(), strict=True):
        fill(canvas, facet, value, cv2.LINE_8, _SUBPIXEL_BITS)


def facing(corners: Floats) -> Floats:
    """Twice the signed area of (f, 4, 2) facets: positive for those that face the camera."""
    x, y = corners[..., 0], corners[..., 1]
    return np.asarray(
        (y[:, 2] - y[:, 0]) * (x[:, 3] - x[:, 1]) - (x[:, 2] - x[:, 0]) * (y[:, 3] - y[:, 1])
    )


def mean_of_four(values: Floats) -> Floats:
    """Mean over the second of the axes, which has four entries; faster than ``mean``."""
    total = values[:, 0] + values[:, 1] + values[:, 2] + values[:, 3]
    return np.asarray(total * np.float32(0.25))


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """A model seen by a camera, before any pixel is filled.

    Attributes:
        points: (v, 3) scene coordinates.
        corners: (f, 4, 2) pixels.
        depths: (f, 4) distance of each corner along the camera's axis.
        depth: (f,) mean of the four.
        area: (f,) twice the signed area in pixels, positive when facing the camera.
    """

    points: Floats
    corners: Floats
    depths: Floats
    depth: Floats
    area: Floats


def project(model: Model, placement: Placement, camera: Camera) -> Projected:
    """See a placed model with a camera."""
    points = placement.apply(model.points)
    x, y, depth = camera.project(points)
    corners = np.stack([x, y], axis=-1)[model.facets]
    depths = depth[model.facets]
    return Projected(points, corners, depths, mean_of_four(depths), facing(corners))


def visible_order(model: Model, seen: Projected, layer: int) -> Ints:
    """Facets of one layer that may be seen, from the farthest to the nearest."""
    wanted = (model.layer_of == layer) & ((seen.area > 0) | (model.two_sided & (seen.area != 0)))
    wanted &= seen.depth > 2 * _NEAR
    index = np.flatnonzero(wanted)
    far_first = np.argsort(-seen.depth[index], kind="stable")
    return np.asarray(index[far_first], dtype=np.int32)
