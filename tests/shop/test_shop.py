from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from findalike.errors import (
    BoxError,
    BundleError,
    EncoderMismatchError,
    FilterError,
    ImageError,
    SettingError,
    ShopExistsError,
    ShopLockedError,
    ShopNotFoundError,
    StorageError,
)
from findalike.shop.shop import Shop
from findalike.types import Box


def ids(result):
    return [hit.product.product_id for hit in result.products]


def test_the_shops_own_photo_finds_its_product(shop, photos):
    for number in (0, 7, 23):
        result = shop.search(photos / f"{number}.jpg", k=3)
        assert ids(result)[0] == f"p{number // 2:02d}"
        best = result.products[0]
        assert best.image.location == f"{number}.jpg"
        assert best.score == pytest.approx(1.0, abs=1e-5)
        assert [hit.rank for hit in result.products] == [1, 2, 3]
        assert result.box == Box(0, 0, 96, 64)
        assert set(result.timings_ms) == {"prepare", "embed", "search", "group"}


def test_scores_and_order_are_those_of_a_plain_comparison(shop, photos):
    """Every product once, by its best image, against embeddings compared one by one."""
    from findalike.data.prepare import prepare

    def embed(number):
        prepared = prepare(
            (photos / f"{number}.jpg").read_bytes(), shop.encoder.input, name=str(number)
        )
        return shop.encoder.embed(prepared.pixels[None])[0]

    gallery = np.stack([embed(number) for number in range(24)])
    for number in range(0, 24, 5):
        scores = (gallery @ gallery[number]).reshape(12, 2).max(axis=1)
        expected = sorted(range(12), key=lambda p: (-round(float(scores[p]), 6), p))
        result = shop.search(photos / f"{number}.jpg", k=12)
        assert ids(result) == [f"p{product:02d}" for product in expected]
        np.testing.assert_allclose(
            [hit.score for hit in result.products], scores[expected], atol=2e-6
        )


@pytest.mark.parametrize(("k", "expected"), [(1, 1), (5, 5), (12, 12), (1000, 12)])
def test_as_many_products_as_asked_for_if_the_shop_has_them(shop, photos, k, expected):
    result = shop.search(photos / "3.jpg", k=k)
    assert len(ids(result)) == len(set(ids(result))) == expected


def test_a_product_with_very_many_images_hides_no_other(empty_shop, tmp_path, add_rows, photos):
    rows = [{"product_id": "many", "image": "0.jpg", "image_id": f"m{n}"} for n in range(200)]
    rows += [{"product_id": f"p{n}", "image": f"{n}.jpg", "image_id": f"q{n}"} for n in (5, 6, 7)]
    add_rows(empty_shop, rows)
    found = ids(empty_shop.search(photos / "0.jpg", k=4))
    assert found[0] == "many"
    assert sorted(found[1:]) == ["p5", "p6", "p7"]


def test_ties_stand_in_the_order_of_product_ids(empty_shop, add_rows, photos):
    rows = [
        {"product_id": f"same{n:02d}", "image": "4.jpg", "image_id": f"i{(n * 7) % 30}"}
        for n in range(30)
    ]
    add_rows(empty_shop, rows)
    for k in (1, 3, 10, 30):
        result = empty_shop.search(photos / "4.jpg", k=k)
        assert ids(result) == [f"same{n:02d}" for n in range(k)]


def test_the_answer_carries_the_product(shop, photos):
    hit = shop.search(photos / "5.jpg", k=1).products[0]
    assert hit.product.title == "Product 2"
    assert hit.product.category == "Fruit/Apple"
    assert hit.product.price == 2.5
    assert hit.product.attributes == {"brand": "A", "sold_out": False}
    plain = shop.search(photos / "5.jpg", k=1).to_json()["products"][0]
    assert plain["attributes"] == {"brand": "A", "sold_out": False}
    json.dumps(plain)


def test_filters(shop, photos):
    everything = {f"p{n:02d}" for n in range(12)}
    assert set(ids(shop.search(photos / "0.jpg", k=50, where="price < 3"))) == {
        "p00",
        "p01",
        "p02",
    }
    found = ids(shop.search(photos / "0.jpg", k=50, where="category = 'Fruit/Pear'"))
    assert set(found) == {f"p{n:02d}" for n in range(6, 12)}
    assert (
        set(ids(shop.search(photos / "0.jpg", k=50, where="category under 'Fruit'"))) == everything
    )
    found = ids(shop.search(photos / "0.jpg", k=50, where="brand in ('A') and not sold_out"))
    assert set(found) == {"p02", "p04", "p06", "p08", "p10"}
    assert shop.search(photos / "0.jpg", where="price > 1000").products == ()
    with pytest.raises(FilterError, match="brand") as caught:
        shop.search(photos / "0.jpg", where="price < 3 and brnd = 'A'")
    assert caught.value.position == 14


