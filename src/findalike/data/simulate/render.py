"""Draw a placed model: sampling, texturing and lighting of each pixel.

Deferred shading: facets are first painted as numbers at a multiple of the resolution; then a
pixel whose samples all lie on one part is shaded once, one on an edge once for each sample.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.light import GLOSS_LEVELS, Rig, look_up, sample
from findalike.data.simulate.mesh import Floats, Ints
from findalike.data.simulate.model import Material, Model
from findalike.data.simulate.raster import (
    Camera,
    Placement,
    Projected,
    facing,
    mean_of_four,
    paint,
    project,
    visible_order,
)
from findalike.data.simulate.shadow import ShadowMap
from findalike.types import Pixels

_MARGIN = 2
_CREVICE = 0.29
_PIECE = 12288


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A rendered model, to be laid over a picture.

    Attributes:
        rgba: (h, w, 4) linear light, multiplied by the coverage in the last channel.
        x, y: where its top left pixel lies in the picture.
        distance: mean distance from the camera, cm.
    """

    rgba: Floats
    x: int
    y: int
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """What is drawn, from where, in which light."""

    model: Model
    placement: Placement
    camera: Camera
    seen: Projected
    rig: Rig
    shadows: ShadowMap


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """What surrounds some samples.

    Attributes:
        view: unit vectors to the camera, as three (n,) arrays.
        light: (n,) share of the surrounding light that arrives.
        key: (n,) share of the key light that arrives.
    """

    view: list[Floats]
    light: Floats
    key: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """Points to shade.

    Attributes:
        pixel: (n,) number of the pixel in the window.
        facet: (n,) the facet that is seen there.
        x, y: (n,) position in the picture.
        groups: bounds of runs of samples; the first run has one sample a pixel, each further run
            holds one of the samples of every pixel on an edge.
    """

    pixel: NDArray[np.intp]
    facet: Ints
    x: Floats
    y: Floats
    groups: tuple[int, ...]


def linear_table() -> Floats:
    """Linear light of each 8-bit sRGB value, (256,)."""
    value = np.arange(256) / 255
    curve = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return curve.astype(np.float32)


_LINEAR = linear_table()


def draw(
    model: Model,
    placement: Placement,
    camera: Camera,
    rig: Rig,
    shadows: ShadowMap,
    *,
    fine: int = 3,
    shoulder: Callable[[Floats], Floats] | None = None,
) -> Layer | None:
    """Render one model; None if nothing of it lies inside the picture.

    Args:
        model: what to draw.
        placement: where it stands.
        camera: the viewer.
        rig: the light.
        shadows: of the whole scene.
        fine: samples along each side of a pixel on an edge.
        shoulder: what brings light above 1 down, applied to each sample.
    """
    seen = project(model, placement, camera)
    flat = seen.corners.reshape(-1, 2)
    left, top = np.floor(flat.min(axis=0)).astype(int) - _MARGIN
    right, bottom = np.ceil(flat.max(axis=0)).astype(int) + _MARGIN
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, camera.width), min(bottom, camera.height)
    if right - left < 2 or bottom - top < 2:
        return None
    window = (int(left), int(top), int(right - left), int(bottom - top))
    subject = _Subject(model, placement, camera, seen, rig, shadows)
    canvas = np.zeros((window[3] * window[2], 4), dtype=np.float32)
    for number in model.layers:
        samples = _cover(model, seen, number, window, fine)
        if len(samples.pixel) == 0:
            continue
        rgba = _shade(subject, samples, window)
        if shoulder is not None:
            rgba[:, :3] = shoulder(rgba[:, :3])
        _lay_over(canvas, samples, rgba, fine)
    return Layer(
        rgba=canvas.reshape(window[3], window[2], 4),
        x=window[0],
        y=window[1],
        distance=float(seen.depths.mean()),
    )


