"""Meshes made of grids of points: lathes, tubes, slabs, pillows.

Lengths are centimetres. x points right, y away from the viewer, z up; the front of a product
faces -y. Every grid is laid out like a picture of the surface seen from outside: columns run
right (texture coordinate u), rows run down (v). Normals, tangents and winding follow from that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int32]

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Mesh:
    """A mesh of four-cornered facets with what shading needs at each vertex.

    Attributes:
        points: (v, 3) positions.
        normals: (v, 3) unit vectors pointing outwards.
        tangents: (v, 3) unit vectors along increasing u.
        uv: (v, 2) texture coordinates, 0-1 over the texture.
        openness: (v,) share of the surroundings a vertex sees, 1 for one in the open.
        facets: (f, 4) vertex indexes, anticlockwise seen from outside.
        coarse: (g, 4) fewer, larger facets over the same vertices, enough to cast a shadow.
    """

    points: Floats
    normals: Floats
    tangents: Floats
    uv: Floats
    openness: Floats
    facets: Ints
    coarse: Ints


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return np.asarray(vectors / np.maximum(length, _TINY))


def _derivatives(points: NDArray[np.float64], *, wrap: bool) -> tuple[NDArray[np.float64], ...]:
    """Central differences along columns and rows; a wrapped grid repeats its first column last."""
    across = np.gradient(points, axis=1)
    if wrap:
        seam = points[:, 1] - points[:, -2]
        across[:, 0] = across[:, -1] = seam / 2
    return across, np.gradient(points, axis=0)


def _smooth_normals(across: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normals from the derivatives; where they vanish, those of the neighbours."""
    n = _unit(np.cross(down, across))
    none = np.einsum("rci,rci->rc", n, n) < 0.5
    rows = len(n)
    # At a pole all points of a row coincide: take the neighbouring row's mean direction.
    for row in np.flatnonzero(none.all(axis=1)):
        near = row + 1 if row + 1 < rows and not none[row + 1].all() else row - 1
        n[row] = n[near].mean(axis=0)
        none[row] = False
    # Elsewhere, at a tip or a fold, the neighbours in all directions speak for the point.
    while none.any() and not none.all():
        padded = np.pad(n * ~none[..., None], ((1, 1), (1, 1), (0, 0)), mode="edge")
        around = padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2]
        found = none & (np.einsum("rci,rci->rc", around, around) > _TINY)
        if not found.any():
            break
        n[found] = _unit(around[found])
        none &= ~found
    return n


def _cells(index: Ints) -> Ints:
    """The facets between neighbouring lines of a grid of vertex indexes, (cells, 4)."""
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:]
    return np.stack([a, b, d, c], axis=-1).reshape(-1, 4)


def grid(
    points: ArrayLike,
    *,
    uv: ArrayLike | None = None,
    normals: ArrayLike | None = None,
    openness: ArrayLike | None = None,
    wrap: bool = False,
) -> Mesh:
    """A surface through a (rows, columns, 3) grid of points.

    Args:
        points: the grid, laid out as the module says.
        uv: (rows, columns, 2) texture coordinates; by default the whole texture once.
        normals: exact normals where the caller knows them; else from differences.
        openness: (rows, columns) or (rows, 1), 1 by default.
        wrap: the last column repeats the first, so that no seam shows.
    """
    p = np.asarray(points, dtype=np.float64)
    rows, columns = p.shape[:2]
    across, down = _derivatives(p, wrap=wrap)
    n = _smooth_normals(across, down) if normals is None else np.asarray(normals, dtype=np.float64)
    if uv is None:
        u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
        coordinates = np.stack([u, v], axis=-1)
    else:
        coordinates = np.asarray(uv, dtype=np.float64)
    seen = np.ones((rows, columns)) if openness is None else np.asarray(openness)
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    # Every second line, and the last: a tube keeps its ends.
    thin = [np.unique([*range(0, count, 2), count - 1]) for count in (rows, columns)]
    return Mesh(
        points=p.reshape(-1, 3).astype(np.float32),
        normals=_unit(n).reshape(-1, 3).astype(np.float32),
        tangents=_unit(across).reshape(-1, 3).astype(np.float32),
        uv=coordinates.reshape(-1, 2).astype(np.float32),
        openness=np.broadcast_to(seen, (rows, columns)).reshape(-1).astype(np.float32),
        facets=_cells(index),
        coarse=_cells(index[np.ix_(*thin)]),
    )


