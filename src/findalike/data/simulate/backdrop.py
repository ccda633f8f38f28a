"""Planes of a scene: the white sweep of a studio, the floor and wall of a room."""

from __future__ import annotations

import cv2
import numpy as np

from findalike.data.simulate.camera import three
from findalike.data.simulate.light import Rig, look_up
from findalike.data.simulate.mesh import Floats
from findalike.data.simulate.raster import Camera
from findalike.data.simulate.render import linear_table
from findalike.data.simulate.shadow import ShadowMap
from findalike.data.simulate.surfaces import Surface
from findalike.types import Pixels

_LINEAR = linear_table()
_COARSE = 2


def _rays(camera: Camera, step: int) -> tuple[Floats, Floats, Floats]:
    """Direction of the ray through every ``step``-th pixel, as three (h, w) planes."""
    height, width = -(-camera.height // step), -(-camera.width // step)
    focal = np.float32(camera.focal)
    x = (np.arange(width, dtype=np.float32) * step + step / 2 - camera.centre[0])[None] / focal
    y = (np.arange(height, dtype=np.float32) * step + step / 2 - camera.centre[1])[:, None] / focal
    across, down, ahead = (x * a[0] + (y * a[1] + a[2]) for a in camera.axes.T)
    return across, down, ahead


def _floor_points(camera: Camera, step: int) -> tuple[Floats, Floats, Floats]:
    """Where the rays meet the floor: x, y and distance along the ray, infinite above it."""
    rx, ry, rz = _rays(camera, step)
    with np.errstate(divide="ignore"):
        t = np.where(rz < -1e-4, -camera.eye[2] / np.minimum(rz, -1e-4), np.float32(np.inf))
    far = np.minimum(t, 1e4)
    return camera.eye[0] + rx * far, camera.eye[1] + ry * far, t


def white_sweep(camera: Camera, shadows: ShadowMap, depth: float) -> Floats:
    """A white studio floor, (h, w): 1 everywhere but in the shadow, at most ``depth`` dark."""
    x, y, t = _floor_points(camera, _COARSE)
    key, touch = shadows.on_floor(x.ravel(), y.ravel())
    light = (1 - np.float32(depth) * (1 - key)) * (0.25 + 0.75 * touch)
    light = np.where(np.isfinite(t), light.reshape(t.shape), np.float32(1))
    # The floor is overexposed a little, as product photographers do, so that it comes out white.
    light = np.minimum(light * np.float32(1.03), 1)
    return np.asarray(cv2.resize(light, (camera.width, camera.height)))


def _spread(
    albedo: Pixels,
    camera: Camera,
    plane: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    size: float,
) -> Pixels:
    """The tile laid over a plane; ``plane`` maps plane coordinates in cm to pixels."""
    # Texels a pixel, in the middle of the picture's lower half: a finer tile would only flicker.
    middle = np.array([camera.width / 2, camera.height * 0.7, 1.0])
    to_plane = np.linalg.inv(plane)
    here, there = (to_plane @ (middle + np.array([d, 0.0, 0.0])) for d in (0.0, 1.0))
    step = float(np.hypot(*(here[:2] / here[2] - there[:2] / there[2]))) * albedo.shape[1] / size
    while step > 1.8 and albedo.shape[1] > 64:
        half = albedo.shape[1] // 2
        albedo = np.asarray(cv2.resize(albedo, (half, half), interpolation=cv2.INTER_AREA))
        step /= 2
    texel = np.diag([size / albedo.shape[1], size / albedo.shape[0], 1.0])
    shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    return np.asarray(
        cv2.warpPerspective(
            albedo,
            shift @ plane @ texel,
            (camera.width, camera.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
    )


def room(
    camera: Camera,
    rig: Rig,
    shadows: ShadowMap,
    *,
    floor: Surface,
    turn: float,
    wall: Surface | None,
    wall_at: float,
    blur: float,
) -> Floats:
    """The floor z = 0 and a wall behind it, lit and shaded, (h, w, 3) linear light.

    Args:
        camera: the viewer.
        rig: the light.
        shadows: of what stands on the floor.
        floor: its surface.
        turn: how the floor's pattern is turned, degrees.
        wall: what stands behind; None lets the floor run to the horizon.
        wall_at: its distance along y, cm.
        blur: how much the wall is out of focus, pixels.
    """
    a = np.radians(turn)
    right = np.array([np.cos(a), np.sin(a), 0.0], dtype=np.float32)
    down = np.array([np.sin(a), -np.cos(a), 0.0], dtype=np.float32)
    origin = np.array([turn, -turn, 0.0], dtype=np.float32)
    ground = _spread(floor.albedo, camera, camera.homography(origin, right, down), floor.size)
    picture = np.asarray(cv2.LUT(ground, _LINEAR))
    picture *= _floor_light(camera, rig, shadows, floor.gloss)
    if wall is None:
        return np.asarray(picture)
    _, y, t = _floor_points(camera, 1)
    behind = (y > wall_at) | ~np.isfinite(t)
    if not behind.any():
        return np.asarray(picture)
    backdrop = _wall(camera, rig, wall, (-turn, wall_at), blur)
    soft = min(max(blur * 0.5, 0.6), 4.0)
    mask = cv2.GaussianBlur(behind.astype(np.float32), (0, 0), soft)
    # The corner of floor and wall is a little darker.
    near = np.exp(-np.abs(y - np.float32(wall_at)) / np.float32(7.0)) * np.isfinite(t)
    picture *= three(1 - np.float32(0.35) * near)
    picture += (backdrop - picture) * three(mask)
    return np.asarray(picture)


def _wall(
    camera: Camera,
    rig: Rig,
    wall: Surface,
    corner: tuple[float, float],
    blur: float,
) -> Floats:
    """The wall out of focus, done at half size where that cannot be seen."""
    step = 2 if blur > 1.5 else 1
    small = Camera(
        camera.eye,
        camera.axes,
        camera.focal / step,
        (camera.centre[0] / step, camera.centre[1] / step),
        camera.width // step,
        camera.height // step,
    )
    origin = np.array([*corner, 240.0], dtype=np.float32)
    right, down = np.array([1, 0, 0], np.float32), np.array([0, 0, -1], np.float32)
    art = _spread(wall.albedo, small, small.homography(origin, right, down), wall.size)
    front = (np.array([c], np.float32) for c in (0.0, -1.0, 0.0))
    towards = max(float(-rig.key[1]), 0.0)
    light = look_up(rig.diffuse, *front)[:, 0] + rig.key_colour * np.float32(towards * 0.8)
    backdrop = np.asarray(cv2.transform(cv2.LUT(art, _LINEAR), np.diag(light)))
    if blur > 0.5:
        backdrop = cv2.GaussianBlur(backdrop, (0, 0), blur / step)
    if step > 1:
        backdrop = cv2.resize(backdrop, (camera.width, camera.height))
    return np.asarray(backdrop)


def _floor_light(camera: Camera, rig: Rig, shadows: ShadowMap, gloss: float) -> Floats:
    """Light that the floor sends to the camera, as a factor on its colour, (h, w, 3)."""
    x, y, t = _floor_points(camera, _COARSE)
    key, touch = shadows.on_floor(x.ravel(), y.ravel())
    above = (np.array([c], np.float32) for c in (0.0, 0.0, 1.0))
    up = look_up(rig.diffuse, *above)[:, 0]
    direct = rig.key_colour * np.maximum(rig.key[2], 0.0)
    light = touch * up[:, None] + key * direct[:, None]
    if gloss > 0:
        # A veil of the surroundings' light, stronger at grazing angles.
        rx, ry, rz = (c.ravel() for c in np.broadcast_arrays(*_rays(camera, _COARSE)))
        length = 1 / np.sqrt(rx * rx + ry * ry + rz * rz)
        steep = abs(rz) * length
        mirror = look_up(rig.gloss[2], rx * length, ry * length, steep)
        away = 1 - steep
        grazing = away * away * away
        light += mirror * (np.float32(gloss) * (0.06 + np.float32(0.7) * grazing) * touch)
    light = np.where(np.isfinite(t.ravel()), light, np.float32(1)).astype(np.float32)
    shaded = np.ascontiguousarray(light.T).reshape(*t.shape, 3)
    return np.asarray(cv2.resize(shaded, (camera.width, camera.height)))
