import numpy as np
import pytest

from findalike.data.simulate.mesh import (
    disc,
    ellipsoid,
    grid,
    lathe,
    mirrored,
    moved,
    pillow,
    plate,
    rotated,
    rotation,
    rounded,
    slab,
    spline,
    tube,
)


def facet_normals(mesh):
    p = mesh.points[mesh.facets]
    return np.cross(p[:, 2] - p[:, 0], p[:, 3] - p[:, 1])


def assert_sound(mesh):
    """Finite, unit normals and tangents, and winding that agrees with the normals."""
    assert np.isfinite(mesh.points).all()
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-3)
    lengths = np.linalg.norm(mesh.tangents, axis=1)
    assert ((abs(lengths - 1) < 1e-3) | (lengths < 1e-3)).all()
    flat = facet_normals(mesh)
    size = np.linalg.norm(flat, axis=1)
    agree = np.einsum("ij,ij->i", flat, mesh.normals[mesh.facets].mean(axis=1))
    assert (agree[size > 1e-6] > 0).all()


CLOSED = {
    "lathe": lathe([(1.0, 2.0), (1.2, 1.0), (1.0, 0.0)]),
    "disc": disc(2.0, 1.0, dish=0.2),
    "tube": tube([(0, 0, 0), (1, 0, 0), (2, 0.5, 0)], 0.2),
    "ellipsoid": ellipsoid((0, 0, 0), (1, 2, 3)),
    **{f"slab {name}": mesh for name, mesh in slab((2, 1, 3), bevel=0.2).items()},
    **{f"plate {k}": m for k, m in enumerate(plate(rounded(4, 2, 0.5), 1.0, bevel=0.2))},
    **{f"pillow {k}": m for k, m in enumerate(pillow(4, 3, 1))},
}


@pytest.mark.parametrize("name", CLOSED)
def test_meshes_are_sound(name):
    assert_sound(CLOSED[name])


@pytest.mark.parametrize("name", ["lathe", "ellipsoid", "tube"])
def test_reflection_keeps_a_mesh_sound_and_its_print_readable(name):
    mesh = CLOSED[name]
    other = mirrored(mesh)
    assert_sound(other)
    assert np.allclose(other.points[:, 0], -mesh.points[:, 0])
    # u still grows along the tangent, so letters are not mirrored.
    p, q = other.points[other.facets], other.uv[other.facets]
    along = np.einsum("ij,ij->i", p[:, 2] - p[:, 1], other.tangents[other.facets[:, 1]])
    grows = q[:, 2, 0] - q[:, 1, 0]
    clear = (abs(along) > 1e-4) & (abs(grows) < 0.5)
    assert (np.sign(along[clear]) == np.sign(grows[clear])).all()


def test_outward_normals_point_away_from_the_axis():
    mesh = lathe([(1.0, 2.0), (1.0, 0.0)])
    assert (np.einsum("ij,ij->i", mesh.points[:, :2], mesh.normals[:, :2]) > 0.9).all()
    inner = lathe([(1.0, 2.0), (1.0, 0.0)], inside=True)
    assert (np.einsum("ij,ij->i", inner.points[:, :2], inner.normals[:, :2]) < -0.9).all()


def test_the_middle_of_a_lathes_texture_faces_the_viewer():
    mesh = lathe([(1.0, 2.0), (1.0, 0.0)])
    front = mesh.points[abs(mesh.uv[:, 0] - 0.5) < 1e-6]
    assert np.allclose(front[:, 0], 0, atol=1e-6)
    assert (front[:, 1] < 0).all()


def test_a_spline_passes_through_its_knots():
    knots = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0)])
    curve = spline(knots, 9)
    assert np.allclose(curve[[0, 4, 8]], knots)


def test_a_slab_has_the_size_it_was_given():
    points = np.concatenate([mesh.points for mesh in slab((2, 1, 3), bevel=0.2).values()])
    assert np.allclose(points.min(axis=0), (-1, -0.5, 0), atol=1e-6)
    assert np.allclose(points.max(axis=0), (1, 0.5, 3), atol=1e-6)


def test_a_pole_has_the_normal_of_its_surroundings():
    mesh = ellipsoid((0, 0, 0), (1, 1, 1))
    assert np.allclose(mesh.normals[0], (0, 0, 1), atol=1e-6)


def test_moving_turns_first_and_shifts_then():
    mesh = grid([[(0, 0, 1), (1, 0, 1)], [(0, 0, 0), (1, 0, 0)]])
    other = moved(mesh, (5, 0, 0), turn=rotation(yaw=90))
    assert np.allclose(other.points[1], (5, 1, 1), atol=1e-6)
    assert np.allclose(other.normals[0], rotation(yaw=90) @ mesh.normals[0], atol=1e-6)


def test_rotated_is_the_matrix_product(rng):
    vectors = rng.normal(size=(7, 4, 3)).astype(np.float32)
    matrix = rotation(30, 20, 10)
    assert np.allclose(rotated(vectors, matrix), vectors @ matrix.T, atol=1e-6)