def spline(knots: ArrayLike, count: int) -> NDArray[np.float64]:
    """``count`` points on the Catmull-Rom curve through the knots, evenly spaced by knot number.

    Args:
        knots: (k, d) points, k >= 2.
        count: how many points to return.
    """
    p = np.asarray(knots, dtype=np.float64)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    at = np.linspace(0, len(p) - 3, count)
    k = np.minimum(at.astype(int), len(p) - 4)
    t = (at - k)[:, None]
    p0, p1, p2, p3 = p[k], p[k + 1], p[k + 2], p[k + 3]
    return np.asarray(
        0.5
        * (
            2 * p1
            + (p2 - p0) * t
            + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
            + (3 * p1 - p0 - 3 * p2 + p3) * t**3
        )
    )


def lathe(
    profile: ArrayLike,
    *,
    segments: int = 34,
    inside: bool = False,
    squash: float = 1.0,
    openness: ArrayLike | None = None,
) -> Mesh:
    """A surface of revolution about the z axis; u = 0.5 faces the viewer.

    Args:
        profile: (k, 2) radius and height, from top to bottom; for ``inside`` too.
        segments: how many facets around.
        inside: the surface faces the axis (the inside of a mug).
        squash: depth divided by width.
        openness: (k,) see :class:`Mesh`.
    """
    line = np.asarray(profile, dtype=np.float64)
    angle = np.linspace(-np.pi, np.pi, segments + 1)
    front = 1.0 if inside else -1.0
    x = line[:, :1] * np.sin(angle)
    y = line[:, :1] * np.cos(angle) * front * squash
    z = np.broadcast_to(line[:, 1:], x.shape)
    seen = None if openness is None else np.asarray(openness, dtype=np.float64)[:, None]
    return grid(np.stack([x, y, z], axis=-1), wrap=True, openness=seen)


def disc(radius: float, z: float, *, segments: int = 34, dish: float = 0.0) -> Mesh:
    """A round lid seen from above, its texture lying flat on it; ``dish`` sinks its middle."""
    ring = np.linspace(0, 1, 6)[:, None]
    angle = np.linspace(-np.pi, np.pi, segments + 1)
    x, y = ring * np.sin(angle), -ring * np.cos(angle)
    height = np.broadcast_to(z - dish * (1 - ring**2), x.shape)
    mesh = grid(
        np.stack([x * radius, y * radius, height], axis=-1),
        uv=np.stack([0.5 + 0.5 * x, 0.5 - 0.5 * y], axis=-1),
        wrap=True,
    )
    level = np.zeros_like(mesh.tangents)
    level[:, 0] = 1
    return dataclasses.replace(mesh, tangents=level)


def tube(
    path: ArrayLike,
    radius: ArrayLike,
    *,
    sides: int = 10,
    flatten: float = 1.0,
    up: Sequence[float] = (0.0, 0.0, 1.0),
    caps: bool = True,
) -> Mesh:
    """A round bar along a path: handles, legs, laces, fingers.

    Args:
        path: (k, 3) centre line.
        radius: one value or (k,).
        sides: how many facets around.
        flatten: thickness along ``up`` divided by the thickness across.
        up: a direction that the path never runs along.
        caps: close the ends with a rounded tip.
    """
    line = np.asarray(path, dtype=np.float64)
    size = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(line),)).copy()
    along = _unit(np.gradient(line, axis=0))
    if caps:
        tip = np.array([0.0, 0.55, 0.85])
        head = line[0] - along[0] * size[0] * (1 - tip[:, None])
        tail = line[-1] + along[-1] * size[-1] * (1 - tip[::-1, None])
        shrink = np.array([0.02, 0.6, 0.9])
        line = np.concatenate([head, line, tail])
        size = np.concatenate([size[0] * shrink, size, size[-1] * shrink[::-1]])
        along = np.concatenate([along[:1].repeat(3, 0), along, along[-1:].repeat(3, 0)])
    side = _unit(np.cross(along, np.broadcast_to(np.asarray(up, dtype=np.float64), along.shape)))
    over = np.cross(side, along)
    angle = np.linspace(-np.pi, np.pi, sides + 1)[None, :, None]
    ring = side[:, None] * np.sin(angle) + over[:, None] * np.cos(angle) * flatten
    return grid(line[:, None] + ring * size[:, None, None], wrap=True)


