"""A product as a renderer takes it: surfaces with materials, gathered into flat arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.mesh import Floats, Ints, Mesh
from findalike.types import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a surface is made of.

    Attributes:
        albedo: sRGB picture wrapped over the surface, (h, w, 3), or (h, w, 4) with a cut-out mask.
        repeat: how often ``albedo`` repeats along u and v.
        bump: (h, w, 2) slope of the fine relief along u and v, or None for a smooth surface.
        bump_repeat: how often ``bump`` repeats along u and v.
        bump_strength: factor on the slope.
        roughness: 0 mirrors, 1 has no reflection to speak of.
        specular: share of light mirrored head-on (0.04 for plastic, glass and glaze).
        metal: reflections take the albedo's colour, and nothing is diffuse.
        sheen: the pale rim of cloth seen edge-on.
        emission: light given off, as a factor on the albedo.
        opacity: 1 hides what is behind; glass lets through 1 - opacity.
        two_sided: drawn from both sides (cloth, lenses, straps).
    """

    albedo: Pixels
    repeat: tuple[float, float] = (1.0, 1.0)
    bump: Floats | None = None
    bump_repeat: tuple[float, float] = (1.0, 1.0)
    bump_strength: float = 1.0
    roughness: float = 0.5
    specular: float = 0.04
    metal: bool = False
    sheen: float = 0.0
    emission: float = 0.0
    opacity: float = 1.0
    two_sided: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One surface of a product; parts of a higher layer are drawn over those of a lower one."""

    mesh: Mesh
    material: Material
    layer: int = 0


@dataclass(frozen=True, eq=False)
class Model:
    """A product's surfaces as flat arrays.

    Attributes:
        materials: the materials met, each once.
        points, normals, tangents, uv, openness: per vertex, see :class:`Mesh`.
        facets: (f, 4) vertex indexes.
        part_of: (f,) number of the part a facet belongs to.
        material_of: (parts,) index into ``materials``.
        layer_of: (f,) layer of a facet.
        coarse: (g, 4) vertex indexes of the facets that cast shadows.
        coarse_part_of: (g,) number of the part such a facet belongs to.
    """

    materials: tuple[Material, ...]
    points: Floats
    normals: Floats
    tangents: Floats
    uv: Floats
    openness: Floats
    facets: Ints
    part_of: Ints
    material_of: Ints
    layer_of: Ints
    coarse: Ints
    coarse_part_of: Ints

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and highest x, y, z."""
        return self.points.min(axis=0), self.points.max(axis=0)

    @cached_property
    def two_sided(self) -> NDArray[np.bool_]:
        """(f,) whether a facet is drawn from both sides."""
        flags = np.array([material.two_sided for material in self.materials])
        return np.asarray(flags[self.material_of][self.part_of])

    @cached_property
    def coarse_two_sided(self) -> NDArray[np.bool_]:
        """(g,) whether a facet that casts a shadow belongs to a sheet."""
        flags = np.array([material.two_sided for material in self.materials])
        return np.asarray(flags[self.material_of][self.coarse_part_of])

    @cached_property
    def pyramids(self) -> tuple[tuple[Pixels, ...], ...]:
        """The texture of each material at full, half, quarter … size."""
        return tuple(_pyramid(material.albedo) for material in self.materials)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers in the order of drawing."""
        return tuple(int(layer) for layer in np.unique(self.layer_of))


def _pyramid(albedo: Pixels) -> tuple[Pixels, ...]:
    levels = [albedo]
    while min(levels[-1].shape[:2]) > 16 and len(levels) < 6:
        height, width = levels[-1].shape[:2]
        half = (max(width // 2, 1), max(height // 2, 1))
        levels.append(np.asarray(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA)))
    return tuple(levels)


def _compact(mesh: Mesh) -> Mesh:
    """The mesh without vertices that no facet uses, which would count towards its size."""
    used = np.unique(np.concatenate([mesh.facets.ravel(), mesh.coarse.ravel()]))
    if len(used) == len(mesh.points):
        return mesh
    place = np.zeros(len(mesh.points), dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    return Mesh(
        points=mesh.points[used],
        normals=mesh.normals[used],
        tangents=mesh.tangents[used],
        uv=mesh.uv[used],
        openness=mesh.openness[used],
        facets=place[mesh.facets],
        coarse=place[mesh.coarse],
    )


def assemble(parts: Sequence[Part]) -> Model:
    """Gather the parts into one model."""
    materials: list[Material] = []
    for part in parts:
        if not any(part.material is known for known in materials):
            materials.append(part.material)
    parts = [dataclasses.replace(part, mesh=_compact(part.mesh)) for part in parts]
    offsets = np.cumsum([0, *(len(part.mesh.points) for part in parts)])
    numbers = np.arange(len(parts), dtype=np.int32)
    counts = [len(part.mesh.facets) for part in parts]
    return Model(
        materials=tuple(materials),
        points=np.concatenate([part.mesh.points for part in parts]),
        normals=np.concatenate([part.mesh.normals for part in parts]),
        tangents=np.concatenate([part.mesh.tangents for part in parts]),
        uv=np.concatenate([part.mesh.uv for part in parts]),
        openness=np.concatenate([part.mesh.openness for part in parts]),
        facets=np.concatenate(
            [part.mesh.facets + o for part, o in zip(parts, offsets[:-1], strict=True)]
        ).astype(np.int32),
        part_of=np.repeat(numbers, counts),
        material_of=np.array(
            [next(i for i, m in enumerate(materials) if m is part.material) for part in parts],
            dtype=np.int32,
        ),
        layer_of=np.repeat(np.array([part.layer for part in parts], dtype=np.int32), counts),
        coarse=np.concatenate(
            [part.mesh.coarse + o for part, o in zip(parts, offsets[:-1], strict=True)]
        ).astype(np.int32),
        coarse_part_of=np.repeat(numbers, [len(part.mesh.coarse) for part in parts]),
    )


def reflected(model: Model) -> Model:
    """The model's mirror image in the plane x = 0."""
    flip = np.array([-1, 1, 1], dtype=np.float32)
    return dataclasses.replace(
        model,
        points=model.points * flip,
        normals=model.normals * flip,
        tangents=model.tangents * -flip,
        uv=np.array([1, 0], dtype=np.float32) + model.uv * np.array([-1, 1], dtype=np.float32),
        facets=np.ascontiguousarray(model.facets[:, ::-1]),
        coarse=np.ascontiguousarray(model.coarse[:, ::-1]),
    )
