"""Draw a placed model: sampling, texturing and lighting of each pixel.

Deferred shading: facets are first painted as numbers at a multiple of the resolution; then a
pixel is shaded once for each part that its samples show.
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
_DULL = 0.8


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
        weight: (n,) share of the pixel that the sample stands for.
        groups: bounds of runs of samples in which no pixel comes twice; the first run holds the
            pixels that show one part only.
    """

    pixel: NDArray[np.intp]
    facet: Ints
    x: Floats
    y: Floats
    weight: Floats
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
        _lay_over(canvas, samples, rgba)
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
    middle = grids[len(grids) // 2]
    covered = middle > 0
    mixed = np.zeros(len(middle), dtype=bool)
    for other in grids:
        if other is not middle:
            mixed |= other != middle
            covered |= other > 0
    # Several facets of one part meet in a pixel without an edge between them.
    part = np.append(np.int32(-1), model.part_of)
    unsure = np.flatnonzero(mixed)
    centre = part[middle[unsure]]
    parted = np.zeros(len(unsure), dtype=bool)
    for other in grids:
        parted |= part[other[unsure]] != centre
    mixed[unsure] = parted
    whole = np.flatnonzero(covered & ~mixed)
    edge = np.flatnonzero(covered & mixed)
    pixels, facets, shifts = [whole], [middle[whole]], [(0.5, 0.5)]
    weights = [np.ones(len(whole), dtype=np.float32)]
    shown = np.stack([other[edge] for other in grids])
    owner = part[shown]
    for k, (dx, dy) in enumerate(steps):
        # A part is shaded where it is met first, for all the samples of the pixel that show it.
        alike = owner == owner[k]
        first = (shown[k] > 0) & ~alike[:k].any(axis=0)
        pixels.append(edge[first])
        facets.append(shown[k][first])
        weights.append(alike.sum(axis=0)[first].astype(np.float32) / np.float32(fine**2))
        shifts.append(((dx + 0.5) / fine, (dy + 0.5) / fine))
    counts = [len(p) for p in pixels]
    pixel = np.concatenate(pixels)
    shift = np.repeat(np.array(shifts, dtype=np.float32), counts, axis=0)
    return _Samples(
        pixel=pixel,
        facet=np.concatenate(facets) - 1,
        x=(pixel % width + x0).astype(np.float32) + shift[:, 0],
        y=(pixel // width + y0).astype(np.float32) + shift[:, 1],
        weight=np.concatenate(weights),
        groups=tuple(np.cumsum([0, *counts]).tolist()),
    )


_NORMAL, _TANGENT = slice(0, 3), slice(7, 10)
_U, _V, _OPEN, _DEPTH = 3, 4, 5, 6


def _planes(model: Model, placement: Placement, seen: Projected) -> Floats:
    """How attributes run over the picture inside each facet, (f, 3, 10).

    Facets are small, so the best straight interpolation in the picture is exact enough. Rows:
    value at pixel (0, 0), slope along x, slope along y. Columns: normal, u, v, openness, depth,
    tangent.
    """
    table = np.concatenate(
        [placement.rotate(model.normals), model.uv, model.openness[:, None]], axis=1
    )
    tangents = placement.rotate(model.tangents)
    values = np.concatenate(
        [table[model.facets], seen.depths[:, :, None], tangents[model.facets]], axis=2
    )
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


def _columns(planes: Floats, first: int, last: int) -> Floats:
    """Some columns of the planes, laid out for :func:`_interpolate`, (f, 3 (last - first))."""
    return np.ascontiguousarray(planes[:, :, first:last]).reshape(len(planes), -1)


def _interpolate(columns: Floats, facet: Ints, x: Floats, y: Floats) -> Floats:
    """The attributes of :func:`_columns` at some samples, (columns, n)."""
    count = columns.shape[1] // 3
    found = columns[facet]
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
    smooth, bumpy = _columns(planes, 0, _TANGENT.start), _columns(planes, 0, _TANGENT.stop)
    depth = _interpolate(_columns(planes, _DEPTH, _DEPTH + 1), samples.facet, samples.x, samples.y)[
        0
    ]
    crevices = _crevices(samples, depth, window)
    rgba = np.empty((len(depth), 4), dtype=np.float32)
    material = model.material_of[model.part_of][samples.facet]
    scale = _texel_scale(model, seen)
    for number, surface in enumerate(model.materials):
        chosen = np.flatnonzero(material == number)
        columns = smooth if surface.bump is None else bumpy
        pyramid = model.pyramids[number]
        # Work on pieces that fit the processor's cache.
        for start in range(0, len(chosen), _PIECE):
            piece = chosen[start : start + _PIECE]
            facet = samples.facet[piece]
            x, y = samples.x[piece], samples.y[piece]
            a = _interpolate(columns, facet, x, y)
            around = _surround(subject, x, y, a, crevices[piece])
            if surface.two_sided:
                a[_NORMAL] *= np.where(seen.area[facet] < 0, np.float32(-1), np.float32(1))
            texture = _texture(surface, pyramid, a[_U], a[_V], float(scale[number]))
            rgba[piece] = _light_material(surface, texture, a, around, subject.rig).T
    return rgba


def _surround(
    subject: _Subject, x: Floats, y: Floats, attributes: Floats, crevices: Floats
) -> _Around:
    """View and light at samples at the pixel positions x, y."""
    camera, depth = subject.camera, attributes[_DEPTH]
    local_x = (x - np.float32(camera.centre[0])) / np.float32(camera.focal)
    local_y = (y - np.float32(camera.centre[1])) / np.float32(camera.focal)
    ray = [local_x * a[0] + local_y * a[1] + a[2] for a in camera.axes.T]
    position = [r * depth + e for r, e in zip(ray, camera.eye, strict=True)]
    length = -1 / np.sqrt(_dot(ray, ray))
    # Little light comes from below close to the floor.
    low = np.exp(position[2] * np.float32(-1 / (0.12 * subject.shadows.radius)))
    return _Around(
        view=[r * length for r in ray],
        light=attributes[_OPEN] * crevices * (1 - np.float32(0.35) * np.minimum(low, 1)),
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
            middle = len(of) * 3 // 5
            scale[number] = np.partition(of, middle)[middle]
    return scale


def _texture(
    material: Material, pyramid: tuple[Pixels, ...], u: Floats, v: Floats, scale: float
) -> Floats:
    """Albedo in linear light and coverage, (4, n)."""
    height, width = material.albedo.shape[:2]
    count = max(material.repeat)
    texels = max(height * material.repeat[1], width * material.repeat[0]) / max(scale, 1.0)
    level = int(np.clip(np.floor(np.log2(max(texels, 1.0)) + 0.35), 0, 5))
    picture = pyramid[min(level, len(pyramid) - 1)]
    h, w = picture.shape[:2]
    half = np.float32(0.5)
    x = u * np.float32(w * material.repeat[0]) - half
    y = v * np.float32(h * material.repeat[1]) - half
    found = sample(picture, x, y, wrap=count > 1)
    out = np.ones((4, len(u)), dtype=np.float32)
    out[:3] = cv2.LUT(found[:3], _LINEAR)
    if len(found) == 4:
        # The mask is sharpened to an edge about one pixel wide.
        out[3] = np.clip((found[3].astype(np.float32) - 96) / 64, 0, 1)
    return out


def _bumped(material: Material, a: Floats, normal: list[Floats]) -> list[Floats]:
    """Normals tilted by the fine relief."""
    if material.bump is None:
        return normal
    h, w = material.bump.shape[:2]
    across, down = sample(
        material.bump,
        a[_U] * np.float32(w * material.bump_repeat[0]),
        a[_V] * np.float32(h * material.bump_repeat[1]),
        wrap=True,
    ) * np.float32(material.bump_strength)
    t = a[_TANGENT]
    b = [
        t[1] * normal[2] - t[2] * normal[1],
        t[2] * normal[0] - t[0] * normal[2],
        t[0] * normal[1] - t[1] * normal[0],
    ]
    return _normalise([n - across * i - down * j for n, i, j in zip(normal, t, b, strict=True)])


def _normalise(v: list[Floats]) -> list[Floats]:
    scale = 1 / np.sqrt(_dot(v, v) + np.float32(1e-12))
    return [c * scale for c in v]


def _light_material(
    material: Material, texture: Floats, a: Floats, around: _Around, rig: Rig
) -> Floats:
    """Shade samples of one material: ``texture`` with its albedo replaced by light, (4, n)."""
    view, light, key = around.view, around.light, around.key
    normal = _bumped(material, a, _normalise(list(a[_NORMAL])))
    albedo = texture[:3]
    facing = np.clip(_dot(normal, view), 0, 1)
    wrap = np.float32(0.25 if material.sheen else 0.08)
    lit = np.clip((_dot(normal, list(rig.key)) + wrap) / (1 + wrap), 0, 1) * key
    diffuse = look_up(rig.diffuse, *normal) * light + lit * rig.key_colour[:, None]
    away = 1 - facing
    rim = away * away
    rim *= rim
    rim *= away
    glint = _glint(material, normal, view, facing, rig) * np.minimum(light, 0.35 + key)
    if material.metal:
        share = albedo + (1 - albedo) * (rim * np.float32(1 - material.roughness))
        colour = glint * share + diffuse * albedo * np.float32(0.25 * material.roughness)
    else:
        grazing = np.float32((1 - material.specular) * (1 - material.roughness) ** 2)
        share = np.float32(material.specular) + grazing * rim
        colour = diffuse * albedo * (1 - share) + glint * share
    if material.sheen:
        velvet = away * away * away * np.float32(material.sheen)
        colour += diffuse * velvet * (np.float32(0.25) + np.float32(0.75) * albedo)
    if material.emission:
        colour += albedo * np.float32(material.emission)
    texture[:3] = colour
    if material.opacity < 1:
        texture[3] *= np.float32(material.opacity) + np.float32(1 - material.opacity) * rim
    return texture


def _glint(
    material: Material, normal: list[Floats], view: list[Floats], facing: Floats, rig: Rig
) -> Floats:
    """What a mirror of the material's roughness shows, (3, n)."""
    if material.roughness > _DULL:
        return look_up(rig.diffuse, *normal)
    level = int(np.argmin([abs(g - material.roughness * 0.7) for g in GLOSS_LEVELS]))
    twice = 2 * facing
    mirror = [twice * n - v for n, v in zip(normal, view, strict=True)]
    return look_up(rig.gloss[level], *_normalise(mirror))


def _dot(first: Sequence[Floats], second: Sequence[Floats]) -> Floats:
    return np.asarray(first[0] * second[0] + first[1] * second[1] + first[2] * second[2])


def _lay_over(canvas: Floats, samples: _Samples, rgba: Floats) -> None:
    """Add the samples to the canvas of premultiplied light, over what is there."""
    cover = rgba[:, 3] * samples.weight
    for channel in range(3):
        rgba[:, channel] *= cover
    rgba[:, 3] = cover
    total = np.zeros_like(canvas)
    first = samples.groups[1]
    total[samples.pixel[:first]] = rgba[:first]
    for start, end in itertools.pairwise(samples.groups[1:]):
        # Within a run no pixel comes twice, so that += adds each sample once.
        total[samples.pixel[start:end]] += rgba[start:end]
    room = 1 - total[:, 3]
    for channel in range(4):
        canvas[:, channel] *= room
    canvas += total
