"""What a shopper's photo shows: the product, things around it, the place, the light, the camera."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from findalike.data.simulate.light import Panel, Rig, Triple, make_rig
from findalike.data.simulate.model import Model
from findalike.data.simulate.raster import Camera, Placement, look_at, place
from findalike.data.simulate.spec import Kind
from findalike.data.simulate.surfaces import GROUNDS, VARIANTS, WALLS, Surface, surface

WIDTH, HEIGHT = 480, 640
_FOCAL = 560.0


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """A model that stands somewhere in a scene."""

    model: Model
    placement: Placement


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photo before it is rendered.

    Attributes:
        target: the product the photo is of.
        others: things around it.
        hand: the hand in front of it, if any.
        camera: the phone.
        rig: the light.
        floor, wall: surfaces; no wall when the camera looks down.
        turn: how the floor's pattern is turned, degrees.
        wall_at: distance of the wall along y, cm.
    """

    target: Thing
    others: tuple[Thing, ...]
    hand: Thing | None
    camera: Camera
    rig: Rig
    floor: Surface
    wall: Surface | None
    turn: float
    wall_at: float


@dataclass(frozen=True, slots=True)
class Extent:
    """Room that a placed model takes: radius on the floor, height, and its middle."""

    radius: float
    height: float
    middle: tuple[float, float, float]


def extent(model: Model, placement: Placement) -> Extent:
    """Measure a placed model."""
    points = placement.apply(model.points)
    low, high = points.min(axis=0), points.max(axis=0)
    x, y, z = (float(v) for v in (low + high) / 2)
    radius = float(np.sqrt((high[0] - low[0]) ** 2 + (high[1] - low[1]) ** 2)) / 2
    return Extent(radius, float(high[2] - low[2]), (x, y, z))


def _tinted(colour: Triple, factor: float) -> Triple:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


_WARM, _DAY, _COOL, _DUSK = (1.0, 0.82, 0.6), (1.0, 0.97, 0.92), (0.86, 0.94, 1.0), (1.0, 0.7, 0.45)


def shopper_light(rng: np.random.Generator, *, outdoors: bool, hard: float) -> Rig:
    """Light of a home or of the open air.

    Args:
        rng: chance.
        outdoors: sun and sky instead of windows and lamps.
        hard: 0-1, how far the light may be from soft daylight.
    """
    side = -1.0 if rng.random() < 0.5 else 1.0
    if outdoors:
        sunny = rng.random() < 0.35 + 0.3 * hard
        height = float(rng.uniform(0.5, 1.4))
        sky = (0.5, 0.6, 0.75) if sunny else (0.72, 0.74, 0.78)
        return make_rig(
            key=(side * float(rng.uniform(0.3, 1.0)), float(rng.uniform(-0.8, 0.6)), height),
            key_colour=_tinted(_DAY, 1.15 if sunny else 0.2),
            softness=0.08 if sunny else 0.9,
            sky=(
                _tinted((0.2, 0.22, 0.16), 1.0),
                _tinted(sky, 0.7),
                _tinted(sky, 0.8 if sunny else 0.95),
            ),
            panels=(Panel((side * 0.6, -0.3, 0.9), (0.3, 0.3), (3.0, 2.9, 2.7)),) if sunny else (),
        )
    tone = (_DAY, _DAY, _WARM, _COOL, _DUSK)[int(rng.integers(3 if hard < 0.4 else 5))]
    ambient = float(rng.uniform(0.3, 0.5) - 0.14 * hard)
    kind = int(rng.integers(3))
    fill = _tinted((0.96, 0.96, 1.0) if tone is _WARM else (1.0, 0.96, 0.9), ambient)
    if kind == 0:
        key, size, softness = (
            (side * float(rng.uniform(0.7, 1.4)), float(rng.uniform(-0.6, 0.5)), 0.75),
            (0.5, 0.9),
            0.5,
        )
    elif kind == 1:
        key, size, softness = (side * 0.35, float(rng.uniform(-0.3, 0.5)), 1.2), (0.25, 0.25), 0.25
    else:
        key, size, softness = (
            (side * float(rng.uniform(0.2, 0.6)), -0.9, float(rng.uniform(0.5, 1.0))),
            (0.6, 0.5),
            0.6,
        )
    glow = float(rng.uniform(2.0, 4.5))
    return make_rig(
        key=key,
        key_colour=_tinted(tone, float(rng.uniform(0.5, 0.75) + 0.15 * hard)),
        softness=max(softness - 0.25 * hard, 0.12),
        sky=(_tinted(fill, 0.55), _tinted(fill, 0.9), _tinted(fill, 1.1)),
        panels=(
            Panel(key, size, _tinted(tone, glow)),
            Panel((-key[0], 0.3, 0.3), (0.2, 0.4), _tinted(fill, 1.4)),
        ),
    )


