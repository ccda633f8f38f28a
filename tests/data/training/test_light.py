from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torchvision.transforms import v2  # noqa: E402

from data.training.sets import noisy_photo  # noqa: E402
from findalike.config import ColourAugment, PhoneAugment  # noqa: E402
from findalike.data.training.light import (  # noqa: E402
    brightened,
    contrasted,
    erased,
    grey,
    jitter,
    phone,
    saturated,
    turned_hue,
)

PHOTO = noisy_photo(3, side=64)


def by_torchvision(name: str, value: float) -> np.ndarray:
    tensor = torch.from_numpy(PHOTO.transpose(2, 0, 1).copy())
    return getattr(v2.functional, name)(tensor, value).numpy().transpose(1, 2, 0)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.4])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (brightened, "adjust_brightness"),
        (contrasted, "adjust_contrast"),
        (saturated, "adjust_saturation"),
    ],
)
def test_light_changes_as_in_torchvision(ours, theirs: str, factor: float) -> None:
    gap = np.abs(ours(PHOTO, factor).astype(int) - by_torchvision(theirs, factor))
    assert gap.max() <= 2


@pytest.mark.parametrize("turn", [-0.5, -0.1, 0.0, 0.05, 0.3])
def test_hue_turns_as_in_torchvision(turn: float) -> None:
    gap = np.abs(turned_hue(PHOTO, turn).astype(int) - by_torchvision("adjust_hue", turn))
    assert gap.mean() < 2.5


def test_grey_is_torchvisions() -> None:
    tensor = torch.from_numpy(PHOTO.transpose(2, 0, 1).copy())
    wanted = v2.functional.rgb_to_grayscale(tensor, 3).numpy().transpose(1, 2, 0)
    assert np.abs(grey(PHOTO).astype(int) - wanted).max() <= 1


def test_jitter_stays_within_its_section() -> None:
    only = ColourAugment(brightness=0.2, contrast=0.0, saturation=0.0, hue=0.0)
    means = []
    for seed in range(80):
        changed = jitter(PHOTO, only, np.random.default_rng(seed))
        means.append(changed[PHOTO < 200].mean() / PHOTO[PHOTO < 200].mean())
    assert 0.79 < min(means) < 0.85
    assert 1.15 < max(means) < 1.21


def test_each_key_of_colour_does_something() -> None:
    still = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    unchanged = jitter(PHOTO, ColourAugment(**still), np.random.default_rng(1))
    assert np.array_equal(unchanged, PHOTO)
    for key in still:
        section = ColourAugment(**{**still, key: 0.4})
        assert not np.array_equal(jitter(PHOTO, section, np.random.default_rng(1)), PHOTO), key


def test_a_phone_blurs_and_packs() -> None:
    rng = np.random.default_rng
    assert phone(PHOTO, PhoneAugment(blur=0.0, jpeg=0.0), rng(0)) is PHOTO
    fine = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    spreads = [
        np.mean([phone(fine, section, rng(seed)).astype(float).std() for seed in range(9)])
        for section in (
            PhoneAugment(blur=1.0, sigma=0.2, jpeg=0.0),
            PhoneAugment(blur=1.0, sigma=5.0, jpeg=0.0),
        )
    ]
    assert spreads[1] < 0.6 * spreads[0]
    good = phone(PHOTO, PhoneAugment(blur=0.0, jpeg=1.0, quality=(95, 95)), rng(0))
    bad = phone(PHOTO, PhoneAugment(blur=0.0, jpeg=1.0, quality=(5, 5)), rng(0))
    gaps = [np.abs(one.astype(int) - PHOTO).mean() for one in (good, bad)]
    assert 0 < gaps[0] < gaps[1] / 2


def test_erasing_wipes_a_rectangle_and_leaves_the_picture_it_was_given() -> None:
    before = PHOTO.copy()
    for seed in range(30):
        wiped = erased(PHOTO, np.random.default_rng(seed))
        changed = (wiped != PHOTO).any(axis=2)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1) / changed.size
        assert 0.01 <= area <= 0.35
        assert changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.95
    assert np.array_equal(PHOTO, before)
