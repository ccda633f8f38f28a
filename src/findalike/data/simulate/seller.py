"""Sellers' pictures: one product on white, soft light, soft shadow."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from findalike.data.simulate.backdrop import white_sweep
from findalike.data.simulate.camera import encode_jpeg, soft_clip, three, to_srgb
from findalike.data.simulate.light import Panel, Rig, make_rig
from findalike.data.simulate.model import Model
from findalike.data.simulate.raster import Camera, Placement, look_at, place
from findalike.data.simulate.render import draw, linear_table
from findalike.data.simulate.shadow import cast
from findalike.data.simulate.spec import View
from findalike.types import Pixels

STUDIOS = 4
_SIZES = (384, 400, 416, 448)
_FAR = 6.0
_SHADOW_DEPTH = 0.3


@lru_cache(maxsize=2 * STUDIOS)
def studio(number: int, *, from_above: bool) -> Rig:
    """One of the studios; for things seen from above the light falls at a low angle."""
    side = -1.0 if number % 2 == 0 else 1.0
    height = 0.55 if from_above else 1.0
    key = (side * (0.75 if from_above else 0.55), 0.45 if from_above else -0.75, height)
    strong = 0.95 if from_above else 0.62
    tone = ((1.0, 1.0, 0.99), (1.0, 0.985, 0.96), (0.97, 0.985, 1.0), (1.0, 1.0, 1.0))[number]
    warm = (tone[0] * strong, tone[1] * strong, tone[2] * strong)
    level = 0.32 if from_above else 0.36
    return make_rig(
        key=key,
        key_colour=warm,
        softness=0.65,
        sky=((0.42, 0.42, 0.42), (level, level, level), (0.5, 0.5, 0.5)),
        panels=(
            Panel((side * 0.8, -0.5, 0.5), (0.35, 0.8), (3.4, 3.4, 3.4)),
            Panel((-side * 0.9, -0.15, 0.3), (0.12, 0.9), (2.2, 2.2, 2.2)),
            Panel((0.0, -0.2, 1.0), (0.55, 0.4), (2.0, 2.0, 2.0)),
        ),
    )


def framed(model: Model, placement: Placement, view: View, size: int, fill: float) -> Camera:
    """A camera for which the placed model takes ``fill`` of the picture, in its middle."""
    points = placement.apply(model.points)
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    reach = float(np.sqrt(((high - low) ** 2).sum())) / 2 * _FAR
    a = np.radians(view.pitch)
    target = (float(middle[0]), float(middle[1]), float(middle[2]))
    eye = (target[0], target[1] - reach * np.cos(a), target[2] + reach * np.sin(a))
    camera = look_at(eye, target, focal=1000.0, size=(size, size))
    x, y, _ = camera.project(points)
    left, right, top, bottom = x.min(), x.max(), y.min(), y.max()
    zoom = size * fill / max(float(right - left), float(bottom - top)) * view.zoom
    aim_x = float(left + right) / 2
    aim_y = float(top + (bottom - top) * (1 - view.aim))
    half = size / 2
    return Camera(
        eye=camera.eye,
        axes=camera.axes,
        focal=1000.0 * zoom,
        centre=(half - (aim_x - half) * zoom, half - (aim_y - half) * zoom),
        width=size,
        height=size,
    )


def seller_picture(
    model: Model, view: View, rng: np.random.Generator, studio_number: int
) -> Pixels:
    """A square picture of a product on white."""
    turn = view.yaw + float(rng.normal(0, 2.5))
    lift = float(model.bounds[1][2]) if view.turned_over else 0.0
    placement = place(z=lift, yaw=-turn, roll=180.0 if view.turned_over else 0.0)
    size = _SIZES[int(rng.integers(len(_SIZES)))]
    camera = framed(model, placement, view, size, float(rng.uniform(0.8, 0.9)))
    rig = studio(studio_number, from_above=view.pitch > 50)
    shadows = cast([(model, placement)], rig)
    sweep = to_srgb(white_sweep(camera, shadows, _SHADOW_DEPTH))
    picture: Pixels = np.asarray(cv2.merge([sweep, sweep, sweep]))
    layer = draw(model, placement, camera, rig, shadows, shoulder=soft_clip)
    if layer is not None:
        height, width = layer.rgba.shape[:2]
        part = picture[layer.y : layer.y + height, layer.x : layer.x + width]
        red, green, blue, alpha = cv2.split(layer.rgba)
        under = np.asarray(cv2.LUT(part, linear_table()))
        part[:] = to_srgb(under * three(1 - alpha) + cv2.merge([red, green, blue]))
    return picture


def seller_jpeg(model: Model, view: View, rng: np.random.Generator, studio_number: int) -> bytes:
    """The picture as a file of good quality."""
    return encode_jpeg(seller_picture(model, view, rng, studio_number), int(rng.integers(86, 95)))