def aim_camera(
    kind: Kind, model: Model, placement: Placement, rng: np.random.Generator, hard: float
) -> tuple[Camera, float]:
    """Point the phone at a product; returns the camera and its pitch in degrees."""
    room = extent(model, placement)
    low, high = kind.pitch
    spread = (high - low) / 2 * (0.35 + 0.65 * hard)
    pitch = float(np.clip(rng.normal((low + high) / 2, spread * 0.7), low, high))
    share = float(rng.uniform(0.42, 0.72) - rng.uniform(0.05, 0.38) * hard)
    sway = np.radians(float(rng.normal(0, 6 + 12 * hard)))
    roll = float(rng.normal(0, 2 + 8 * hard))
    shift = rng.normal(0, 0.04 + 0.13 * hard, 2)
    a = np.radians(pitch)
    x, y, z = room.middle
    reach = max(room.radius, room.height / 2)
    distance = _FOCAL / WIDTH * 2 * reach / share
    # The size in the picture comes out as wanted after a few rounds.
    for _ in range(3):
        distance = max(distance, room.radius * 1.4 + 4)
        eye = (
            x + distance * np.cos(a) * np.sin(sway),
            y - distance * np.cos(a) * np.cos(sway),
            max(z + distance * np.sin(a), 2.0),
        )
        camera = look_at(eye, (x, y, z), focal=_FOCAL, size=(WIDTH, HEIGHT), roll=roll)
        px, py, _ = camera.project(placement.apply(model.points))
        distance *= max(float(np.ptp(px)) / WIDTH, 0.9 * float(np.ptp(py)) / HEIGHT) / share
    middle = (float(px.min() + px.max()) / 2, float(py.min() + py.max()) / 2)
    # The frame is moved over the picture rather than the camera turned: the product lands where
    # it should, a little off the middle.
    centre = (
        WIDTH - middle[0] + float(shift[0]) * WIDTH,
        HEIGHT - middle[1] + float(shift[1]) * HEIGHT,
    )
    return dataclasses.replace(camera, centre=centre), pitch


def scatter(
    target: Extent,
    models: list[Model],
    camera: Camera,
    rng: np.random.Generator,
    *,
    in_front: float,
) -> list[Thing]:
    """Stand models around the target without touching it or each other.

    Args:
        target: room the product takes.
        models: what to place.
        camera: where it is seen from.
        rng: chance.
        in_front: chance of each thing to stand between the camera and the product.
    """
    taken = [(target.middle[0], target.middle[1], target.radius)]
    placed = []
    to_eye = camera.eye[:2] - np.array(target.middle[:2], dtype=np.float32)
    facing = float(np.arctan2(to_eye[1], to_eye[0]))
    for model in models:
        turn = float(rng.uniform(-50, 50))
        size = extent(model, place(yaw=turn))
        if size.radius > 2.5 * target.radius + 3:
            continue
        for _ in range(12):
            ahead = rng.random() < in_front
            angle = facing + (
                float(rng.normal(0, 0.5)) if ahead else np.pi + float(rng.normal(0, 1.1))
            )
            gap = float(rng.uniform(0.0, 0.7)) * target.radius
            reach = target.radius * 0.85 + size.radius + gap
            x = target.middle[0] + reach * np.cos(angle)
            y = target.middle[1] + reach * np.sin(angle)
            free = all(np.hypot(x - a, y - b) > 0.85 * (size.radius + r) for a, b, r in taken)
            near_eye = np.hypot(x - camera.eye[0], y - camera.eye[1]) < size.radius + 6
            if free and not (near_eye and size.height > camera.eye[2] * 0.6):
                where = place(x - size.middle[0], y - size.middle[1], yaw=turn)
                placed.append(Thing(model, where))
                taken.append((x, y, size.radius))
                break
    return placed


def pick_place(
    kind: Kind, rng: np.random.Generator, pitch: float
) -> tuple[Surface, Surface | None]:
    """A floor and, unless the camera looks down, a wall."""
    ground = kind.grounds[int(rng.integers(len(kind.grounds)))]
    names = GROUNDS[ground]
    floor = surface(names[int(rng.integers(len(names)))], int(rng.integers(VARIANTS)))
    if pitch > 50:
        return floor, None
    if floor.name in ("grass", "paving"):
        choices: tuple[str, ...] = ("room", "brick wall")
    else:
        choices = WALLS
    return floor, surface(choices[int(rng.integers(len(choices)))], int(rng.integers(VARIANTS)))