_FACES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]] = {
    # face: (normal, direction of u, direction of v), all as seen from outside
    "front": ((0, -1, 0), (1, 0, 0), (0, 0, -1)),
    "back": ((0, 1, 0), (-1, 0, 0), (0, 0, -1)),
    "right": ((1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "left": ((-1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "top": ((0, 0, 1), (1, 0, 0), (0, -1, 0)),
    "bottom": ((0, 0, -1), (1, 0, 0), (0, 1, 0)),
}


def slab(
    size: tuple[float, float, float], *, bevel: float = 0.1, steps: int = 6
) -> dict[str, Mesh]:
    """A box with rounded edges standing on z = 0: one mesh for each of its six faces.

    Args:
        size: width, depth and height.
        bevel: radius of the edges, at most half the shortest side.
        steps: cells along each side of a face between the bevels.
    """
    half = np.asarray(size, dtype=np.float64) / 2
    round_ = min(bevel, float(half.min()) * 0.999)
    meshes = {}
    for face, (normal, right, down) in _FACES.items():
        n, r, d = (np.asarray(v, dtype=np.float64) for v in (normal, right, down))
        width, height = float(abs(r) @ half), float(abs(d) @ half)
        u = _ticks(width, round_, steps)
        v = _ticks(height, round_, steps)
        cube = n * (abs(n) @ half) + u[None, :, None] * r + v[:, None, None] * d
        core = np.clip(cube, round_ - half, half - round_)
        out = _unit(cube - core)
        points = core + out * round_
        uv = np.stack(np.meshgrid((u / width + 1) / 2, (v / height + 1) / 2), axis=-1)
        points[..., 2] += half[2]
        meshes[face] = grid(points, normals=out, uv=uv)
    return meshes


def _ticks(half: float, bevel: float, steps: int) -> NDArray[np.float64]:
    """Positions from -half to half, dense in the bevels."""
    edge = bevel * np.array([1.0, 0.62, 0.3])
    inner = np.linspace(-(half - bevel), half - bevel, steps + 1)
    return np.concatenate([-(half - bevel) - edge, inner, half - bevel + edge[::-1]])


def pillow(
    width: float,
    height: float,
    depth: float,
    *,
    cells: int = 20,
    plump: float = 0.5,
    waist: float = 0.06,
) -> tuple[Mesh, Mesh]:
    """The front and back of a filled rectangle standing upright, centred on x = y = 0.

    Args:
        width: along x.
        height: along z.
        depth: thickness in the middle.
        cells: grid cells along each side.
        plump: 0.5 is a full cushion; larger is flatter towards its edges.
        waist: how far the sides curve in, as a share of the size.
    """
    at = np.sin(np.linspace(-np.pi / 2, np.pi / 2, cells + 1))
    x, z = np.meshgrid(at, -at)
    swell = np.maximum((1 - x**2) * (1 - z**2), 0) ** plump * depth / 2
    px = x * (1 - waist * (1 - z**2)) * width / 2
    pz = (z * (1 - waist * (1 - x**2)) + 1) * height / 2
    front = np.stack([px, -swell, pz], axis=-1)
    uv = np.stack([(x + 1) / 2, (1 - z) / 2], axis=-1)
    back = np.stack([-px, swell, pz], axis=-1)
    return grid(front, uv=uv), grid(back, uv=uv)


def plate(
    outline: ArrayLike, thickness: float, *, bevel: float = 0.1, rings: int = 5
) -> tuple[Mesh, Mesh, Mesh]:
    """A flat shape lying on z = 0: its top, its rim and its underside.

    Args:
        outline: (k, 2) corners, counter-clockwise seen from above, the first not repeated; star
            shaped about its middle.
        thickness: height of the top.
        bevel: radius of the rim's edges.
        rings: grid rows from the middle to the edge.

    The texture of top and underside covers the outline's bounding rectangle; that of the rim runs
    around it once.
    """
    shape = np.asarray(outline, dtype=np.float64)
    shape = np.concatenate([shape, shape[:1]])
    low, high = shape.min(axis=0), shape.max(axis=0)
    middle = (low + high) / 2
    size = (high - low) / 2
    inset = 1 - bevel / float(size.min())
    share = np.linspace(0, 1, rings + 1)[:, None, None]
    flat = middle + (shape - middle) * share * inset
    span = (flat - low) / (high - low)
    top_uv = np.stack([span[..., 0], 1 - span[..., 1]], axis=-1)
    up = np.broadcast_to([0.0, 0.0, 1.0], (*flat.shape[:2], 3))
    top = np.concatenate([flat, np.full((*flat.shape[:2], 1), thickness)], axis=-1)
    base = np.concatenate([flat, np.zeros((*flat.shape[:2], 1))], axis=-1)[:, ::-1]
    angle = np.linspace(np.pi / 2, 0, 4)
    turn = np.concatenate([np.sin(angle), -np.sin(angle[::-1])])
    out = np.concatenate([np.cos(angle), np.cos(angle[::-1])])
    edge = middle + (shape - middle) * (inset + (1 - inset) * out[:, None, None])
    height = np.where(turn > 0, thickness - bevel * (1 - turn), bevel * (1 + turn))
    rim = np.concatenate([edge, np.broadcast_to(height[:, None, None], (*edge.shape[:2], 1))], -1)
    meshes = grid(top, uv=top_uv, normals=up), grid(rim, wrap=True)
    return *meshes, grid(base, uv=top_uv[:, ::-1], normals=-up)


def rounded(width: float, height: float, radius: float, *, steps: int = 6) -> NDArray[np.float64]:
    """The outline of a rectangle with round corners, counter-clockwise, centred, (4 steps, 2)."""
    angle = np.linspace(0, np.pi / 2, steps)
    arc = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * radius
    corners = []
    for k, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        a = k * np.pi / 2
        turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
        corners.append(arc @ turn + (sx * (width / 2 - radius), sy * (height / 2 - radius)))
    return np.concatenate(corners)


def ellipsoid(
    centre: Sequence[float], radii: Sequence[float], *, segments: int = 24, rings: int = 14
) -> Mesh:
    """A ball stretched along the axes; u = 0.5 faces the viewer."""
    polar = np.linspace(0, np.pi, rings + 1)
    ball = lathe(np.stack([np.sin(polar), np.cos(polar)], axis=-1), segments=segments)
    size = np.asarray(radii, dtype=np.float32)
    normals = ball.points / size
    normals /= np.sqrt(np.einsum("ij,ij->i", normals, normals))[:, None]
    return dataclasses.replace(
        ball, points=ball.points * size + np.asarray(centre, dtype=np.float32), normals=normals
    )


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Floats:
    """The matrix that rolls (about y), then pitches (about x), then turns (about z); degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tip = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    lean = np.array([[np.cos(c), 0, np.sin(c)], [0, 1, 0], [-np.sin(c), 0, np.cos(c)]])
    return np.asarray(turn @ tip @ lean, dtype=np.float32)


def rotated(vectors: Floats, matrix: Floats) -> Floats:
    """The vectors (…, 3) multiplied by a 3x3 matrix.

    Written out, since a matrix product may round differently with another number of threads.
    """
    x, y, z = vectors[..., 0:1], vectors[..., 1:2], vectors[..., 2:3]
    return np.asarray(x * matrix[:, 0] + y * matrix[:, 1] + z * matrix[:, 2], dtype=np.float32)


def moved(
    mesh: Mesh,
    offset: Sequence[float] = (0.0, 0.0, 0.0),
    *,
    turn: Floats | None = None,
) -> Mesh:
    """The mesh turned about the origin, then shifted."""
    r = np.eye(3, dtype=np.float32) if turn is None else turn
    return dataclasses.replace(
        mesh,
        points=rotated(mesh.points, r) + np.asarray(offset, dtype=np.float32),
        normals=rotated(mesh.normals, r),
        tangents=rotated(mesh.tangents, r),
    )


def mirrored(mesh: Mesh) -> Mesh:
    """The mesh reflected in the plane x = 0; print on it still reads from left to right."""
    flip = np.array([-1, 1, 1], dtype=np.float32)
    uv = mesh.uv.copy()
    uv[:, 0] = 1 - uv[:, 0]
    return dataclasses.replace(
        mesh,
        points=mesh.points * flip,
        normals=mesh.normals * flip,
        tangents=mesh.tangents * -flip,
        uv=uv,
        facets=mesh.facets[:, ::-1].copy(),
        coarse=mesh.coarse[:, ::-1].copy(),
    )