def test_boxes(shop, tmp_path, photos):
    scene = Image.new("RGB", (400, 300), "gray")
    scene.paste(Image.open(photos / "9.jpg"), (250, 150))
    path = tmp_path / "scene.png"
    scene.save(path)
    boxed = shop.search(path, box=Box(250, 150, 96, 64), k=2)
    assert ids(boxed)[0] == "p04"
    assert boxed.products[0].score > shop.search(path, k=1).products[0].score
    clipped = shop.search(path, box=Box(350, 250, 500, 500), k=1)
    assert clipped.box == Box(350, 250, 50, 50)
    assert clipped.warnings
    with pytest.raises(BoxError, match="400 x 300"):
        shop.search(path, box=Box(500, 0, 10, 10))


def test_a_batch_answers_as_one_by_one(shop, photos):
    paths = [photos / f"{n}.jpg" for n in (0, 11, 18)]
    boxes = [None, Box(10, 10, 50, 40), None]
    together = shop.search_batch(paths, boxes=boxes, k=5)
    for path, box, result in zip(paths, boxes, together, strict=True):
        alone = shop.search(path, box=box, k=5)
        assert ids(alone) == ids(result)
        assert alone.box == result.box
    assert shop.search_batch([]) == []
    with pytest.raises(SettingError, match="one box a photo"):
        shop.search_batch(paths, boxes=[None])


def test_bytes_and_paths_give_the_same(shop, photos):
    path = photos / "3.jpg"
    assert ids(shop.search(path.read_bytes())) == ids(shop.search(path))


