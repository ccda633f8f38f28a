from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findalike.data.propose import LEAST_OF_BEST, OVERLAP, propose_boxes
from findalike.data.proposing.scorer import read_scorer, shipped_scorer
from findalike.errors import SettingError
from findalike.types import Box


def overlap(one: Box, other: Box) -> float:
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    common = max(w, 0) * max(h, 0)
    return common / (one.w * one.h + other.w * other.h - common)


def scene(*boxes: Box, width: int = 400, height: int = 300, seed: int = 0) -> np.ndarray:
    """Chequered things on a bright, grained table."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    picture = np.stack([190 + columns / 20, 185 + rows / 20, 170 + rows / 30], axis=2)
    for box in boxes:
        inside = (columns >= box.x) & (columns < box.x + box.w)
        inside &= (rows >= box.y) & (rows < box.y + box.h)
        checks = (columns // 14 + rows // 14) % 2 == 0
        picture[inside & checks] = (180, 30, 40)
        picture[inside & ~checks] = (30, 40, 120)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "box",
    [Box(130, 80, 140, 140), Box(60, 60, 120, 200), Box(180, 140, 160, 80), Box(40, 30, 320, 240)],
)
def test_a_thing_on_a_table_is_found(box: Box):
    found = propose_boxes(scene(box))
    assert overlap(found[0].box, box) > 0.65
    assert found[0].score > shipped_scorer().sure


def test_it_scales_with_the_photo():
    small = propose_boxes(scene(Box(130, 80, 140, 140)))[0].box
    large = propose_boxes(np.repeat(np.repeat(scene(Box(130, 80, 140, 140)), 4, 0), 4, 1))[0].box
    assert overlap(Box(*(v * 4 for v in (small.x, small.y, small.w, small.h))), large) > 0.85


def test_two_things_are_two_boxes():
    one, other = Box(40, 90, 120, 130), Box(240, 80, 120, 140)
    found = [proposed.box for proposed in propose_boxes(scene(one, other), most=5)]
    assert max(overlap(box, one) for box in found) > 0.5
    assert max(overlap(box, other) for box in found) > 0.5


@pytest.mark.parametrize("kind", ["flat", "noise", "stripes"])
def test_where_nothing_stands_out_the_whole_photo_comes_first(kind: str):
    picture = np.full((90, 120, 3), 128, np.uint8)
    if kind == "noise":
        picture = np.random.default_rng(0).integers(0, 256, picture.shape, dtype=np.uint8)
    if kind == "stripes":
        picture[:, ::2] = 30
    best = propose_boxes(picture)[0].box
    assert best.w * best.h > 0.85 * 120 * 90


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 6), st.integers(0, 5))
def test_boxes_of_any_picture_are_usable(width: int, height: int, most: int, seed: int):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if seed % 2:
        picture[:, : width // 2] = 255
    found = propose_boxes(picture, most=most)
    assert 1 <= len(found) <= most
    for proposed in found:
        box = proposed.box
        assert 0 <= box.x < box.x + box.w <= width + 1e-9
        assert 0 <= box.y < box.y + box.h <= height + 1e-9
        assert 0 <= proposed.score <= 1
    scores = [proposed.score for proposed in found]
    assert scores == sorted(scores, reverse=True)


def test_the_same_photo_has_the_same_boxes():
    picture = scene(Box(60, 60, 120, 200))
    assert propose_boxes(picture) == propose_boxes(picture.copy())


def test_further_boxes_are_other_things_and_no_last_resorts():
    found = propose_boxes(scene(Box(40, 90, 120, 130), Box(240, 80, 120, 140)), most=5)
    for place, one in enumerate(found):
        assert one.score >= LEAST_OF_BEST * found[0].score
        for other in found[:place]:
            assert overlap(one.box, other.box) <= OVERLAP + 0.02


def test_the_limit_of_being_sure_decides():
    picture = scene(Box(130, 80, 140, 140))
    never = replace(shipped_scorer(), sure=1.01)
    whole, *others = propose_boxes(picture, scorer=never)
    assert whole.box == Box(0, 0, 400, 300)
    assert overlap(others[0].box, Box(130, 80, 140, 140)) > 0.65
    always = replace(shipped_scorer(), sure=0.0)
    assert propose_boxes(picture, scorer=always)[0].box != Box(0, 0, 400, 300)


def test_the_whole_photo_is_not_proposed_twice():
    never = replace(shipped_scorer(), sure=1.01)
    whole, *others = propose_boxes(scene(Box(15, 10, 375, 285)), scorer=never)
    assert whole.box == Box(0, 0, 400, 300)
    assert all(other.box.w * other.box.h < 0.8 * 400 * 300 for other in others)


def test_none_is_no_number_of_boxes():
    with pytest.raises(SettingError, match="most is 0: it must be 1 or more"):
        propose_boxes(scene(), most=0)


def test_a_scorer_survives_its_file():
    scorer = shipped_scorer()
    again = read_scorer(scorer.to_json())
    cues = np.random.default_rng(0).random((50, len(scorer.mean)), dtype=np.float32)
    assert again.outcome(cues) == pytest.approx(scorer.outcome(cues), abs=1e-6)
    assert (again.fit, again.sure, again.made_by) == (scorer.fit, scorer.sure, scorer.made_by)
    assert scorer.expected(-10) == 0
    assert scorer.expected(10) == 1


def test_a_scorer_of_other_cues_is_refused():
    text = shipped_scorer().to_json().replace("saliency inside", "something else")
    with pytest.raises(SettingError, match="fitted to the cues something else"):
        read_scorer(text)
