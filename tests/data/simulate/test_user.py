import numpy as np
import pytest

from findalike.data.simulate.difficulty import Facts, measure
from findalike.data.simulate.plan import draw_spec
from findalike.data.simulate.products import KINDS
from findalike.data.simulate.user import tight_box, user_photo
from findalike.types import Box

from .test_camera import NEUTRAL


def photos(name, count, *, lend=None):
    kind = KINDS[name]
    model = kind.build(draw_spec(kind, np.random.default_rng(1)))
    others = lend or (lambda number, rng: [model] * number)
    return [
        user_photo(kind, model, others, np.random.default_rng([seed, 9])) for seed in range(count)
    ]


@pytest.fixture(scope="module")
def mugs():
    return photos("mug", 8)


def test_boxes_are_inside_the_photo_and_in_whole_pixels(mugs):
    for photo in mugs:
        height, width = photo.pixels.shape[:2]
        box = photo.box
        assert (width, height) == (480, 640)
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.w <= width
        assert box.y + box.h <= height
        assert all(float(v).is_integer() for v in (box.x, box.y, box.w, box.h))


def test_boxes_are_tight_around_what_can_be_seen(mugs):
    for photo in mugs:
        box = photo.box
        x0, y0, x1, y1 = (int(v) for v in (box.x, box.y, box.x + box.w, box.y + box.h))
        seen = photo.mask > 0.35
        inside = seen[y0:y1, x0:x1]
        assert inside.sum() == seen.sum()
        for side in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert side.any()


def test_the_box_holds_the_product_and_not_the_background():
    """Two photos with the same chance, of a red and of a green mug, differ inside the box only."""
    kind = KINDS["mug"]
    specs = [kind.build(_plain_mug(colour)) for colour in ("red", "forest")]
    red, green = (
        user_photo(kind, model, lambda n, rng: [], np.random.default_rng(77)) for model in specs
    )
    assert red.box == green.box
    changed = abs(red.pixels.astype(int) - green.pixels).sum(axis=2) > 40
    ys, xs = np.nonzero(changed)
    box = red.box
    # A mirror image in the floor or in the light may change a few pixels elsewhere.
    inside = (
        (xs >= box.x - 4) & (xs < box.x + box.w + 4) & (ys >= box.y - 4) & (ys < box.y + box.h + 4)
    )
    assert inside.mean() > 0.97
    area = changed[int(box.y) : int(box.y + box.h), int(box.x) : int(box.x + box.w)].mean()
    assert area > 0.4


def _plain_mug(colour):
    import dataclasses

    spec = draw_spec(KINDS["mug"], np.random.default_rng(3))
    return dataclasses.replace(
        spec,
        shape="straight",
        colour=colour,
        trim="white",
        pattern="plain",
        motif="",
        layout="stack",
    )


def test_photos_repeat_with_the_same_chance():
    first, second = (photos("tin", 1)[0] for _ in range(2))
    assert first.jpeg() == second.jpeg()
    assert first.box == second.box
    assert first.difficulty == second.difficulty


def test_difficulty_is_in_range(mugs):
    for photo in mugs:
        d = photo.difficulty
        assert 0 <= d.occlusion < 0.56
        assert 0 < d.box_size < 1
        assert 20 <= d.jpeg_quality <= 92
        assert d.clutter >= 0
        assert d.blur >= 0
        assert d.perspective > 0
        assert 0 <= d.score <= 1
        assert d.level in ("easy", "medium", "hard")


def test_without_things_around_there_is_no_clutter_but_a_hand():
    for photo in photos("drink", 4, lend=lambda number, rng: []):
        assert photo.difficulty.clutter <= 1


@pytest.mark.parametrize("name", ["shirt", "watch", "sunglasses", "chair", "backpack"])
def test_other_kinds_can_be_photographed_too(name):
    (photo,) = photos(name, 1)
    assert photo.box.w >= 40
    assert photo.box.h >= 40
    assert photo.pixels.std() > 8


def test_a_tight_box_of_a_known_mask():
    mask = np.zeros((20, 30), dtype=np.float32)
    mask[5:9, 7:18] = 1
    mask[4, 10] = 0.2
    assert tight_box(mask) == Box(7, 5, 11, 4)
    assert tight_box(np.zeros((4, 4), dtype=np.float32)) is None


EASY = Facts(defocus=0, visible=1, box_size=0.5, clutter=0, perspective=0.1, turn=0)


@pytest.mark.parametrize(
    "worse",
    [
        {"defocus": 2.0},
        {"visible": 0.7},
        {"box_size": 0.1},
        {"clutter": 4},
        {"turn": 40},
    ],
)
def test_each_fact_makes_a_photo_harder(worse):
    import dataclasses

    assert measure(NEUTRAL, dataclasses.replace(EASY, **worse)).score > measure(NEUTRAL, EASY).score


@pytest.mark.parametrize(
    "worse",
    [
        {"motion": 6.0},
        {"exposure": -1.0},
        {"white_balance": (1.3, 0.8)},
        {"gradient": (0.4, 0.0)},
        {"glare": 0.3},
        {"noise": 9.0},
        {"jpeg_quality": 40},
    ],
)
def test_each_setting_makes_a_photo_harder(worse):
    import dataclasses

    shot = dataclasses.replace(NEUTRAL, **worse)
    assert measure(shot, EASY).score > measure(NEUTRAL, EASY).score


def test_levels_follow_the_score():
    easy = measure(NEUTRAL, EASY)
    assert easy.level == "easy"
    hard = Facts(defocus=3, visible=0.5, box_size=0.02, clutter=6, perspective=1, turn=45)
    assert measure(NEUTRAL, hard).level == "hard"
