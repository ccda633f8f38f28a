"""Shoppers' photos: a product among other things, shot with a phone, with its true box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from findalike.data.simulate.backdrop import room
from findalike.data.simulate.camera import Shot, disc_blur, encode_jpeg, expose, three
from findalike.data.simulate.difficulty import RIGHT_EXPOSURE, Difficulty, Facts, measure
from findalike.data.simulate.hand import hand
from findalike.data.simulate.mesh import Floats
from findalike.data.simulate.model import Model, reflected
from findalike.data.simulate.raster import mean_of_four, place, project
from findalike.data.simulate.render import Layer, draw
from findalike.data.simulate.scene import (
    HEIGHT,
    WIDTH,
    Extent,
    Scene,
    Thing,
    aim_camera,
    extent,
    pick_place,
    scatter,
    shopper_light,
)
from findalike.data.simulate.shadow import cast
from findalike.data.simulate.spec import Kind
from findalike.types import Box, Pixels

_SEEN = 0.35
_LEAST_VISIBLE = 0.45
_LEAST_SIDE = 40
_TRIES = 4
_FINE = 2

Neighbours = Callable[[int, np.random.Generator], list[Model]]
"""Called with how many things to lend; returns their models."""


@dataclass(frozen=True, slots=True, eq=False)
class UserPhoto:
    """A shopper's photo.

    Attributes:
        pixels: (h, w, 3) before JPEG.
        mask: (h, w) share of each pixel that shows the product.
        box: tight around the visible product, whole pixels.
        difficulty: see :class:`Difficulty`.
    """

    pixels: Pixels
    mask: Floats
    box: Box
    difficulty: Difficulty

    def jpeg(self) -> bytes:
        """The photo as a file."""
        return encode_jpeg(self.pixels, self.difficulty.jpeg_quality)


def tight_box(mask: Floats) -> Box | None:
    """The smallest box of whole pixels around the mask, None for an empty one."""
    seen = mask > _SEEN
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if len(rows) == 0:
        return None
    x, y = int(columns[0]), int(rows[0])
    return Box(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)


def user_photo(
    kind: Kind, model: Model, neighbours: Neighbours, rng: np.random.Generator
) -> UserPhoto:
    """Photograph a product as a shopper would.

    Args:
        kind: of the product.
        model: the product.
        neighbours: lends the things that stand around.
        rng: decides everything.
    """
    hard = float(np.clip(rng.beta(1.3, 1.3), 0, 1))
    for attempt in range(_TRIES):
        # Each further try is easier, so that some product is always left to see.
        hard_now = hard * (1 - attempt / _TRIES)
        scene, turn = _compose(kind, model, neighbours, rng, hard_now, bare=attempt == _TRIES - 1)
        shot, defocus = _shot(rng, hard_now)
        drawn = _render(scene, defocus)
        box = tight_box(drawn.mask)
        visible = float(drawn.mask.sum()) / max(drawn.whole, 1.0) * _share_inside(scene)
        if box is not None and visible > _LEAST_VISIBLE and min(box.w, box.h) >= _LEAST_SIDE:
            break
    assert box is not None, "nothing stands before the product in the last try"  # noqa: S101
    facts = Facts(
        defocus=defocus,
        visible=visible,
        box_size=box.w * box.h / (WIDTH * HEIGHT),
        clutter=drawn.others,
        perspective=_perspective(scene),
        turn=abs(turn),
    )
    return UserPhoto(
        pixels=expose(drawn.light, shot, rng),
        mask=drawn.mask,
        box=box,
        difficulty=measure(shot, facts),
    )


def _compose(
    kind: Kind,
    model: Model,
    neighbours: Neighbours,
    rng: np.random.Generator,
    hard: float,
    *,
    bare: bool,
) -> tuple[Scene, float]:
    """Arrange a scene; ``bare`` leaves out all that could cover the product."""
    turn = float(np.clip(rng.normal(0, kind.yaw * (0.3 + 0.5 * hard)), -kind.yaw, kind.yaw))
    placement = place(yaw=-turn)
    camera, pitch = aim_camera(kind, model, placement, rng, hard)
    target = extent(model, placement)
    count = int(rng.integers(1 + round(2 * hard), 4 + round(3 * hard)))
    others = scatter(
        target,
        neighbours(count, rng),
        camera,
        rng,
        in_front=0.0 if bare else 0.15 + 0.35 * hard,
    )
    holding = rng.random() < 0.12 + 0.35 * hard
    held = _hand_at(target, rng) if holding and not bare and _graspable(target) else None
    floor, wall = pick_place(kind, rng, pitch)
    outdoors = floor.name in ("grass", "paving")
    far = max(
        [
            target.middle[1] + target.radius,
            *((e := extent(t.model, t.placement)).middle[1] + e.radius for t in others),
        ]
    )
    scene = Scene(
        target=Thing(model, placement),
        others=tuple(others),
        hand=held,
        camera=camera,
        rig=shopper_light(rng, outdoors=outdoors, hard=hard),
        floor=floor,
        wall=wall,
        turn=float(rng.uniform(-180, 180)) if pitch > 50 else float(rng.normal(0, 12)),
        wall_at=far + target.radius * float(rng.uniform(0.1, 2.5)) + 1,
    )
    return scene, turn


def _graspable(target: Extent) -> bool:
    return target.height > 3.5 and target.radius < 15


def _hand_at(target: Extent, rng: np.random.Generator) -> Thing:
    """A hand on the product, from the right or, mirrored, from the left."""
    model = hand(rng, target.radius * 0.75, target.height)
    if rng.random() < 0.4:
        model = reflected(model)
    lift = max(0.0, 0.2 - float(model.bounds[0][2]))
    x, y, _ = target.middle
    return Thing(model, place(x, y, lift, yaw=float(rng.uniform(-14, 14))))


def _shot(rng: np.random.Generator, hard: float) -> tuple[Shot, float]:
    """How the phone takes it, and the defocus radius in pixels."""

    def up_to(limit: float, power: float = 1.6) -> float:
        return float(limit * hard * rng.random() ** power)

    warm = float(np.clip(rng.normal(0, 0.03 + 0.14 * hard), -0.4, 0.4))
    angle = float(rng.uniform(0, 360))
    slope = 0.05 + up_to(0.5, 1.2)
    shot = Shot(
        exposure=float(rng.normal(RIGHT_EXPOSURE, 0.1 + 0.6 * hard)),
        white_balance=(1 + warm, 1 - warm * 0.9),
        gradient=(slope * float(np.cos(angle)), slope * float(np.sin(angle))),
        vignette=float(rng.uniform(0.0, 0.25)),
        glare=up_to(0.3, 3.0),
        glare_at=(float(rng.uniform(0, 1)), float(rng.uniform(0, 0.6))),
        motion=up_to(16.0, 2.0),
        motion_angle=float(rng.uniform(0, 180)),
        noise=0.8 + up_to(18.0),
        saturation=float(rng.normal(1.02, 0.04 + 0.1 * hard)),
        contrast=float(rng.uniform(0.0, 0.35)),
        jpeg_quality=int(np.clip(92 - up_to(70.0, 1.2), 20, 92)),
    )
    return shot, up_to(4.5, 1.8)


def _over(picture: Floats, layer: Layer, radius: float) -> Floats:
    """Lay a rendered model over the picture; returns its coverage of the whole picture."""
    rgba = layer.rgba
    x, y = layer.x, layer.y
    if radius >= 0.35:
        margin = int(np.ceil(radius)) + 1
        rgba = np.pad(rgba, ((margin, margin), (margin, margin), (0, 0)))
        rgba = disc_blur(rgba, radius)
        x, y = x - margin, y - margin
    height, width = picture.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + rgba.shape[1], width), min(y + rgba.shape[0], height)
    rgba = rgba[y0 - y : y1 - y, x0 - x : x1 - x]
    part = picture[y0:y1, x0:x1]
    red, green, blue, alpha = cv2.split(rgba)
    part *= three(1 - alpha)
    part += cv2.merge([red, green, blue])
    cover = np.zeros((height, width), dtype=np.float32)
    cover[y0:y1, x0:x1] = alpha
    return cover


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A rendered scene.

    Attributes:
        light: (h, w, 3) linear light.
        mask: (h, w) share of each pixel that shows the product.
        whole: the product's area inside the frame in pixels, were nothing before it.
        others: how many other things are in the picture.
    """

    light: Floats
    mask: Floats
    whole: float
    others: int


