"""Shadows of a scene: what the key light does not reach, and the dark line where things touch.

On the floor a shadow is the blurred outline of what stands between it and the light, more
blurred the farther away that is. On the products themselves it comes from a variance shadow map
(Donnelly and Lauritzen, "Variance shadow maps", 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.light import Rig, sample
from findalike.data.simulate.mesh import Floats, rotated
from findalike.data.simulate.model import Model
from findalike.data.simulate.raster import Placement, facing, mean_of_four, paint

_SIDE = 192
_BIAS = 0.012
_LEAK = 0.25
_TOUCH_HEIGHT = 0.035


@dataclass(frozen=True, slots=True, eq=False)
class ShadowMap:
    """What blocks the light in one scene; lengths in cm.

    Attributes:
        centre: of the part of the scene that is covered.
        radius: of that part.
        axes: (3, 3), rows are right and up of the map and the direction away from the light.
        moments: (s, s, 2) blurred depth and squared depth, in units of ``radius``.
        sharp, soft: (s, s) share of the key light that reaches the floor z = 0, and
        height: (s, s) blurred depth between the floor and what shades it, in units of ``radius``.
        touch: (s, s) share of the surrounding light that reaches the floor, seen from above.
    """

    centre: Floats
    radius: float
    axes: Floats
    moments: Floats
    sharp: Floats
    soft: Floats
    height: Floats
    touch: Floats

    def on_surface(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Share of the key light that reaches points on the products, (n,)."""
        u, v, depth = self._locate(x, y, z)
        found = sample(self.moments, u, v)
        mean, square = found
        variance = np.maximum(square - mean * mean, 2e-4)
        behind = np.maximum(depth - _BIAS - mean, 0)
        lit = variance / (variance + behind * behind)
        return np.asarray(np.clip((lit - _LEAK) / (1 - _LEAK), 0, 1))

    def on_floor(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Shares of the key light and of the surrounding light that reach the floor, (n,) each."""
        u, v, _ = self._locate(x, y, np.zeros_like(x))
        far = np.clip(sample(self.height, u, v)[0] * 5, 0, 1)
        key = sample(self.sharp, u, v)[0] * (1 - far) + sample(self.soft, u, v)[0] * far
        half = _SIDE / 2
        tu = (x - self.centre[0]) / self.radius * half + half - 0.5
        tv = (self.centre[1] - y) / self.radius * half + half - 0.5
        return key, sample(self.touch, tu, tv)[0]

    def _locate(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        dx, dy, dz = ((a - c) / self.radius for a, c in zip((x, y, z), self.centre, strict=True))
        right, up, away = (row[0] * dx + row[1] * dy + row[2] * dz for row in self.axes)
        half = np.float32(_SIDE / 2)
        return right * half + half - 0.5, half - 0.5 - up * half, away


def cast(things: Sequence[tuple[Model, Placement]], rig: Rig) -> ShadowMap:
    """The shadows of some placed models that stand on, or lie above, the floor z = 0."""
    points = [placement.apply(model.points) for model, placement in things]
    everything = np.concatenate(points)
    low, high = everything.min(axis=0), everything.max(axis=0)
    centre = ((low + high) / 2).astype(np.float32)
    radius = float(np.sqrt(((high - low) ** 2).sum()) / 2 * 1.15)
    away = -rig.key.astype(np.float64)
    right = np.cross(away, (0.0, 0.0, 1.0) if abs(away[2]) < 0.99 else (0.0, 1.0, 0.0))
    right /= np.sqrt((right * right).sum())
    axes = np.stack([right, np.cross(right, away), away]).astype(np.float32)
    corners = np.concatenate([p[m.coarse] for p, (m, _) in zip(points, things, strict=True)])
    two_sided = np.concatenate([model.coarse_two_sided for model, _ in things])
    depth, floor = _depth_map(corners, two_sided, centre, radius, axes)
    moments = np.stack([depth, depth * depth], axis=-1)
    sigma = 0.9 + 1.9 * rig.softness
    blocked = (depth < floor - _BIAS).astype(np.float32)
    gap = np.where(blocked > 0, floor - depth, 0).astype(np.float32)
    wide = 2.0 + 12 * rig.softness
    near = 0.8 + 3.0 * rig.softness
    mask_wide = _blur(blocked, wide)
    return ShadowMap(
        centre=centre,
        radius=radius,
        axes=axes,
        moments=_blur(moments, sigma),
        sharp=1 - _blur(blocked, near),
        soft=1 - mask_wide,
        height=np.asarray(_blur(gap, wide) / np.maximum(mask_wide, np.float32(0.02))),
        touch=_touch_map(corners, centre, radius),
    )


def _blur(picture: Floats, sigma: float) -> Floats:
    """Gaussian blur; a wide one is done at half size, where it costs an eighth."""
    if sigma < 4:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))
    side = (picture.shape[1], picture.shape[0])
    half = cv2.resize(picture, (side[0] // 2, side[1] // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(half, (0, 0), sigma / 2), side))


def _depth_map(
    corners: Floats, two_sided: NDArray[np.bool_], centre: Floats, radius: float, axes: Floats
) -> tuple[Floats, Floats]:
    """Depth from the light of the nearest surface, and of the floor, both (s, s)."""
    local = rotated(corners - centre, axes) * np.float32(1 / radius)
    half = np.float32(_SIDE / 2)
    flat = np.stack([local[..., 0] * half + half, half - local[..., 1] * half], axis=-1)
    # The farthest corner stands for the whole facet, lest a surface shade itself.
    z = local[..., 2]
    depth = np.maximum(np.maximum(z[:, 0], z[:, 1]), np.maximum(z[:, 2], z[:, 3]))
    shown = two_sided | (facing(flat) > 0)
    at = (np.arange(_SIDE, dtype=np.float32) + 0.5 - half) / half
    right, up = np.meshgrid(at, -at)
    # The floor is the plane z = 0: solve for the depth at which each ray of light meets it.
    slope = float(axes[2, 2])
    floor = (-centre[2] / radius - axes[0, 2] * right - axes[1, 2] * up) / min(slope, -0.05)
    canvas = floor.astype(np.float32).copy()
    # The lit side alone casts the whole shadow of a closed shape; sheets show either side.
    index = np.flatnonzero(shown)
    order = index[np.argsort(-depth[index], kind="stable")].astype(np.int32)
    paint(flat.astype(np.float32), order, depth, canvas)
    return canvas, floor.astype(np.float32)


def _touch_map(corners: Floats, centre: Floats, radius: float) -> Floats:
    """Light left on the floor next to things that nearly touch it, seen from above, (s, s)."""
    half = _SIDE / 2
    x = (corners[..., 0] - centre[0]) / radius * half + half
    y = half - (corners[..., 1] - centre[1]) / radius * half
    height = mean_of_four(corners[..., 2])
    reach = radius * _TOUCH_HEIGHT
    strength: NDArray[np.float32] = np.exp(-np.maximum(height, 0) / reach / 3).astype(np.float32)
    low = strength > 0.1
    canvas = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    index = np.flatnonzero(low)
    order = index[np.argsort(strength[index], kind="stable")].astype(np.int32)
    paint(np.stack([x, y], axis=-1).astype(np.float32), order, strength, canvas)
    near = _blur(canvas, 1.6)
    wide = _blur(canvas, 7.0)
    return np.asarray(1 - np.clip(0.75 * near + 0.35 * wide, 0, 0.96))