def _cover(
    model: Model, seen: Projected, layer: int, window: tuple[int, int, int, int], fine: int
) -> _Samples:
    """Decide which facet each sample of the window shows."""
    x0, y0, width, height = window
    numbers = np.zeros((height * fine, width * fine), dtype=np.int32)
    order = visible_order(model, seen, layer)
    corners = (seen.corners - np.array([x0, y0], dtype=np.float32)) * np.float32(fine)
    paint(corners, order, np.arange(1, len(model.facets) + 1), numbers)
    steps = [(dx, dy) for dy in range(fine) for dx in range(fine)]
    grids = [np.ascontiguousarray(numbers[dy::fine, dx::fine]).ravel() for dx, dy in steps]
    part = np.append(np.int32(-1), model.part_of)
    middle = grids[len(grids) // 2]
    centre = part[middle]
    same = np.ones(len(centre), dtype=bool)
    covered = middle > 0
    for other in grids:
        if other is not middle:
            same &= part[other] == centre
            covered |= other > 0
    whole = np.flatnonzero(same & covered)
    edge = np.flatnonzero(~same & covered)
    pixels, facets, shifts = [whole], [middle[whole]], [(0.5, 0.5)]
    for (dx, dy), other in zip(steps, grids, strict=True):
        found = other[edge]
        hit = found > 0
        pixels.append(edge[hit])
        facets.append(found[hit])
        shifts.append(((dx + 0.5) / fine, (dy + 0.5) / fine))
    counts = [len(p) for p in pixels]
    pixel = np.concatenate(pixels)
    shift = np.repeat(np.array(shifts, dtype=np.float32), counts, axis=0)
    return _Samples(
        pixel=pixel,
        facet=np.concatenate(facets) - 1,
        x=(pixel % width + x0).astype(np.float32) + shift[:, 0],
        y=(pixel // width + y0).astype(np.float32) + shift[:, 1],
        groups=tuple(np.cumsum([0, *counts]).tolist()),
    )


def _planes(model: Model, placement: Placement, seen: Projected) -> Floats:
    """How attributes run over the picture inside each facet, (f, 3, 10).

    Facets are small, so the best straight interpolation in the picture is exact enough. Rows:
    value at pixel (0, 0), slope along x, slope along y. Columns: normal, tangent, uv, openness,
    depth.
    """
    table = np.concatenate(
        [
            placement.rotate(model.normals),
            placement.rotate(model.tangents),
            model.uv,
            model.openness[:, None],
        ],
        axis=1,
    )
    values = np.concatenate([table[model.facets], seen.depths[:, :, None]], axis=2)
    middle, mean = mean_of_four(seen.corners), mean_of_four(values)
    dx = seen.corners[..., 0] - middle[:, :1]
    dy = seen.corners[..., 1] - middle[:, 1:]
    spread = values - mean[:, None]
    along_x = np.einsum("fk,fkc->fc", dx, spread)
    along_y = np.einsum("fk,fkc->fc", dy, spread)
    xx, xy, yy = (np.einsum("fk,fk->f", a, b) for a, b in ((dx, dx), (dx, dy), (dy, dy)))
    determinant = xx * yy - xy * xy
    # Slivers have no usable slope: they take the value of their middle.
    usable = determinant > 1e-3 * (xx + yy) + 1e-6
    inverse = np.where(usable, 1 / np.where(usable, determinant, 1), 0).astype(np.float32)
    xx, xy, yy = ((v * inverse)[:, None] for v in (xx, xy, yy))
    slope_x = along_x * yy - along_y * xy
    slope_y = along_y * xx - along_x * xy
    start = mean - slope_x * middle[:, :1] - slope_y * middle[:, 1:]
    return np.stack([start, slope_x, slope_y], axis=1)


def _interpolate(planes: Floats, facet: Ints, x: Floats, y: Floats) -> Floats:
    """The attributes of :func:`_planes` at some samples, (columns, n)."""
    count = planes.shape[2]
    found = planes.reshape(len(planes), -1)[facet]
    out = found[:, :count] + found[:, count : 2 * count] * x[:, None]
    out += found[:, 2 * count :] * y[:, None]
    return np.ascontiguousarray(out.T)


def _crevices(samples: _Samples, depth: Floats, window: tuple[int, int, int, int]) -> Floats:
    """How much light is left in folds and gaps, from the depth of the neighbourhood, (n,)."""
    _, _, width, height = window
    plane = np.zeros((height * width, 2), dtype=np.float32)
    plane[samples.pixel, 0] = depth
    plane[samples.pixel, 1] = 1
    half = (max(width // 2, 1), max(height // 2, 1))
    small = cv2.resize(plane.reshape(height, width, 2), half, interpolation=cv2.INTER_AREA)
    reach = float(depth.max() - depth.min()) + 1e-3
    light = np.ones(len(depth), dtype=np.float32)
    for sigma, strength in ((1.0, 5.0), (max(width, height) / 72, 2.2)):
        blurred = cv2.GaussianBlur(small, (0, 0), sigma)
        mean = blurred[..., 0] / np.maximum(blurred[..., 1], 1e-3)
        around = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
        behind = (depth - around.ravel()[samples.pixel]) * np.float32(strength / reach)
        light *= 1 - np.clip(behind, 0, np.float32(_CREVICE))
    return light


def _shade(subject: _Subject, samples: _Samples, window: tuple[int, int, int, int]) -> Floats:
    """Colour and coverage of the samples, (n, 4), not yet multiplied."""
    model, seen = subject.model, subject.seen
    planes = _planes(model, subject.placement, seen)
    depth_planes = np.ascontiguousarray(planes[:, :, 9:])
    depth = _interpolate(depth_planes, samples.facet, samples.x, samples.y)[0]
    crevices = _crevices(samples, depth, window)
    rgba = np.empty((len(depth), 4), dtype=np.float32)
    material = model.material_of[model.part_of][samples.facet]
    scale = _texel_scale(model, seen)
    for number, surface in enumerate(model.materials):
        chosen = np.flatnonzero(material == number)
        pyramid = model.pyramids[number]
        # Work on pieces that fit the processor's cache.
        for start in range(0, len(chosen), _PIECE):
            piece = chosen[start : start + _PIECE]
            facet = samples.facet[piece]
            x, y = samples.x[piece], samples.y[piece]
            attributes = _interpolate(planes, facet, x, y)
            around = _surround(subject, x, y, attributes, crevices[piece])
            if surface.two_sided:
                attributes[:3] *= np.where(seen.area[facet] < 0, np.float32(-1), np.float32(1))
            texture = _texture(surface, pyramid, attributes[6], attributes[7], float(scale[number]))
            rgba[piece] = _light_material(surface, texture, attributes, around, subject.rig)
    return rgba


def _surround(
    subject: _Subject, x: Floats, y: Floats, attributes: Floats, crevices: Floats
) -> _Around:
    """View and light at samples at the pixel positions x, y."""
    camera, depth = subject.camera, attributes[9]
    local_x = (x - np.float32(camera.centre[0])) / np.float32(camera.focal)
    local_y = (y - np.float32(camera.centre[1])) / np.float32(camera.focal)
    ray = [local_x * a[0] + local_y * a[1] + a[2] for a in camera.axes.T]
    position = [r * depth + e for r, e in zip(ray, camera.eye, strict=True)]
    length = -1 / np.sqrt(_dot(ray, ray))
    # Little light comes from below close to the floor.
    low = np.exp(position[2] * np.float32(-1 / (0.12 * subject.shadows.radius)))
    return _Around(
        view=[r * length for r in ray],
        light=attributes[8] * crevices * (1 - np.float32(0.35) * np.minimum(low, 1)),
        key=subject.shadows.on_surface(*position),
    )


def _texel_scale(model: Model, seen: Projected) -> Floats:
    """Length in pixels of one unit of texture, by material: for the larger of its facets."""
    area = abs(facing(model.uv[model.facets]))
    ratio = np.sqrt(np.maximum(seen.area, 0) / np.maximum(area, 1e-9))
    material = model.material_of[model.part_of]
    scale = np.full(len(model.materials), 64.0, dtype=np.float32)
    for number in range(len(model.materials)):
        of = ratio[(material == number) & (seen.area > 0)]
        if len(of):
            scale[number] = np.percentile(of, 60)
    return scale


def _texture(
    material: Material, pyramid: tuple[Pixels, ...], u: Floats, v: Floats, scale: float
) -> Floats:
    """Albedo in linear light and coverage, (n, 4)."""
    height, width = material.albedo.shape[:2]
    count = max(material.repeat)
    texels = max(height * material.repeat[1], width * material.repeat[0]) / max(scale, 1.0)
    level = int(np.clip(np.floor(np.log2(max(texels, 1.0)) + 0.35), 0, 5))
    picture = pyramid[min(level, len(pyramid) - 1)]
    h, w = picture.shape[:2]
    x = u * np.float32(w * material.repeat[0]) - 0.5
    y = v * np.float32(h * material.repeat[1]) - 0.5
    found = sample(picture, x, y, wrap=count > 1)
    out = np.ones((len(u), 4), dtype=np.float32)
    out[:, :3] = cv2.LUT(np.ascontiguousarray(found[:, :3]), _LINEAR)
    if found.shape[1] == 4:
        # The mask is sharpened to an edge about one pixel wide.
        out[:, 3] = np.clip((found[:, 3].astype(np.float32) - 96) / 64, 0, 1)
    return out


def _bumped(material: Material, a: Floats, normal: list[Floats]) -> list[Floats]:
    """Normals tilted by the fine relief."""
    if material.bump is None:
        return normal
    h, w = material.bump.shape[:2]
    slope = sample(
        material.bump,
        a[6] * np.float32(w * material.bump_repeat[0]),
        a[7] * np.float32(h * material.bump_repeat[1]),
        wrap=True,
    ) * np.float32(material.bump_strength)
    t = [a[3], a[4], a[5]]
    b = [
        t[1] * normal[2] - t[2] * normal[1],
        t[2] * normal[0] - t[0] * normal[2],
        t[0] * normal[1] - t[1] * normal[0],
    ]
    tilted = [n - slope[:, 0] * i - slope[:, 1] * j for n, i, j in zip(normal, t, b, strict=True)]
    return _normalise(tilted)


def _normalise(v: list[Floats]) -> list[Floats]:
    scale = 1 / np.sqrt(_dot(v, v) + np.float32(1e-12))
    return [c * scale for c in v]


def _light_material(
    material: Material, texture: Floats, a: Floats, around: _Around, rig: Rig
) -> Floats:
    """Shade samples of one material, (n, 4)."""
    view, light, key = around.view, around.light, around.key
    normal = _bumped(material, a, _normalise([a[0], a[1], a[2]]))
    albedo = texture[:, :3]
    towards = _dot(normal, list(rig.key))
    facing = np.clip(_dot(normal, view), 0, 1)
    wrap = np.float32(0.25 if material.sheen else 0.08)
    lit = np.clip((towards + wrap) / (1 + wrap), 0, 1) * key
    diffuse = look_up(rig.diffuse, *normal) * light[:, None] + lit[:, None] * rig.key_colour
    rim = (1 - facing) ** 5
    level = int(np.argmin([abs(g - material.roughness * 0.7) for g in GLOSS_LEVELS]))
    twice = 2 * facing
    mirror = [twice * n - v for n, v in zip(normal, view, strict=True)]
    glint = look_up(rig.gloss[level], *_normalise(mirror)) * np.minimum(light, 0.35 + key)[:, None]
    if material.metal:
        share = albedo + (1 - albedo) * (rim * np.float32(1 - material.roughness))[:, None]
        colour = glint * share + diffuse * albedo * np.float32(0.25 * material.roughness)
    else:
        grazing = np.float32((1 - material.specular) * (1 - material.roughness) ** 2)
        share = np.float32(material.specular) + grazing * rim
        colour = diffuse * albedo * (1 - share)[:, None] + glint * share[:, None]
    if material.sheen:
        velvet = (1 - facing) ** 3 * np.float32(material.sheen)
        colour += diffuse * velvet[:, None] * (0.25 + 0.75 * albedo)
    if material.emission:
        colour += albedo * np.float32(material.emission)
    texture[:, :3] = colour
    if material.opacity < 1:
        texture[:, 3] *= np.float32(material.opacity) + np.float32(1 - material.opacity) * rim
    return texture


def _dot(first: Sequence[Floats], second: Sequence[Floats]) -> Floats:
    return np.asarray(first[0] * second[0] + first[1] * second[1] + first[2] * second[2])


def _lay_over(canvas: Floats, samples: _Samples, rgba: Floats, fine: int) -> None:
    """Add the samples to the canvas of premultiplied light, over what is there."""
    rgba[:, :3] *= rgba[:, 3:]
    total = np.zeros_like(canvas)
    first = samples.groups[1]
    total[samples.pixel[:first]] = rgba[:first]
    for start, end in itertools.pairwise(samples.groups[1:]):
        # Within a run no pixel comes twice, so that += adds each sample once.
        total[samples.pixel[start:end]] += rgba[start:end] * np.float32(1 / fine**2)
    canvas *= 1 - total[:, 3:]
    canvas += total