def _render(scene: Scene, defocus: float) -> _Drawn:
    """Draw the place and the things in it, from the farthest to the nearest."""
    things = [scene.target, *scene.others, *([scene.hand] if scene.hand else [])]
    shadows = cast([(t.model, t.placement) for t in things], scene.rig)
    layers: list[tuple[Thing, Layer]] = []
    focus = 1.0
    for thing in things:
        layer = draw(thing.model, thing.placement, scene.camera, scene.rig, shadows, fine=_FINE)
        if layer is not None:
            layers.append((thing, layer))
            focus = layer.distance if thing is scene.target else focus
    picture = room(
        scene.camera,
        scene.rig,
        shadows,
        floor=scene.floor,
        turn=scene.turn,
        wall=scene.wall,
        wall_at=scene.wall_at,
        blur=1.2 + 4.5 * min((scene.wall_at + 5) / max(focus, 5.0), 1.2) + defocus,
    )
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5 + defocus * 0.5))
    visible = np.zeros(picture.shape[:2], dtype=np.float32)
    whole = 0.0
    # A hand on the product is nearer than its middle says.
    layers.sort(key=lambda entry: 0.0 if entry[0] is scene.hand else -entry[1].distance)
    for thing, layer in layers:
        if thing is scene.target:
            visible = _over(picture, layer, defocus)
            whole = float(visible.sum())
            continue
        # What lies off the plane of focus is blurred beyond the photo's own defocus.
        off = abs(layer.distance - focus) / max(min(layer.distance, focus), 5.0)
        visible = visible * (1 - _over(picture, layer, min(defocus + 3.0 * off, 7.0)))
    return _Drawn(picture, visible, whole, others=len(layers) - 1)


def _share_inside(scene: Scene) -> float:
    """Share of the product's surface, as seen by the camera, that lies inside the frame."""
    seen = project(scene.target.model, scene.target.placement, scene.camera)
    area = np.maximum(seen.area, 0)
    middle = mean_of_four(seen.corners)
    inside = ((middle >= 0) & (middle < (WIDTH, HEIGHT))).all(axis=1)
    return float(area[inside].sum() / max(float(area.sum()), 1e-6))


def _perspective(scene: Scene) -> float:
    """How much larger the near side of the product looks than its far side."""
    seen = project(scene.target.model, scene.target.placement, scene.camera)
    near, far = np.percentile(seen.depth, [3, 97])
    return float(far / near) - 1
