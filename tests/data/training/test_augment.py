from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from data.training.sets import noisy_photo  # noqa: E402
from findalike.config import AugmentSection, CropAugment  # noqa: E402
from findalike.data.training.augment import Augmentation, random_part  # noqa: E402
from findalike.types import InputSpec  # noqa: E402

SPEC = InputSpec(64, "pad")
PHOTO = noisy_photo(5, side=64)


def altered(settings: Mapping[str, Any], seed: int = 0) -> np.ndarray:
    augmentation = Augmentation(AugmentSection.model_validate(settings), SPEC)
    return augmentation.altered(PHOTO, np.random.default_rng(seed))


def test_an_empty_section_changes_nothing() -> None:
    assert altered({}) is PHOTO
    augmentation = Augmentation(AugmentSection(), SPEC)
    assert not augmentation.needs_room
    assert augmentation.part(np.random.default_rng(0)) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"flip": 1.0},
        {"policy": "trivial"},
        {"policy": "auto"},
        {"colour": {"probability": 1.0}},
        {"grey": 1.0},
        {"phone": {"jpeg": 1.0, "quality": (30, 30)}},
        {"phone": {"blur": 1.0, "jpeg": 0.0, "sigma": 3.0}},
        {"erase": 1.0},
    ],
    ids=str,
)
def test_every_key_changes_pictures_by_its_seed_alone(settings: Mapping[str, Any]) -> None:
    before = PHOTO.copy()
    state = torch.random.get_rng_state()
    first = [altered(settings, seed) for seed in range(6)]
    torch.manual_seed(99)
    second = [altered(settings, seed) for seed in range(6)]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert sum(not np.array_equal(one, PHOTO) for one in first) >= 4
    assert all(one.shape == PHOTO.shape and one.dtype == np.uint8 for one in first)
    assert np.array_equal(PHOTO, before)
    torch.random.set_rng_state(state)


def test_torchs_own_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    altered({"policy": "trivial"})
    assert torch.equal(torch.random.get_rng_state(), state)


def test_flip_is_a_mirror_image_as_often_as_it_says() -> None:
    flipped = [np.array_equal(altered({"flip": 0.3}, s), PHOTO[:, ::-1]) for s in range(300)]
    assert 60 < sum(flipped) < 120


def test_grey_comes_after_colour() -> None:
    picture = altered({"colour": {"probability": 1.0, "hue": 0.4}, "grey": 1.0})
    assert np.array_equal(picture[..., 0], picture[..., 2])


def test_what_a_turn_leaves_bare_has_the_colour_of_the_padding() -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    for fill in (0, 77):
        augmentation = Augmentation(
            AugmentSection(policy="trivial"), InputSpec(64, "pad", fill=fill)
        )
        corners = {
            int(augmentation.altered(black, np.random.default_rng(s))[c].max())
            for s in range(60)
            for c in ((0, 0), (-1, -1))
        }
        assert (77 in corners) is (fill == 77)


def test_parts_keep_to_area_and_ratio() -> None:
    section = CropAugment(area=(0.3, 0.6), ratio=(0.8, 1.25))
    areas, ratios, middles = [], [], []
    for seed in range(300):
        part = random_part(section, np.random.default_rng(seed))
        assert part.x >= 0
        assert part.y >= 0
        assert part.x + part.w <= 1 + 1e-9
        assert part.y + part.h <= 1 + 1e-9
        areas.append(part.w * part.h)
        ratios.append(part.w / part.h)
        middles.append((part.x + part.w / 2, part.y + part.h / 2))
    assert 0.3 <= min(areas) < 0.32
    assert 0.58 < max(areas) <= 0.6
    assert 0.8 <= min(ratios) < 0.82
    assert 1.22 < max(ratios) <= 1.25
    assert np.allclose(np.mean(middles, axis=0), 0.5, atol=0.02)


def test_an_impossible_ratio_falls_back_to_the_middle() -> None:
    part = random_part(CropAugment(area=(1.0, 1.0), ratio=(4.0, 4.0)), np.random.default_rng(0))
    assert math.isclose(part.h, 0.5)
    assert (part.x, part.w, part.y) == (0.0, 1.0, 0.25)


def test_pasting_needs_clutter() -> None:
    with pytest.raises(ValueError, match="paste needs clutter"):
        Augmentation(AugmentSection.model_validate({"paste": {}}), SPEC)