def test_bad_photos(shop, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(ImageError, match=r"text\.jpg"):
        shop.search(tmp_path / "text.jpg")
    with pytest.raises(ImageError):
        shop.search(b"")
    with pytest.raises(ImageError, match=r"missing\.jpg"):
        shop.search(tmp_path / "missing.jpg")
    with pytest.raises(SettingError, match="k is 0"):
        shop.search(b"", k=0)


def test_an_empty_shop_finds_nothing(empty_shop, photos):
    assert empty_shop.search(photos / "0.jpg").products == ()
    assert empty_shop.stats().products == 0
    assert empty_shop.verify() == []


def test_get(shop):
    stored = shop.get("p03")
    assert stored is not None
    assert stored.product.title == "Product 3"
    assert [image.location for image in stored.images] == ["6.jpg", "7.jpg"]
    assert shop.get("nothing") is None
    assert shop.get("p03' or '1' = '1") is None


def test_stats_and_reopening(shop, photos):
    stats = Shop.open(shop.folder).stats()
    assert (stats.products, stats.images, stats.encoder) == (12, 24, "tiny")
    assert stats.embedding_size == 49
    assert stats.attributes["brand"] == "text"
    assert stats.attributes["sold_out"] == "boolean"
    assert stats.bytes > 1000
    assert stats.updated_at is not None
    assert ids(Shop.open(shop.folder).search(photos / "8.jpg", k=1)) == ["p04"]


def test_remove(shop, photos):
    assert shop.remove(["p04", "p05", "never there"]) == 4
    assert shop.get("p04") is None
    assert "p04" not in ids(shop.search(photos / "8.jpg", k=12))
    assert shop.stats().products == 10


def test_versions_and_rollback(shop, photos, add_rows):
    full = shop.stats()
    shop.remove(["p04"])
    assert shop.stats().images == 22
    shop.rollback(full.version)
    assert shop.stats().images == 24
    assert ids(shop.search(photos / "8.jpg", k=1)) == ["p04"]
    told = [(v.images, v.what) for v in shop.versions()]
    assert told == [
        (24, f"rolled back to version {full.version}"),
        (22, "removed 2 images of 1 products"),
        (24, "import of products.csv: 24 added, 0 updated, 0 refused"),
        (0, "created"),
    ]
    with pytest.raises(SettingError):
        shop.rollback(10_000)


def test_compacting_keeps_the_shop(shop, photos):
    for number in range(6):
        shop.remove([f"p{number:02d}"])
    shop.compact(keep_versions=2)
    assert shop.stats().products == 6
    assert ids(shop.search(photos / "20.jpg", k=1)) == ["p10"]


def test_a_version_keeps_its_name_when_nothing_changes(shop, table, photos):
    before = shop.versions()
    shop.compact()
    again = shop.add(table, root=photos)
    assert again.unchanged == 24
    assert shop.versions() == before


def test_a_reader_sees_what_another_process_added(shop, photos, add_rows):
    reader = Shop.open(shop.folder)
    assert reader.stats().products == 12
    add_rows(shop, [{"product_id": "new", "image": "1.jpg"}])
    assert reader.get("new") is not None


def test_a_shop_is_made_only_where_nothing_is(tmp_path, tiny_encoder, shop):
    with pytest.raises(ShopExistsError, match="holds a shop"):
        Shop.create(shop.folder, encoder=tiny_encoder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").touch()
    with pytest.raises(ShopExistsError, match=r"thesis\.doc"):
        Shop.create(tmp_path / "full", encoder=tiny_encoder)
    (tmp_path / "file").touch()
    with pytest.raises(ShopExistsError, match="is a file"):
        Shop.create(tmp_path / "file", encoder=tiny_encoder)
    with pytest.raises(BundleError, match="no-such"):
        Shop.create(tmp_path / "new", encoder="no-such")


def test_opening_nothing(tmp_path):
    with pytest.raises(ShopNotFoundError, match="findalike index"):
        Shop.open(tmp_path / "nowhere")


def test_a_creation_that_was_killed_is_made_good(tmp_path, tiny_encoder, shop):
    (shop.folder / "shop.json").unlink()
    again = Shop.create(shop.folder, encoder=tiny_encoder)
    assert again.stats().images == 0


def test_damage_is_named(shop):
    manifest = shop.folder / "shop.json"
    text = manifest.read_text()
    manifest.write_text(text[:20])
    with pytest.raises(StorageError, match=r"shop\.json is damaged"):
        Shop.open(shop.folder)
    manifest.write_text(text.replace('"schema_version": 1', '"schema_version": 9'))
    with pytest.raises(StorageError, match="upgrade"):
        Shop.open(shop.folder)
    manifest.write_text(text)
    with (shop.folder / "encoder" / "encoder.onnx").open("r+b") as file:
        file.seek(100)
        file.write(b"\0\0\0\0\0\0\0\0\0\0")
    with pytest.raises(BundleError, match=r"encoder\.onnx"):
        _ = Shop.open(shop.folder).encoder


def test_another_encoder_is_refused_by_both_names(shop, other_encoder):
    with pytest.raises(EncoderMismatchError, match=r"'tiny'.*'other'"):
        Shop.open(shop.folder, encoder=other_encoder)
    shutil.rmtree(shop.folder / "encoder")
    shutil.copytree(other_encoder, shop.folder / "encoder")
    with pytest.raises(EncoderMismatchError, match=r"'tiny'.*'other'"):
        Shop.open(shop.folder)


def test_two_writers_are_told_apart(shop, table, photos):
    with FileLock(shop.folder / ".lock"):
        for write in (
            lambda: shop.add(table, root=photos),
            lambda: shop.remove(["p00"]),
            lambda: shop.rollback(1),
            lambda: Shop.delete(shop.folder),
        ):
            with pytest.raises(ShopLockedError, match="another process"):
                write()
        assert ids(shop.search(photos / "0.jpg", k=1)) == ["p00"]  # readers go on
    assert shop.stats().images == 24


def test_delete_takes_the_shop_and_nothing_else(shop, photos):
    (shop.folder / "notes.txt").write_text("mine")
    Shop.delete(shop.folder)
    assert [path.name for path in shop.folder.iterdir()] == ["notes.txt"]
    assert len(list(photos.iterdir())) == 24
    with pytest.raises(ShopNotFoundError):
        Shop.delete(shop.folder)


def test_verify_finds_what_is_wrong(shop, photos):
    assert shop.verify() == []
    (photos / "3.jpg").unlink()
    Image.new("RGB", (50, 50), "red").save(photos / "4.jpg")
    findings = shop.verify()
    assert len(findings) == 2
    assert any("3.jpg" in finding for finding in findings)
    assert any("4.jpg" in finding for finding in findings)


def test_a_picture_is_recognised_by_its_bytes(shop, photos, tmp_path):
    image = shop.search(photos / "2.jpg", k=1).products[0].image
    assert shop.picture(image.location, image.sha256) == (photos / "2.jpg").read_bytes()
    photos.rename(tmp_path / "moved")
    assert shop.picture(image.location, image.sha256) is None
    assert shop.picture(image.location, image.sha256, root=tmp_path / "moved") is not None
    Image.new("RGB", (50, 50), "red").save(tmp_path / "moved" / "2.jpg")
    assert shop.picture(image.location, image.sha256, root=tmp_path / "moved") is None
