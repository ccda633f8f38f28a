"""Miniatures of the public data sets, in the layout they are published in."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from findalike.data.datasets import INSHOP, PRODUCTS10K, SOP, write_tables
from findalike.data.datasets.inshop import read_inshop
from findalike.data.datasets.tables import validation_labels
from findalike.errors import CatalogueError, SettingError
from findalike.pipelines.evaluation_set import read_evaluation_set
from support import write_photos


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"\xff\xd8\xff")


@pytest.fixture
def products10k(tmp_path: Path) -> Path:
    root = tmp_path / "products10k"
    train = [(f"{n}.jpg", n // 3, 100 + n // 6) for n in range(30)]
    test = [(f"t{n}.jpg", n // 2, 100 + n // 4, "Public" if n % 2 else "Private") for n in range(8)]
    touch(root, *(f"train/{row[0]}" for row in train), *(f"test/{row[0]}" for row in test))
    lines = ["name,class,group", *(",".join(map(str, row)) for row in train)]
    (root / "train.csv").write_text("\n".join(lines) + "\n")
    lines = ["name,class,group,Usage", *(",".join(map(str, row)) for row in test)]
    (root / "test_kaggletest.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def sop(tmp_path: Path) -> Path:
    root = tmp_path / "Stanford_Online_Products"
    header = "image_id class_id super_class_id path"
    train = [f"{n + 1} {n // 2 + 1} 1 bicycle_final/11{n}_0.JPG" for n in range(8)]
    test = [f"{n + 9} {n // 2 + 5} 2 coffee_maker_final/22{n}_0.JPG" for n in range(6)]
    (root / "bicycle_final").mkdir(parents=True)
    for name, lines in (("train", train), ("test", test), ("info", train + test)):
        (root / f"Ebay_{name}.txt").write_text("\n".join([header, *lines]) + "\n")
        touch(root, *(line.split()[-1] for line in lines))
    return root


@pytest.fixture
def inshop(tmp_path: Path) -> Path:
    root = tmp_path / "In-shop Clothes Retrieval Benchmark"
    images = [
        ("img/WOMEN/Dresses/id_00000002/02_1_front.jpg", "id_00000002", "train"),
        ("img/WOMEN/Dresses/id_00000002/02_2_side.jpg", "id_00000002", "train"),
        ("img/MEN/Denim/id_00000080/01_1_front.jpg", "id_00000080", "train"),
        ("img/MEN/Denim/id_00000001/01_1_front.jpg", "id_00000001", "query"),
        ("img/MEN/Denim/id_00000001/01_3_back.jpg", "id_00000001", "gallery"),
        ("img/MEN/Denim/id_00000001/01_7_additional.jpg", "id_00000001", "gallery"),
    ]
    touch(root / "Img", *(name for name, _, _ in images))
    lines = [f"{name:<70} {item} {status}" for name, item, status in images]
    head = [str(len(images)), "image_name item_id evaluation_status"]
    (root / "Eval").mkdir()
    (root / "Eval/list_eval_partition.txt").write_text("\n".join([*head, *lines]) + "\n")
    boxes = [f"{name} 1 {n % 6 + 1} {60 + n} 10 190 250" for n, (name, _, _) in enumerate(images)]
    head = [str(len(boxes)), "image_name clothes_type pose_type x_1 y_1 x_2 y_2"]
    (root / "Anno").mkdir()
    (root / "Anno/list_bbox_inshop.txt").write_text("\n".join([*head, *boxes]) + "\n")
    return root


def test_products10k(products10k):
    report = write_tables(PRODUCTS10K, products10k, val_share=0.2, seed=1)
    out = products10k / "findalike"
    train = rows(out / "train.csv")

    assert list(train[0]) == ["img_path", "label", "domain", "group", "split"]
    assert train[0] | {"split": ""} == {
        "img_path": "train/0.jpg",
        "label": "0",
        "domain": "seller",
        "group": "100",
        "split": "",
    }
    by_split = {
        split: {row["label"] for row in train if row["split"] == split}
        for split in ("train", "val")
    }
    assert len(by_split["val"]) == 2
    assert by_split["val"].isdisjoint(by_split["train"])
    assert (report.train_images, report.val_images) == (24, 6)
    assert (report.train_labels, report.val_labels, report.groups) == (8, 2, 5)
    assert all((products10k / row["img_path"]).is_file() for row in train)

    queries, gallery = rows(out / "queries.csv"), rows(out / "gallery.csv")
    assert queries[1] == {
        "user_img_id": "1",
        "img_path": "test/t1.jpg",
        "product_id": "0",
        "group": "100",
        "usage": "Public",
    }
    assert gallery[1] == {"seller_img_id": "1", "img_path": "test/t1.jpg", "product_id": "0"}
    assert len(queries) == len(gallery) == report.queries == 8
    told = json.loads((out / "report.json").read_text())
    assert told["queries"] == 8
    assert "non-commercial" in told["terms"]


def test_the_test_set_is_searched_for_among_itself(products10k):
    write_tables(PRODUCTS10K, products10k, val_share=0.3)
    out = products10k / "findalike"
    for prefix in ("", "val_"):
        data = read_evaluation_set(
            out / f"{prefix}gallery.csv", out / f"{prefix}queries.csv", root=products10k
        )
        assert data.own.tolist() == list(range(len(data.queries)))
        assert set(data.relevance.counts.tolist()) == ({1} if not prefix else {2})
        assert not data.refused
    data = read_evaluation_set(
        out / "gallery.csv", out / "queries.csv", root=products10k, where=["usage=Private"]
    )
    assert data.own.tolist() == [0, 2, 4, 6]


def test_groups_of_a_test_file_without_them_are_those_of_training(products10k):
    path = products10k / "test_kaggletest.csv"
    path.write_text("name,class,Usage\nt0.jpg,3,Private\nt1.jpg,99,Public\n")
    write_tables(PRODUCTS10K, products10k)
    groups = [row["group"] for row in rows(products10k / "findalike/queries.csv")]
    assert groups == ["101", ""]


def test_sop(sop):
    report = write_tables(SOP, sop, val_share=0)
    out = sop / "findalike"
    train = rows(out / "train.csv")
    assert [row["label"] for row in train] == ["1", "1", "2", "2", "3", "3", "4", "4"]
    assert {row["group"] for row in train} == {"bicycle"}
    assert {row["split"] for row in train} == {"train"}
    assert report.tables == ("train.csv", "gallery.csv", "queries.csv", "refused.csv")
    assert {row["group"] for row in rows(out / "queries.csv")} == {"coffee_maker"}
    data = read_evaluation_set(out / "gallery.csv", out / "queries.csv", root=sop)
    assert data.relevance.counts.tolist() == [1] * 6
    assert data.own.tolist() == list(range(6))


def test_sop_refuses_what_contradicts_the_official_split(sop):
    test = sop / "Ebay_test.txt"
    test.write_text(test.read_text().replace("10 5 2", "10 4 2").replace("12 6 2", "12 7 2"))
    report = write_tables(SOP, sop)
    assert [(refusal.row, refusal.reason) for refusal in report.refusals] == [
        (3, "Ebay_train.txt has this class too"),
        (5, "Ebay_info.txt gives this image the class 6"),
    ]
    assert report.queries == 4


def test_inshop(inshop):
    report = write_tables(INSHOP, inshop, val_share=0.5)
    out = inshop / "findalike"
    train = rows(out / "train.csv")
    assert train[0] | {"split": ""} == {
        "img_path": "Img/img/WOMEN/Dresses/id_00000002/02_1_front.jpg",
        "label": "id_00000002",
        "domain": "seller",
        "group": "WOMEN/Dresses",
        "split": "",
        "bbox_x": "60",
        "bbox_y": "10",
        "bbox_w": "130",
        "bbox_h": "240",
    }
    assert rows(out / "queries.csv") == [
        {
            "user_img_id": "0",
            "img_path": "Img/img/MEN/Denim/id_00000001/01_1_front.jpg",
            "product_id": "id_00000001",
            "bbox_x": "63",
            "bbox_y": "10",
            "bbox_w": "127",
            "bbox_h": "240",
            "group": "MEN/Denim",
            "pose": "zoom out",
        }
    ]
    assert (report.gallery_images, report.queries, report.train_labels) == (2, 1, 1)
    data = read_evaluation_set(out / "gallery.csv", out / "queries.csv", root=inshop)
    assert data.own.tolist() == [-1]
    assert data.relevance[0].tolist() == [0, 1]
    assert data.gallery[1].box is not None


def test_inshop_without_boxes(inshop):
    whole = replace(INSHOP, read=partial(read_inshop, boxes=False))
    write_tables(whole, inshop)
    assert "bbox_x" not in rows(inshop / "findalike/queries.csv")[0]
    (inshop / "Anno/list_bbox_inshop.txt").unlink()
    write_tables(INSHOP, inshop)
    assert "bbox_x" not in rows(inshop / "findalike/train.csv")[0]


def test_a_box_that_is_none_is_left_out_and_its_photo_kept(inshop):
    path = inshop / "Anno/list_bbox_inshop.txt"
    path.write_text(path.read_text().replace(" 61 10 190 250", " 190 10 61 250"))
    report = write_tables(INSHOP, inshop, val_share=0)
    assert [(refusal.row, refusal.reason) for refusal in report.refusals] == [(4, "no box")]
    assert [row["bbox_x"] for row in rows(inshop / "findalike/train.csv")] == ["60", "", "62"]


def test_ten_thousand_rows_with_three_bad_ones(tmp_path):
    root = tmp_path / "p10k"
    lines = [f"{n}.jpg,{n // 10},{n // 100}" for n in range(10_000)]
    lines[17] = "17.jpg,dress,0"
    lines[4_000] = "4000.jpg,400"
    lines[9_999] = "elsewhere.jpg,999,99"
    (root / "train").mkdir(parents=True)
    for number in range(10_000):
        (root / "train" / f"{number}.jpg").touch()
    (root / "train.csv").write_text("name,class,group\n" + "\n".join(lines) + "\n")
    touch(root, "test/0.jpg")
    (root / "test_kaggletest.csv").write_text("name,class,group,Usage\n0.jpg,1,0,Public\n")

    report = write_tables(PRODUCTS10K, root, val_share=0)
    assert report.train_images == 9_997
    assert len(rows(root / "findalike/train.csv")) == 9_997
    told = rows(root / "findalike/refused.csv")
    assert [(row["row"], row["column"], row["reason"]) for row in told] == [
        ("19", "class", "no whole number"),
        ("4002", "", "2 cells in a table of 3 columns"),
        ("10001", "name", "there is no such image"),
    ]


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda root: (root / "train.csv").unlink(), r"has no train.csv.*there is.*'train'"),
        (
            lambda root: (root / "train.csv").write_text("file,label\na.jpg,1\n"),
            r"'file', 'label'.*train.csv of Products-10K has name, class, group",
        ),
        (
            lambda root: (root / "test").rename(root / "test_images"),
            r"none of the 8 images of test_kaggletest.csv.*such as test/t0.jpg: unpack",
        ),
    ],
)
def test_products10k_that_is_something_else(products10k, break_it, told):
    break_it(products10k)
    with pytest.raises(CatalogueError, match=told):
        write_tables(PRODUCTS10K, products10k)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image_name item_id evaluation_status\n", r"begins with 'image_name.*number of images"),
        ("3\nimage_name item_id evaluation_status\na b train\n", r"says 3, and 1 rows follow"),
        ("1\nname id\na b\n", r"'name', 'id'.*image_name, item_id, evaluation_status"),
    ],
)
def test_inshop_lists_that_are_something_else(inshop, text, told):
    (inshop / "Eval/list_eval_partition.txt").write_text(text)
    with pytest.raises(CatalogueError, match=told):
        write_tables(INSHOP, inshop)


def test_folders_that_are_not_unpacked(inshop, tmp_path):
    (inshop / "Img/img").rename(inshop / "Img/images")
    with pytest.raises(CatalogueError, match=r"no folder Img/img: unpack Img/img.zip"):
        write_tables(INSHOP, inshop)
    with pytest.raises(CatalogueError, match=r"nowhere is no folder"):
        write_tables(SOP, tmp_path / "nowhere")


def test_repeats_strange_paths_and_unknown_statuses(inshop):
    path = inshop / "Eval/list_eval_partition.txt"
    more = [
        "img/WOMEN/Dresses/id_00000002/02_1_front.jpg id_00000002 train",
        "img/WOMEN/Dresses/id_00000002/02_2_side.jpg id_00000002 query",
        "img/../../../secret.jpg id_00000002 train",
        "img/WOMEN/Dresses/id_00000002/02_4_full.jpg id_00000002 test",
        "too few",
    ]
    head, rest = path.read_text().split("\n", 1)
    path.write_text("\n".join([str(int(head) + len(more)), rest.strip(), *more]) + "\n")
    report = write_tables(INSHOP, inshop)
    assert [refusal.reason for refusal in report.refusals] == [
        "Eval/list_eval_partition.txt, row 3 has this image; the first is kept",
        "Eval/list_eval_partition.txt, row 4 has this image, as train of id_00000002; "
        "the first is kept",
        "leaves the folder",
        "unknown",
        "2 words in a line",
    ]
    assert (report.train_images + report.val_images, report.queries) == (3, 1)


def test_missing_images_name_what_was_probably_meant(sop):
    (sop / "bicycle_final/110_0.JPG").rename(sop / "bicycle_final/110_0.jpeg")
    report = write_tables(SOP, sop)
    (refusal,) = report.refusals
    assert refusal.reason == "there is no such image; there is bicycle_final/110_0.jpeg"
    assert report.refused == 1


def test_check_images_reads_them(products10k):
    write_photos(products10k / "train", range(29))
    report = write_tables(PRODUCTS10K, products10k, val_share=0)
    assert report.refused == 0
    (products10k / "train/5.jpg").write_text("<html>not found</html>")
    report = write_tables(PRODUCTS10K, products10k, val_share=0, check_images=True)
    told = {refusal.item: refusal.reason for refusal in report.refusals}
    # 29.jpg and the photos of the test set are three bytes long.
    assert set(told) == {"train/5.jpg", "train/29.jpg", *(f"test/t{n}.jpg" for n in range(8))}
    assert "this is a web page" in told["train/5.jpg"]
    assert report.train_images == 28


def test_the_choice_of_validation_depends_on_labels_and_seed_alone():
    labels = [str(number) for number in range(200)]
    held = validation_labels(labels, 0.1, 0)
    assert len(held) == 20
    assert held == validation_labels(reversed(labels), 0.1, 0)
    assert held != validation_labels(labels, 0.1, 1)
    # Pinned: another version of the package must hold the same products out.
    assert sorted(held)[:3] == ["101", "115", "130"]
    assert validation_labels(labels, 0, 0) == set()


def test_stale_tables_go_and_shares_are_checked(products10k):
    write_tables(PRODUCTS10K, products10k, val_share=0.5)
    assert (products10k / "findalike/val_queries.csv").is_file()
    write_tables(PRODUCTS10K, products10k, val_share=0)
    assert not (products10k / "findalike/val_queries.csv").exists()
    with pytest.raises(SettingError, match="share of validation is 1"):
        write_tables(PRODUCTS10K, products10k, val_share=1)


def test_out_elsewhere_leaves_the_data_set_alone(sop, tmp_path):
    before = sorted(sop.rglob("*"))
    report = write_tables(SOP, sop, tmp_path / "tables")
    assert sorted(sop.rglob("*")) == before
    assert (tmp_path / "tables/train.csv").is_file()
    assert report.out == tmp_path / "tables"
