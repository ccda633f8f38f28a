from __future__ import annotations

from pathlib import Path

import pytest

from findalike.config import DataSection, TrainingData
from findalike.data.training.reading import read_mixture, read_training_set
from findalike.errors import RecipeError, TrainingDataError
from support import write_photos, write_table


def rows(count: int) -> list[dict[str, object]]:
    return [
        {
            "img_path": f"photos/{number % 24}.jpg",
            "product_id": f"p{number // 4}",
            "domain": "user" if number % 2 else "seller",
            "split": "val" if number == 3 else "train",
            "group": f"g{number // 8}",
            "kids": "yes" if number < 8 else "no",
        }
        for number in range(count)
    ]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    write_photos(tmp_path / "photos", range(24))
    return tmp_path


def entry(**more: object) -> TrainingData:
    return TrainingData.model_validate({"name": "toys", "path": "train.csv", **more})


def test_reads_all_that_a_table_says(base: Path) -> None:
    table = rows(24)
    table[0] |= {"bbox_x": 4, "bbox_y": 5, "bbox_w": 30, "bbox_h": 20}
    write_table(base / "train.csv", table)
    found = read_training_set(entry(), base=base)
    first, fourth = found.images[0], found.images[3]
    assert len(found.images) == found.rows == 24
    assert (first.location, first.label, first.domain, first.group, first.split) == (
        "photos/0.jpg",
        "p0",
        "seller",
        "g0",
        "train",
    )
    assert first.box is not None
    assert (first.box.x, first.box.h) == (4, 20)
    assert (fourth.split, fourth.domain, fourth.box) == ("val", "user", None)
    assert (found.root, found.refused) == (base, ())


def test_photos_whose_rows_do_not_say_are_of_the_domain_of_the_set(base: Path) -> None:
    table = rows(4)
    table[0]["domain"] = table[1]["domain"] = ""
    write_table(base / "train.csv", table)
    found = [read_training_set(entry(**more), base=base) for more in ({}, {"domain": "user"})]
    assert [[image.domain for image in one.images] for one in found] == [
        ["seller", "seller", "seller", "user"],
        ["user", "user", "seller", "user"],
    ]


def test_bad_rows_are_reported_and_the_others_kept(base: Path) -> None:
    table: list[dict[str, object]] = [
        {"image_path": f"photos/{n % 24}.jpg", "label": n % 24, "bbox": f"{n // 24},0,9,9"}
        for n in range(10_000)
    ]
    table[17]["image_path"] = "photos/17.png"
    table[18]["label"] = ""
    table[19]["bbox"] = "1,2,3"
    write_table(base / "train.csv", table)
    found = read_training_set(entry(), base=base)
    assert len(found.images) == 9_997
    assert [(r.row, r.column) for r in sorted(found.refused, key=lambda r: r.row)] == [
        (19, "image"),
        (20, "label"),
        (21, "bbox"),
    ]
    missing = next(r for r in found.refused if r.row == 19)
    assert (missing.reason, missing.allowed) == (
        "there is no such file",
        "did you mean 'photos/17.jpg'?",
    )


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (["kids=yes"], 8),
        (["group=g0", "group=g2"], 16),
        (["kids=yes", "domain=user"], 4),
        (["Kids=yes", "product_id=p0", "product_id=p5"], 4),
    ],
)
def test_where_is_any_value_of_a_column_and_every_column(
    base: Path, where: list[str], kept: int
) -> None:
    write_table(base / "train.csv", rows(24))
    found = read_training_set(entry(where=tuple(where)), base=base)
    assert (len(found.images), found.unwanted) == (kept, 24 - kept)


def test_an_unknown_column_gets_the_nearest_name(base: Path) -> None:
    write_table(base / "train.csv", rows(24))
    with pytest.raises(TrainingDataError, match=r"no column 'kidz': did you mean 'kids'\?"):
        read_training_set(entry(where=("kidz=yes",)), base=base)


def test_a_table_without_images_is_refused(base: Path) -> None:
    write_table(base / "train.csv", [{"imgpath": "photos/0.jpg", "label": "a"}])
    with pytest.raises(TrainingDataError, match=r"no column img_path.*is it 'imgpath'"):
        read_training_set(entry(), base=base)


def test_repeated_rows_are_counted_and_contradictions_refused(base: Path) -> None:
    table = [*rows(24), rows(1)[0], {**rows(1)[0], "product_id": "other"}]
    write_table(base / "train.csv", table)
    found = read_training_set(entry(), base=base)
    assert (len(found.images), found.duplicates) == (24, 1)
    assert "has this picture with the label 'p0'" in found.refused[0].reason


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("../train.csv", "a path that leaves the root"),
        ("https://shop.example/a.jpg", "a URL"),
        ("photos", "there is no such file"),
    ],
)
def test_only_files_below_the_root_are_taken(base: Path, location: str, reason: str) -> None:
    write_table(base / "train.csv", [*rows(8), {"img_path": location, "product_id": "x"}])
    found = read_training_set(entry(), base=base)
    assert len(found.images) == 8
    assert found.refused[0].reason == reason


def test_rare_labels_are_left_out_with_their_validation_images(base: Path) -> None:
    table = [*rows(8), {"img_path": "photos/20.jpg", "product_id": "rare"}]
    table += [{"img_path": "photos/21.jpg", "product_id": "rare", "split": "val"}]
    write_table(base / "train.csv", table)
    found = read_training_set(entry(min_images=3), base=base)
    assert {image.label for image in found.images} == {"p0", "p1"}
    assert (found.rare_labels, found.rare_images) == (1, 2)
    with pytest.raises(TrainingDataError, match="labels have fewer than 9 images"):
        read_training_set(entry(min_images=9), base=base)


