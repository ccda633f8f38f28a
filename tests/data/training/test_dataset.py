from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402

from data.training.sets import make_set, noisy_photo, seller_photo, write_photo  # noqa: E402
from findalike.config import AugmentSection, SamplerSection  # noqa: E402
from findalike.data.prepare import prepare  # noqa: E402
from findalike.data.training.augment import Augmentation  # noqa: E402
from findalike.data.training.batch_sampler import InOrder  # noqa: E402
from findalike.data.training.clutter import Clutter, Ground  # noqa: E402
from findalike.data.training.dataset import TrainingPictures  # noqa: E402
from findalike.data.training.draws import Draw  # noqa: E402
from findalike.data.training.mixture import Mixture  # noqa: E402
from findalike.data.training.samplers import BatchPlan  # noqa: E402
from findalike.errors import TrainingDataError  # noqa: E402
from findalike.types import InputSpec  # noqa: E402

SPEC = InputSpec(48, "pad", 0.05)
FULL: dict[str, Any] = {
    "paste": {"probability": 0.7},
    "crop": {"area": (0.4, 1.0)},
    "flip": 0.5,
    "policy": "trivial",
    "colour": {},
    "grey": 0.2,
    "phone": {},
    "erase": 0.3,
}


@pytest.fixture
def mixture(tmp_path: Path) -> Mixture:
    """Twelve seller photos of four labels, two of them for the validation loss."""
    for number in range(12):
        picture = seller_photo((20 * number, 90, 250 - 20 * number)) if number % 2 else None
        if picture is None:
            picture = noisy_photo(number)[:150]
        write_photo(tmp_path / f"{number}.jpg", picture)
    splits = ["train"] * 10 + ["val"] * 2
    return Mixture([make_set("a", list("abcd") * 3, root=tmp_path, splits=splits)])


def augmentation(**settings: Any) -> Augmentation:
    ground = np.random.default_rng(0).integers(0, 200, (90, 90, 3), dtype=np.uint8)
    section = AugmentSection.model_validate(settings)
    return Augmentation(section, SPEC, clutter=Clutter([Ground(ground, -1)]))


def pixels(pictures: TrainingPictures, image_id: int, seed: int = 0) -> np.ndarray:
    return pictures[Draw(image_id, seed)].pixels.numpy().transpose(1, 2, 0)


def test_without_augmentation_it_is_what_prepare_makes(mixture: Mixture, tmp_path: Path) -> None:
    pictures = TrainingPictures(mixture, SPEC)
    sample = pictures[Draw(2, 5)]
    wanted = prepare((tmp_path / "2.jpg").read_bytes(), SPEC, name="a").pixels
    assert np.array_equal(sample.pixels.numpy().transpose(1, 2, 0), wanted)
    assert (sample.label, sample.image_id) == (2, 2)
    assert sample.pixels.dtype == torch.uint8
    assert len(pictures) == 12


@pytest.mark.parametrize("cache", [False, True])
def test_one_draw_gives_one_picture(mixture: Mixture, cache: bool) -> None:
    first = TrainingPictures(mixture, SPEC, augmentation=augmentation(**FULL), cache=cache)
    second = TrainingPictures(mixture, SPEC, augmentation=augmentation(**FULL), cache=cache)
    for image_id in range(10):
        pixels(second, 9 - image_id, 1)
    for image_id in range(10):
        assert np.array_equal(pixels(first, image_id, 7), pixels(second, image_id, 7))
        assert np.array_equal(pixels(first, image_id, 7), pixels(first, image_id, 7))
        assert not np.array_equal(pixels(first, image_id, 7), pixels(first, image_id, 8))


@pytest.mark.parametrize(
    "settings", [{}, {"flip": 0.5}, {"crop": {"area": (0.4, 0.9)}, "flip": 0.5}], ids=str
)
def test_the_cache_shows_nearly_the_same_and_reads_no_file_again(
    mixture: Mixture, tmp_path: Path, settings: dict[str, Any]
) -> None:
    plain = TrainingPictures(mixture, SPEC, augmentation=augmentation(**settings))
    cached = TrainingPictures(mixture, SPEC, augmentation=augmentation(**settings), cache=True)
    shown = [pixels(plain, i, 100 + i) for i in range(10)]
    for image_id in range(10):
        gap = np.abs(shown[image_id].astype(int) - pixels(cached, image_id, 100 + image_id))
        assert np.median(gap) <= 3
    for path in tmp_path.glob("*.jpg"):
        path.unlink()
    for image_id in range(10):
        gap = np.abs(shown[image_id].astype(int) - pixels(cached, image_id, 100 + image_id))
        assert np.median(gap) <= 3
    assert cached.unreadable_count == 0


