import numpy as np
import pytest

from findalike.data.simulate.mesh import grid
from findalike.data.simulate.model import Material, Part, assemble
from findalike.data.simulate.raster import facing, look_at, paint, place, project, visible_order

GREY = Material(np.full((4, 4, 3), 128, dtype=np.uint8))


def camera():
    return look_at((0, -10, 0), (0, 0, 0), focal=100.0, size=(60, 40))


def wall(y, *, two_sided=False):
    material = Material(GREY.albedo, two_sided=two_sided)
    mesh = grid([[(-1, y, 1), (1, y, 1)], [(-1, y, -1), (1, y, -1)]])
    return Part(mesh, material)


def test_the_target_lands_in_the_middle_and_up_is_up():
    points = np.array([(0, 0, 0), (1, 0, 0), (0, 0, 1)], dtype=np.float32)
    x, y, depth = camera().project(points)
    assert np.allclose(x, (30, 40, 30))
    assert np.allclose(y, (20, 20, 10))
    assert np.allclose(depth, 10)


def test_a_homography_agrees_with_the_projection():
    view = look_at((3, -9, 6), (0, 0, 0), focal=120.0, size=(60, 40), roll=12.0)
    origin = np.array([0.5, 1.0, 0.0], dtype=np.float32)
    right = np.array([1, 0, 0], dtype=np.float32)
    down = np.array([0, -1, 0], dtype=np.float32)
    found = view.homography(origin, right, down) @ (2.0, 3.0, 1.0)
    x, y, _ = view.project((origin + 2 * right + 3 * down)[None])
    assert np.allclose(found[:2] / found[2], (x[0], y[0]), atol=1e-3)


def test_only_facets_that_face_the_camera_are_drawn():
    model = assemble([wall(0.0)])
    front = project(model, place(), camera())
    assert facing(front.corners)[0] > 0
    assert len(visible_order(model, front, 0)) == 1
    back = project(model, place(yaw=180), camera())
    assert len(visible_order(model, back, 0)) == 0


def test_cloth_is_drawn_from_both_sides():
    model = assemble([wall(0.0, two_sided=True)])
    back = project(model, place(yaw=180), camera())
    assert len(visible_order(model, back, 0)) == 1


def test_the_farthest_facet_comes_first():
    model = assemble([wall(-2.0), wall(3.0), wall(0.0)])
    seen = project(model, place(), camera())
    assert visible_order(model, seen, 0).tolist() == [1, 2, 0]


def test_what_lies_behind_the_camera_is_not_drawn():
    model = assemble([wall(-30.0)])
    assert len(visible_order(model, project(model, place(), camera()), 0)) == 0


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_painting_fills_the_pixels_inside_and_the_last_wins(dtype):
    canvas = np.zeros((20, 20), dtype=dtype)
    square = np.array([(2, 2), (2, 12), (12, 12), (12, 2)], dtype=np.float32)
    corners = np.stack([square, square + 4])
    paint(corners, np.array([0, 1], dtype=np.int32), np.array([5, 7], dtype=dtype), canvas)
    assert canvas[4, 4] == 5
    assert canvas[9, 9] == 7
    assert canvas[18, 18] == 0
    assert abs(int((canvas > 0).sum()) - (100 + 100 - 36)) < 45
