from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findalike.data.proposing.windows import apart, neighbours, overlaps, window_grid


@settings(deadline=None)
@given(st.integers(8, 96), st.integers(8, 96))
def test_the_grid_lies_within_and_has_the_whole(width: int, height: int):
    grid = window_grid(width, height)
    assert (grid[:, :2] >= 0).all()
    assert (grid[:, 2] <= width).all()
    assert (grid[:, 3] <= height).all()
    assert (grid[:, 2:] > grid[:, :2]).all()
    assert [0, 0, width, height] in grid.tolist()


def test_every_box_of_some_size_has_a_window_near_it():
    grid = window_grid(96, 72)
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.uniform(np.log(0.15), 0, (300, 2))) * (96, 72)
    corners = rng.random((300, 2)) * ((96, 72) - sizes)
    boxes = np.concatenate([corners, corners + sizes], axis=1)
    usual = np.abs(np.log(sizes[:, 0] / sizes[:, 1])) < np.log(3)
    assert overlaps(boxes[usual], grid).max(axis=1).min() > 0.4


def test_overlaps_by_hand():
    windows = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    third = 50 / 150
    assert overlaps(windows, windows) == pytest.approx(
        np.array([[1, third, 0], [third, 1, 0], [0, 0, 1]])
    )


@settings(deadline=None)
@given(
    st.integers(0, 50), st.integers(0, 40), st.integers(4, 46), st.integers(4, 32), st.floats(0, 1)
)
def test_neighbours_stay_windows(left: int, top: int, w: int, h: int, share: float):
    windows = np.array([[left, top, min(left + w, 96), min(top + h, 72)]])
    moved = neighbours(windows, share=share, width=96, height=72)[0]
    assert moved.shape == (12, 4)
    assert (moved[:, :2] >= 0).all()
    assert (moved[:, 2] <= 96).all()
    assert (moved[:, 3] <= 72).all()
    assert (moved[:, 2:] - moved[:, :2] >= 4).all()


def test_each_edge_moves_both_ways():
    moved = neighbours(np.array([[20, 20, 60, 40]]), share=0.1, width=96, height=72)[0]
    steps = moved - np.array([20, 20, 60, 40])
    assert {tuple(step) for step in steps.tolist()} >= {(4, 0, 0, 0), (0, -2, 0, 0), (0, 0, -4, 0)}
    assert (4, 0, 4, 0) in {tuple(step) for step in steps.tolist()}


def test_the_best_that_lie_apart():
    windows = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10], [51, 0, 61, 10]])
    scores = np.array([0.5, 0.9, 0.3, 0.4], np.float32)
    assert apart(windows, scores, most=5, overlap=0.3) == [1, 3]
    assert apart(windows, scores, most=1, overlap=0.3) == [1]