def test_the_padding_keeps_its_colour(mixture: Mixture) -> None:
    settings = {"colour": {"probability": 1.0, "brightness": 0.9}, "grey": 0.5, "erase": 1.0}
    pictures = TrainingPictures(mixture, SPEC, augmentation=augmentation(**settings))
    for seed in range(10):
        # 200 x 150 pixels: six rows above and below are padding.
        shown = pixels(pictures, 2, seed)
        assert (shown[:6] == 255).all()
        assert (shown[-6:] == 255).all()


def test_only_sellers_photos_are_pasted(tmp_path: Path) -> None:
    for number in range(4):
        write_photo(tmp_path / f"{number}.jpg", seller_photo())
    domains = ["seller", "user", "seller", "user"]
    mixture = Mixture([make_set("a", list("xxyy"), root=tmp_path, domains=domains)])
    pictures = TrainingPictures(
        mixture, SPEC, augmentation=augmentation(paste={"probability": 1.0})
    )
    seller, user = pixels(pictures, 0, 3), pixels(pictures, 1, 3)
    assert (user.min(axis=2) > 250).mean() > 0.4
    assert (seller[12:-12, 12:-12].min(axis=2) > 250).mean() < 0.2


def test_unreadable_pictures_are_replaced_by_others_of_their_label(
    mixture: Mixture, tmp_path: Path
) -> None:
    (tmp_path / "4.jpg").write_bytes(b"cut off")
    pictures = TrainingPictures(mixture, SPEC, augmentation=augmentation(**FULL))
    samples = [pictures[Draw(4, seed)] for seed in range(8)]
    assert {sample.label for sample in samples} == {0}
    assert {sample.image_id for sample in samples} <= {0, 8}
    assert pictures.unreadable_count == 1
    (reason,) = pictures.unreadable()
    assert reason.startswith("4.jpg: ")
    # Without any picture of the label, another label is shown, and said to be.
    for number in (0, 8):
        (tmp_path / f"{number}.jpg").unlink()
    sample = pictures[Draw(4, 1)]
    assert sample.label != 0
    assert sample.label == int(mixture.labels[sample.image_id])
    for path in tmp_path.glob("*.jpg"):
        path.unlink()
    with pytest.raises(TrainingDataError, match=r"4.jpg cannot be read, nor can 32 other"):
        pictures[Draw(4, 1)]


def loader(pictures: TrainingPictures, batches: Any, workers: int) -> Iterator[Any]:
    context = multiprocessing.get_context("fork") if workers else None
    return iter(
        DataLoader(
            pictures,
            batch_sampler=batches,
            num_workers=workers,
            multiprocessing_context=context,
        )
    )


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("cache", [False, True])
def test_workers_make_the_same_batches_and_share_what_they_found(
    mixture: Mixture, tmp_path: Path, cache: bool
) -> None:
    (tmp_path / "7.jpg").unlink()
    plan = BatchPlan(mixture, SamplerSection(), batch_size=5, seed=1)
    alone = TrainingPictures(mixture, SPEC, augmentation=augmentation(**FULL), cache=cache)
    together = TrainingPictures(mixture, SPEC, augmentation=augmentation(**FULL), cache=cache)
    wanted = list(loader(alone, plan.batches(0), 0))
    found = list(loader(together, plan.batches(0), 2))
    assert len(wanted) == len(found) == 2
    for one, other in zip(wanted, found, strict=True):
        assert torch.equal(one.pixels, other.pixels)
        assert torch.equal(one.label, other.label)
        assert torch.equal(one.image_id, other.image_id)
    assert one.label.dtype == one.image_id.dtype == torch.int64
    assert together.unreadable_count == alone.unreadable_count == 1


def test_pictures_can_be_sent_to_another_process(mixture: Mixture) -> None:
    pictures = TrainingPictures(mixture, SPEC, augmentation=augmentation(**FULL), cache=True)
    before = pixels(pictures, 1, 2)
    assert np.array_equal(pixels(pickle.loads(pickle.dumps(pictures)), 1, 2), before)


def test_the_validation_loss_sees_its_images_in_order(mixture: Mixture) -> None:
    pictures = TrainingPictures(mixture, SPEC)
    whole = InOrder(mixture, batch_size=1)
    batches = list(loader(pictures, whole, 0))
    assert len(whole) == 2
    assert [b.image_id.tolist() for b in batches] == [[10], [11]]
    assert [b.label.tolist() for b in batches] == [[2], [3]]
    ranks = [list(InOrder(mixture, batch_size=4, rank=rank, world=2)) for rank in (0, 1)]
    assert [[d.image_id for d in batch] for rank in ranks for batch in rank] == [[10], [11]]
