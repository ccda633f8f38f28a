"""Patches, saliency and cues of pictures whose truth is plain to see."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findalike.data.proposing.cues import CUES, CueMaps
from findalike.data.proposing.saliency import saliency
from findalike.data.proposing.superpixels import superpixels
from findalike.data.proposing.windows import window_grid

RED, GREY = (200, 40, 40), (120, 120, 120)


def square(width: int = 96, height: int = 72, edges: tuple[int, ...] = (30, 20, 60, 50)):
    picture = np.full((height, width, 3), GREY, np.uint8)
    left, top, right, bottom = edges
    picture[top:bottom, left:right] = RED
    return picture


def lab(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


@settings(deadline=None, max_examples=30)
@given(st.integers(8, 96), st.integers(8, 96), st.integers(0, 3))
def test_patches_cover_any_picture(width: int, height: int, seed: int):
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    patches = superpixels(picture)
    assert patches.labels.shape == (height, width)
    assert np.unique(patches.labels).tolist() == list(range(patches.count))
    assert patches.areas.sum() == width * height
    assert (patches.neighbours == patches.neighbours.T).all()
    assert not patches.neighbours.diagonal().any()
    assert patches.on_border[patches.labels[0]].all()


def test_patches_keep_to_edges():
    picture = square()
    patches = superpixels(picture)
    inside = patches.means((picture == RED).all(axis=2).astype(np.float32)[..., None])[:, 0]
    mixed = patches.areas[(inside > 0.15) & (inside < 0.85)].sum() / patches.areas.sum()
    assert mixed < 0.05


def test_means_are_means():
    picture = square()
    patches = superpixels(picture)
    values = np.random.default_rng(0).random((72, 96, 2)).astype(np.float32)
    expected = [values[patches.labels == n].mean(axis=0) for n in range(patches.count)]
    assert patches.means(values) == pytest.approx(np.array(expected), abs=1e-5)


def test_what_the_border_has_not_got_stands_out():
    picture = square()
    found = saliency(lab(picture), superpixels(picture))
    red = (picture == RED).all(axis=2)
    assert found[red].mean() > 0.8
    assert found[~red].mean() < 0.2


def test_what_runs_along_the_border_does_not():
    picture = square(edges=(30, 20, 60, 50))
    picture[:12] = (40, 40, 200)  # as unlike the grey as the red is, but a strip along the top
    found = saliency(lab(picture), superpixels(picture))
    assert found[25:45, 35:55].mean() > 2 * found[2:10].mean()


def test_nothing_stands_out_of_one_colour():
    picture = np.full((40, 60, 3), 99, np.uint8)
    assert np.isfinite(saliency(lab(picture), superpixels(picture))).all()


def test_the_cues_are_those_of_the_pixels():
    picture = square()
    maps = CueMaps(picture)
    windows = np.array([[30, 20, 60, 50], [0, 0, 96, 72], [35, 25, 50, 45], [0, 0, 20, 20]])
    cues = dict(zip(CUES, maps.cues(windows).T, strict=True))
    true, whole, part, corner = range(4)
    assert cues["saliency inside"].argmax() in (true, part)
    assert cues["share of all saliency"][whole] == pytest.approx(1, abs=1e-3)
    assert cues["colours unlike those around"].argmax() == true
    assert cues["colours unlike those around"][whole] == 0
    assert cues["colours found nowhere else"][true] > cues["colours found nowhere else"][part]
    assert cues["edges along the weakest side"].argmax() == true
    assert cues["sides on the picture's border"].tolist() == [0, 4, 0, 2]
    assert cues["off the middle across"][whole] == 0
    assert cues["off the middle down"][corner] == pytest.approx(0.5 - 10 / 72)
    assert cues["size"] == pytest.approx(np.log([900 / 6912, 1, 300 / 6912, 400 / 6912]), abs=1e-4)
    assert cues["aspect"][part] == pytest.approx(np.log(15 / 20))
    assert cues["border's colours inside"][corner] > cues["border's colours inside"][true] + 0.3


@settings(deadline=None, max_examples=20)
@given(st.integers(8, 60), st.integers(8, 60), st.sampled_from(["noise", "black", "halves"]))
def test_cues_are_numbers_for_any_picture(width: int, height: int, kind: str):
    picture = np.zeros((height, width, 3), np.uint8)
    if kind == "noise":
        picture = np.random.default_rng(1).integers(0, 256, picture.shape, dtype=np.uint8)
    if kind == "halves":
        picture[:, width // 2 :] = 255
    cues = CueMaps(picture).cues(window_grid(width, height))
    assert np.isfinite(cues).all()
    assert cues.shape[1] == len(CUES)