def test_photos_as_their_own_labels_need_none(base: Path) -> None:
    write_table(base / "train.csv", [{"img_path": f"photos/{n}.jpg"} for n in range(5)])
    found = read_training_set(entry(labels="image", views=3, share=0.5), base=base)
    assert (len(found.images), found.views, found.share) == (5, 3, 0.5)
    with pytest.raises(TrainingDataError, match=r"none of the 5 rows.*no label"):
        read_training_set(entry(), base=base)
    with pytest.raises(TrainingDataError, match="leave min_images out"):
        read_training_set(entry(labels="image", min_images=2), base=base)


def test_a_test_split_is_not_trained_on(base: Path) -> None:
    table = rows(8)
    table[5]["split"] = "test"
    write_table(base / "train.csv", table)
    found = read_training_set(entry(), base=base)
    assert [r.row for r in found.refused] == [7]


def test_root_and_variables(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (base / "tables").mkdir()
    write_table(base / "tables" / "train.csv", rows(8))
    monkeypatch.setenv("TABLES", str(base / "tables"))
    found = read_training_set(entry(path="${TABLES}/train.csv", root="."), base=base)
    assert len(found.images) == 8
    with pytest.raises(TrainingDataError, match="none of the 8 rows"):
        read_training_set(entry(path="${TABLES}/train.csv"), base=base)
    with pytest.raises(RecipeError, match="NOWHERE is not set"):
        read_training_set(entry(path="${NOWHERE}/train.csv"), base=base)
    with pytest.raises(TrainingDataError, match="there is no folder"):
        read_training_set(entry(path="tables/train.csv", root="gone"), base=base)


@pytest.fixture
def challenge(base: Path) -> Path:
    gallery = [
        {"seller_img_id": n, "img_path": f"photos/{n}.jpg", "product_id": n} for n in range(6)
    ]
    queries = [
        {
            "user_img_id": 100 + n,
            "img_path": f"photos/{6 + n}.jpg",
            "product_id": n % 6,
            "bbox_x": 1,
            "bbox_y": 2,
            "bbox_w": 40,
            "bbox_h": 30,
            "level": "hard" if n % 2 else "easy",
        }
        for n in range(12)
    ]
    products = [
        {"product_id": n, "category": f"c{n // 3}", "split": "seen" if n < 4 else "unseen"}
        for n in range(6)
    ]
    write_table(base / "gallery.csv", gallery)
    write_table(base / "queries.csv", queries)
    write_table(base / "products.csv", products)
    return base


def test_a_challenge_gives_both_domains(challenge: Path) -> None:
    found = read_training_set(entry(path=".", reader="challenge"), base=challenge)
    sellers = [image for image in found.images if image.domain == "seller"]
    users = [image for image in found.images if image.domain == "user"]
    assert (len(sellers), len(users)) == (6, 12)
    assert users[0].box is not None
    assert {image.group for image in found.images} == {"c0", "c1"}
    seen = entry(path=".", reader="challenge", where=("split=seen",))
    kept = read_training_set(seen, base=challenge).images
    assert {image.label for image in kept} == {"0", "1", "2", "3"}
    assert len(kept) == 4 + 8


def test_a_condition_on_queries_asks_nothing_of_the_gallery(challenge: Path) -> None:
    hard = entry(path=".", reader="challenge", where=("level=hard",))
    kept = read_training_set(hard, base=challenge).images
    assert sum(image.domain == "seller" for image in kept) == 6
    assert sum(image.domain == "user" for image in kept) == 6
    with pytest.raises(TrainingDataError, match="did you mean 'level'"):
        read_training_set(
            entry(path=".", reader="challenge", where=("levle=hard",)), base=challenge
        )


def test_any_catalogue_can_be_trained_on(challenge: Path) -> None:
    (challenge / "shop" / "mug").mkdir(parents=True)
    (challenge / "shop" / "cap").mkdir()
    write_photos(challenge / "shop" / "mug", range(3))
    write_photos(challenge / "shop" / "cap", range(3, 5))
    found = read_training_set(entry(path="shop", reader="catalogue"), base=challenge)
    assert sorted(image.label for image in found.images) == ["cap"] * 2 + ["mug"] * 3
    only = entry(path="shop", reader="catalogue", where=("product_id=mug",))
    assert len(read_training_set(only, base=challenge).images) == 3


def test_the_number_of_classes_is_checked(base: Path) -> None:
    write_table(base / "train.csv", rows(24))
    assert read_mixture(DataSection(train=(entry(),), classes=6), base=base).classes == 6
    with pytest.raises(TrainingDataError, match=r"classes is 5, and 6 labels were found \(toys 6"):
        read_mixture(DataSection(train=(entry(),), classes=5), base=base)


def test_grocery_as_it_is(shared_data: Path) -> None:
    section = DataSection(train=(entry(name="grocery", path="grocery/train.csv"),))
    found = read_mixture(section, base=shared_data)
    summary = found.describe()
    assert (summary.images, summary.val_images, summary.classes) == (1320, 141, 42)
    assert (summary.sets[0].refused, summary.sets[0].user_images) == (0, 1278)
