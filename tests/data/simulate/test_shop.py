import csv
import hashlib
import json

import cv2
import pytest

import findalike.data.simulate as package
from findalike.data.simulate.shop import (
    GALLERY_COLUMNS,
    PRODUCT_COLUMNS,
    QUERY_COLUMNS,
    VERSION,
    simulate,
)
from findalike.errors import SettingError, StorageError

from .conftest import PRODUCTS, SEED


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digests(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_the_tables_have_the_challenges_columns(shop):
    for path, columns in (
        (shop.gallery, GALLERY_COLUMNS),
        (shop.queries, QUERY_COLUMNS),
        (shop.products, PRODUCT_COLUMNS),
    ):
        with path.open(encoding="utf-8") as file:
            assert tuple(next(csv.reader(file))) == columns
    assert GALLERY_COLUMNS[:3] == ("seller_img_id", "img_path", "product_id")
    assert QUERY_COLUMNS[:7] == (
        "user_img_id",
        "img_path",
        "product_id",
        "bbox_x",
        "bbox_y",
        "bbox_w",
        "bbox_h",
    )


def test_counts_agree_with_the_tables_and_the_files(shop):
    gallery, queries, products = (rows(p) for p in (shop.gallery, shop.queries, shop.products))
    assert len(products) == shop.product_count == PRODUCTS
    assert len(gallery) == shop.seller_images == len(list((shop.root / "seller").iterdir()))
    assert len(queries) == shop.user_images == len(list((shop.root / "user").iterdir()))
    assert [int(r["seller_img_id"]) for r in gallery] == list(range(len(gallery)))
    assert [int(r["user_img_id"]) for r in queries] == list(range(len(queries)))


def test_every_row_names_a_readable_picture_of_a_known_product(shop):
    known = {r["product_id"] for r in rows(shop.products)}
    for row in [*rows(shop.gallery), *rows(shop.queries)]:
        assert row["product_id"] in known
        picture = cv2.imread(str(shop.root / row["img_path"]))
        assert picture is not None
        assert min(picture.shape[:2]) >= 384
    assert {r["product_id"] for r in rows(shop.gallery)} == known


def test_boxes_lie_inside_their_photos(shop):
    for row in rows(shop.queries):
        x, y, w, h = (int(row[f"bbox_{k}"]) for k in "xywh")
        height, width = cv2.imread(str(shop.root / row["img_path"])).shape[:2]
        assert 0 <= x < x + w <= width
        assert 0 <= y < y + h <= height
        assert float(row["box_size"]) == pytest.approx(w * h / width / height, abs=1e-3)
        assert 0 <= float(row["difficulty"]) <= 1
        assert row["level"] in ("easy", "medium", "hard")


def test_variants_name_their_first_and_what_they_differ_in(shop):
    products = rows(shop.products)
    first = {r["product_id"] for r in products if not r["variant_of"]}
    for row in products:
        assert bool(row["variant_of"]) == bool(row["variant_axis"])
        assert not row["variant_of"] or row["variant_of"] in first
        assert float(row["price"]) > 0
        assert "/" in row["category"]
        assert row["in_stock"] in ("true", "false")


def test_the_folder_says_how_it_was_made(shop):
    manifest = json.loads((shop.root / "simulation.json").read_text())
    assert manifest["seed"] == SEED
    assert manifest["products"] == PRODUCTS
    text = (shop.root / "README.txt").read_text()
    assert f"--products {PRODUCTS} --seed {SEED}" in text


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(shop, tmp_path):
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        again = simulate(tmp_path / "again", products=PRODUCTS, seed=SEED, workers=3)
    finally:
        cv2.setNumThreads(threads)
    assert digests(again.root) == digests(shop.root)


def test_a_smaller_shop_is_the_beginning_of_a_larger_one(shop, tmp_path):
    small = simulate(tmp_path / "small", products=3, seed=SEED, workers=1)
    whole = digests(shop.root)
    for name, digest in digests(small.root).items():
        if name.endswith(".jpg"):
            assert whole[name] == digest
    assert rows(small.products) == rows(shop.products)[:3]
    assert rows(small.queries) == rows(shop.queries)[: small.user_images]


def test_progress_counts_up_to_the_end(tmp_path):
    calls = []
    simulate(tmp_path / "x", products=2, seed=1, progress=lambda *c: calls.append(c))
    assert calls == [(0, 2), (1, 2), (2, 2)]


def test_a_stopped_run_is_continued_and_ends_the_same(tmp_path):
    class StopError(Exception):
        pass

    def stop(done, total):
        if done == 2:
            raise StopError

    whole = simulate(tmp_path / "whole", products=4, seed=2)
    with pytest.raises(StopError):
        simulate(tmp_path / "part", products=4, seed=2, progress=stop, workers=1)
    assert not (tmp_path / "part" / "queries.csv").exists()
    journal = tmp_path / "part" / "simulation.partial.jsonl"
    # A kill may cut the last line short.
    journal.write_text(journal.read_text() + '{"index": 3, "ro')
    calls = []
    again = simulate(
        tmp_path / "part", products=4, seed=2, progress=lambda *c: calls.append(c), workers=1
    )
    assert calls[0][0] >= 2
    assert digests(again.root) == digests(whole.root)


def test_a_finished_shop_is_left_alone_and_a_lost_picture_replaced(shop, tmp_path):
    calls = []
    before = digests(shop.root)
    simulate(shop.root, products=PRODUCTS, seed=SEED, progress=lambda *c: calls.append(c))
    assert calls == [(PRODUCTS, PRODUCTS)]
    next((shop.root / "seller").iterdir()).unlink()
    simulate(shop.root, products=PRODUCTS, seed=SEED)
    assert digests(shop.root) == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"products": 0, "seed": 1}, "products is 0"),
        ({"products": 2_000_000, "seed": 1}, "1,000,000"),
        ({"products": 1, "seed": -1}, "seed is -1"),
        ({"products": 1, "seed": 1, "workers": 0}, "workers is 0"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, settings, words):
    with pytest.raises(SettingError, match=words):
        simulate(tmp_path / "x", **settings)
    assert not (tmp_path / "x").exists()


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(SettingError, match="not empty"):
        simulate(tmp_path, products=1, seed=1)
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.jpg"]


def test_another_simulation_is_refused(shop):
    with pytest.raises(SettingError, match=f"products {PRODUCTS}, seed {SEED}.*products 5"):
        simulate(shop.root, products=5, seed=SEED)


def test_a_damaged_manifest_is_refused(tmp_path):
    (tmp_path / "simulation.json").write_text("{nonsense")
    with pytest.raises(SettingError, match="another simulation"):
        simulate(tmp_path, products=1, seed=1)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "shop").write_text("x")
    with pytest.raises(SettingError, match="is a file"):
        simulate(tmp_path / "shop", products=1, seed=1)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file/shop"):
        simulate(tmp_path / "file" / "shop", products=1, seed=1)


def test_a_run_killed_at_its_very_start_can_be_continued(tmp_path):
    (tmp_path / "simulation.json").write_text(
        json.dumps({"simulator": "findalike", "version": VERSION, "seed": 1, "products": 1})
    )
    assert simulate(tmp_path, products=1, seed=1).seller_images >= 1
    assert (tmp_path / "README.txt").is_file()


def test_the_package_exports_simulate():
    assert package.__all__ == ["simulate"]
    assert callable(package.simulate)
