from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.training.sets import make_set, noisy_photo, seller_photo, write_photo
from findalike.config import PasteAugment
from findalike.data.training.clutter import Clutter, Ground, make_clutter, simulated_ground
from findalike.data.training.cutout import cut_out
from findalike.data.training.mixture import Mixture
from findalike.data.training.paste import paste
from findalike.types import InputSpec

RED = (200, 40, 60)


def reddish(picture: np.ndarray) -> np.ndarray:
    """Where the product's colour is, in any light."""
    r, g, b = (picture[..., c].astype(int) for c in range(3))
    return (r > 1.8 * g) & (r > 1.8 * b) & (r > 60)


@pytest.fixture
def green() -> Clutter:
    ground = np.zeros((200, 160, 3), np.uint8)
    ground[..., 1] = np.linspace(90, 160, 160, dtype=np.uint8)
    return Clutter([Ground(ground, -1)])


@pytest.mark.parametrize("ground", [255, 244, 128])
def test_a_product_is_cut_out_of_plain_ground(ground: int) -> None:
    found = cut_out(seller_photo(RED, ground=ground))
    assert found is not None
    # The ellipse has the radii 60 and 80.
    assert abs(found.alpha.shape[0] - 161) <= 6
    assert abs(found.alpha.shape[1] - 121) <= 6
    assert abs(float(found.alpha.sum()) / (np.pi * 60 * 80) - 1) < 0.06
    assert found.alpha.min() == 0
    # The white print inside is part of it.
    middle = tuple(side // 2 for side in found.alpha.shape)
    assert found.alpha[middle] == 1
    assert found.pixels[middle].min() > 240


def test_a_soft_shadow_is_left_behind() -> None:
    picture = seller_photo(RED).astype(float)
    rows = np.arange(240)[:, None] - 205.0
    columns = np.arange(240)[None] - 120.0
    shadow = 1 - 0.12 * np.exp(-(rows**2 / 200 + columns**2 / 2500))
    lit = np.where(reddish(picture)[..., None], picture, picture * shadow[..., None])
    found = cut_out(lit.astype(np.uint8))
    assert found is not None
    assert abs(float(found.alpha.sum()) / (np.pi * 60 * 80) - 1) < 0.1


def test_photos_without_a_plain_ground_are_refused() -> None:
    assert all(cut_out(noisy_photo(seed)) is None for seed in range(8))
    assert cut_out(np.full((50, 50, 3), 255, np.uint8)) is None
    speck = np.full((80, 80, 3), 255, np.uint8)
    speck[40:44, 40:44] = 0
    assert cut_out(speck) is None


def test_a_pasted_product_lies_on_the_clutter(green: Clutter) -> None:
    photo = seller_photo(RED)
    before = photo.copy()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scene = paste(photo, green, PasteAugment(scale=(0.6, 0.6), degrees=0), label=0, rng=rng)
        assert scene is not None
        assert max(scene.shape[:2]) <= 240
        rows = np.flatnonzero(reddish(scene).any(axis=1))
        assert abs(len(rows) / scene.shape[0] - 0.6) < 0.05
        # No white ground came along, except the print.
        white = (scene.min(axis=2) > 190).sum() / scene[..., 0].size
        assert white < 0.06
        assert (scene[..., 1] > 1.5 * scene[..., 0]).mean() > 0.3
    assert np.array_equal(photo, before)


def test_scale_and_degrees_have_their_effect(green: Clutter) -> None:
    photo = seller_photo(RED)

    def shares(section: PasteAugment) -> list[float]:
        scenes = [
            paste(photo, green, section, label=0, rng=np.random.default_rng(seed))
            for seed in range(12)
        ]
        return [reddish(scene).mean() for scene in scenes if scene is not None]

    small = shares(PasteAugment(scale=(0.4, 0.4), degrees=0))
    large = shares(PasteAugment(scale=(1.0, 1.0), degrees=0))
    assert max(small) < min(large)
    lying = paste(
        photo, green, PasteAugment(scale=(1, 1), degrees=180), label=0, rng=np.random.default_rng(5)
    )
    upright = paste(
        photo, green, PasteAugment(scale=(1, 1), degrees=0), label=0, rng=np.random.default_rng(5)
    )
    assert lying is not None
    assert upright is not None
    assert lying.shape != upright.shape or not np.array_equal(lying, upright)


def test_no_ground_shows_the_label_itself() -> None:
    grounds = [Ground(np.full((9, 9, 3), label, np.uint8), label) for label in (0, 1, 2)]
    clutter = Clutter(grounds)
    seen = {int(clutter.draw(1, np.random.default_rng(seed))[0, 0, 0]) for seed in range(40)}
    assert seen == {0, 2}
    with pytest.raises(ValueError, match="two labels"):
        Clutter(grounds[:1])


def test_simulated_grounds_are_clutter_and_the_same_again() -> None:
    first = simulated_ground(7, 0, 120)
    assert max(first.shape[:2]) == 120
    assert first.std() > 10
    simulated_ground.cache_clear()
    assert np.array_equal(simulated_ground(7, 0, 120), first)
    assert not np.array_equal(simulated_ground(7, 1, 120), first)


def test_a_bank_takes_user_photos_that_are_trained_on(tmp_path: Path) -> None:
    for number in range(4):
        write_photo(tmp_path / f"{number}.jpg", noisy_photo(number))
    (tmp_path / "2.jpg").write_bytes(b"no picture")
    mixture = Mixture(
        [
            make_set(
                "a",
                list("xyzx"),
                root=tmp_path,
                domains=["user", "seller", "user", "user"],
                splits=["train", "train", "train", "val"],
            )
        ]
    )
    spec = InputSpec(32, "pad")
    bank = make_clutter(mixture, spec, seed=1, simulated=1, real=9)
    assert len(bank) == 2
    others = {bank.draw(0, np.random.default_rng(s)).shape for s in range(20)}
    assert len(others) == 1
    again = make_clutter(mixture, spec, seed=1, simulated=1, real=9)
    rng = np.random.default_rng
    assert np.array_equal(bank.draw(1, rng(3)), again.draw(1, rng(3)))


def test_real_seller_photos_are_cut_out(shared_data: Path) -> None:
    found = [
        cut_out(np.asarray(Image.open(path).convert("RGB")))
        for path in sorted((shared_data / "grocery" / "seller").glob("*.jpg"))
    ]
    assert sum(one is not None for one in found) >= 50
