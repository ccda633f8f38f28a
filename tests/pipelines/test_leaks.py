from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.training.sets import noisy_photo, write_photo
from findalike.config import DataSection, TrainingData
from findalike.data.training.mixture import Mixture
from findalike.data.training.reading import read_mixture
from findalike.errors import TrainingDataError
from findalike.pipelines.evaluation_set import EvaluationSet, read_evaluation_set
from findalike.pipelines.leaks import LeakReport, check_leaks
from findalike.pipelines.picture_matches import Comparer
from findalike.types import InputSpec
from support import write_table


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Training photos t0-t7 of products p0-p3; a shop of s0-s5 with queries q0-q3."""
    for number in range(8):
        write_photo(tmp_path / "train" / f"t{number}.jpg", noisy_photo(number))
    for number in range(6):
        write_photo(tmp_path / "shop" / f"s{number}.jpg", noisy_photo(100 + number))
    for number in range(4):
        write_photo(tmp_path / "shop" / f"q{number}.jpg", noisy_photo(200 + number))
    rows = [{"img_path": f"t{n}.jpg", "label": f"p{n // 2}"} for n in range(8)]
    write_table(tmp_path / "train" / "train.csv", rows)
    gallery = [
        {"seller_img_id": n, "img_path": f"s{n}.jpg", "product_id": f"k{n}"} for n in range(6)
    ]
    queries = [
        {"user_img_id": f"u{n}", "img_path": f"q{n}.jpg", "product_id": f"k{n}"} for n in range(4)
    ]
    write_table(tmp_path / "shop" / "gallery.csv", gallery)
    write_table(tmp_path / "shop" / "queries.csv", queries)
    return tmp_path


def training(place: Path, path: str = "train/train.csv", **more: object) -> Mixture:
    entry = TrainingData.model_validate({"name": "toys", "path": path, **more})
    return read_mixture(DataSection(train=(entry,)), base=place)


def judged(place: Path) -> dict[str, EvaluationSet]:
    shop = place / "shop"
    return {"shop": read_evaluation_set(shop / "gallery.csv", shop / "queries.csv")}


def found(report: LeakReport) -> list[tuple[str, int]]:
    return [(leak.kind, leak.count) for leak in report.leaks]


def test_nothing_shared_is_nothing_found(place: Path) -> None:
    report = check_leaks(training(place), judged(place))
    assert (report.leaks, report.training_pictures, report.validation_pictures) == ((), 8, 10)
    assert check_leaks(training(place), {}).leaks == ()


@pytest.mark.parametrize(("name", "kind"), [("q1", "image"), ("s2", "image"), ("s5", "distractor")])
def test_the_same_file_is_found_wherever_it_is(place: Path, name: str, kind: str) -> None:
    shutil.copy(place / "train" / "t3.jpg", place / "shop" / f"{name}.jpg")
    with pytest.raises(TrainingDataError) as caught:
        check_leaks(training(place), judged(place))
    message = str(caught.value)
    assert f"({kind}), in 'shop' from 'toys'" in message
    assert f"{place}/train/t3.jpg and {place}/shop/{name}.jpg: the same file" in message
    assert f"data.allow_leaks: [shop/{kind}]" in message


def test_a_copy_saved_anew_is_nearly_the_same(place: Path) -> None:
    photo = Image.open(place / "train" / "t3.jpg").resize((130, 130))
    photo.save(place / "shop" / "q1.jpg", quality=60)
    report = check_leaks(training(place), judged(place), allow=["near-image"])
    assert found(report) == [("near-image", 1)]
    assert "of 256 bits apart" in report.leaks[0].examples[0].detail
    assert report.leaks[0].allowed


@pytest.mark.parametrize("allow", [["shop"], ["image"], ["shop/image"], ["product", "image"]])
def test_what_is_allowed_by_name_passes(place: Path, allow: list[str]) -> None:
    for number in range(4):
        shutil.copy(place / "train" / f"t{number}.jpg", place / "shop" / f"q{number}.jpg")
    report = check_leaks(training(place), judged(place), allow=allow)
    assert found(report) == [("image", 4)]
    assert len(report.leaks[0].examples) == 3


def test_allowing_one_thing_allows_no_other(place: Path) -> None:
    shutil.copy(place / "train" / "t0.jpg", place / "shop" / "s5.jpg")
    shutil.copy(place / "train" / "t1.jpg", place / "shop" / "q0.jpg")
    with pytest.raises(TrainingDataError, match=r"\(image\)") as caught:
        check_leaks(training(place), judged(place), allow=["shop/distractor"])
    assert "distractor" not in str(caught.value)


def test_unknown_names_are_refused(place: Path) -> None:
    with pytest.raises(TrainingDataError, match="'shap': did you mean 'shop'"):
        check_leaks(training(place), judged(place), allow=["shap"])


def product_table(place: Path, folder: str) -> str:
    for number in range(4):
        write_photo(place / folder / f"n{number}.jpg", noisy_photo(300 + number))
    rows = [{"img_path": f"n{n}.jpg", "product_id": f"k{n % 2}"} for n in range(4)]
    write_table(place / folder / "more.csv", rows)
    return f"{folder}/more.csv"


@pytest.mark.parametrize("folder", ["shop", "shop/inner"])
@pytest.mark.parametrize("more", [{}, {"labels": "image"}])
def test_products_of_one_source_are_compared(
    place: Path, folder: str, more: dict[str, object]
) -> None:
    mixture = training(place, product_table(place, folder), **more)
    report = check_leaks(mixture, judged(place), allow=["product"])
    assert found(report) == [("product", 2)]
    assert report.leaks[0].examples[0].detail == "both show the product 'k0'"


def test_ids_of_another_source_mean_something_else(place: Path) -> None:
    mixture = training(place, product_table(place, "elsewhere"))
    assert check_leaks(mixture, judged(place)).leaks == ()


def test_images_for_the_validation_loss_do_not_leak(place: Path) -> None:
    rows = [{"img_path": f"t{n}.jpg", "label": f"p{n // 2}", "split": "train"} for n in range(8)]
    rows[3]["split"] = "val"
    write_table(place / "train" / "train.csv", rows)
    shutil.copy(place / "train" / "t3.jpg", place / "shop" / "q1.jpg")
    assert check_leaks(training(place), judged(place)).leaks == ()


def colours(pictures: np.ndarray) -> np.ndarray:
    """Stands for an encoder: the mean colour, as a unit vector."""
    means = pictures.reshape(len(pictures), -1, 3).mean(axis=1) - 100
    return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


def test_an_encoder_finds_what_the_hash_does_not(place: Path) -> None:
    photo = Image.open(place / "train" / "t3.jpg")
    photo.transpose(Image.Transpose.ROTATE_90).save(place / "shop" / "q1.jpg", quality=95)
    mixture, sets = training(place), judged(place)
    assert check_leaks(mixture, sets).leaks == ()
    asked: list[int] = []

    def embed(pictures: np.ndarray) -> np.ndarray:
        asked.append(len(pictures))
        return colours(pictures)

    comparer = Comparer(embed, InputSpec(32, "stretch"), "colours", threshold=0.9999)
    for _ in range(2):
        report = check_leaks(
            mixture,
            sets,
            allow=["near-image"],
            comparer=comparer,
            cache=place / "prints",
        )
        assert found(report) == [("near-image", 1)]
        assert "cosine 1.000" in report.leaks[0].examples[0].detail
    # The second time every embedding was known.
    assert sum(asked) == 18


def test_known_prints_are_not_made_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mixture, sets, cache = training(place), judged(place), place / "runs" / "prints"
    told: list[tuple[str, int, int]] = []
    check_leaks(mixture, sets, cache=cache, progress=lambda *a: told.append(a))
    assert told[-1] == ("comparing pictures", 18, 18)

    def never(data: bytes, *, name: str) -> None:
        raise AssertionError(name)

    monkeypatch.setattr("findalike.pipelines.picture_matches.picture_print", never)
    assert check_leaks(mixture, sets, cache=cache).leaks == ()


def test_unreadable_pictures_are_named_and_the_rest_compared(place: Path) -> None:
    (place / "train" / "t0.jpg").write_bytes(b"cut off")
    shutil.copy(place / "train" / "t3.jpg", place / "shop" / "q1.jpg")
    report = check_leaks(training(place), judged(place), allow=["image"])
    assert found(report) == [("image", 1)]
    assert len(report.unreadable) == 1
    assert report.unreadable[0].startswith("t0.jpg: ")


def test_the_protocols_of_grocery(shared_data: Path, tmp_path: Path) -> None:
    """The juices of the two protocols, for the whole set takes longer."""
    grocery = shared_data / "grocery"
    juices = tuple(f"product_id={number}" for number in range(30, 38))
    entry = TrainingData(name="grocery", path="train.csv", where=juices)
    mixture = read_mixture(DataSection(train=(entry,)), base=grocery)
    sets = {
        name: read_evaluation_set(
            grocery / "gallery.csv",
            grocery / "queries.csv",
            where=[f"split={name}", "category=Packages/Juice"],
        )
        for name in ("seen", "unseen")
    }
    queries = {name: len(data.queries) for name, data in sets.items()}
    cache = tmp_path / "prints"
    with pytest.raises(TrainingDataError, match="queries of products that are trained on"):
        check_leaks(mixture, sets, cache=cache)
    report = check_leaks(mixture, sets, allow=["seen", "distractor"], cache=cache)
    assert [(leak.kind, leak.validation, leak.count) for leak in report.leaks] == [
        ("image", "seen", 4),
        ("product", "seen", queries["seen"]),
        ("distractor", "unseen", 4),
    ]
    assert queries["unseen"] > 50
