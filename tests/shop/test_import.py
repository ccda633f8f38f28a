from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image

from findalike.errors import CatalogueError, SettingError, StrictImportError
from findalike.index.embedded import EmbeddedIndex
from findalike.shop import importing
from findalike.shop.shop import Shop
from support import plain_rows, write_table


def outcomes(report) -> list[dict[str, str]]:
    with Path(report.report).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def counts(report) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.refused


def test_first_import(empty_shop, table, photos):
    report = empty_shop.add(table, root=photos)
    assert counts(report) == (24, 0, 0, 0)
    assert (report.images, report.products, report.embedded) == (24, 12, 24)
    assert report.format == "table"
    lines = outcomes(report)
    assert [line["outcome"] for line in lines] == ["added"] * 24
    assert lines[5]["row"] == "7"
    assert lines[5]["product_id"] == "p02"
    assert lines[5]["location"] == "5.jpg"


def test_the_same_again_changes_nothing(shop, table, photos):
    version = shop.stats().version
    report = shop.add(table, root=photos)
    assert counts(report) == (0, 0, 24, 0)
    assert report.embedded == 0
    assert shop.stats().version == version


def test_a_changed_row_is_updated_without_embedding(shop, photos, add_rows):
    rows = plain_rows()
    rows[4]["price"] = "99"
    report = add_rows(shop, rows)
    assert counts(report) == (0, 1, 23, 0)
    assert report.embedded == 0
    assert shop.search(photos / "4.jpg", k=1).products[0].product.price == 99


def test_a_changed_photo_is_embedded_again(shop, table, photos):
    Image.new("RGB", (60, 60), "red").save(photos / "4.jpg")
    report = shop.add(table, root=photos)
    assert counts(report) == (0, 1, 23, 0)
    assert report.embedded == 1
    best = shop.search(photos / "4.jpg", k=1).products[0]
    assert best.image.location == "4.jpg"
    assert best.score == pytest.approx(1.0, abs=1e-5)


def test_the_same_bytes_are_embedded_once(empty_shop, photos, add_rows):
    (photos / "copy.jpg").write_bytes((photos / "0.jpg").read_bytes())
    names = ["0.jpg", "copy.jpg", "0.jpg", "1.jpg"]
    rows = [{"product_id": f"p{n}", "image": name} for n, name in enumerate(names)]
    report = add_rows(empty_shop, rows)
    assert counts(report) == (4, 0, 0, 0)
    assert report.embedded == 2
    later = add_rows(empty_shop, [*rows, {"product_id": "p9", "image": "copy.jpg"}])
    assert counts(later) == (1, 0, 4, 0)
    assert later.embedded == 0


def test_the_same_bytes_are_embedded_once_also_after_a_commit(
    empty_shop, photos, add_rows, monkeypatch
):
    monkeypatch.setattr(importing, "COMMIT_IMAGES", 4)
    monkeypatch.setattr(importing, "EMBED_BATCH", 4)
    rows = [{"product_id": f"p{n}", "image": f"{n % 10}.jpg"} for n in range(40)]
    report = add_rows(empty_shop, rows)
    assert counts(report) == (40, 0, 0, 0)
    assert report.embedded == 10
    assert empty_shop.verify() == []


def test_a_first_import_looks_nothing_up(empty_shop, table, photos, monkeypatch):
    asked = []
    fetch = EmbeddedIndex.fetch

    def noted(index: EmbeddedIndex, where=None, **options):
        asked.append(where)
        return fetch(index, where, **options)

    monkeypatch.setattr(EmbeddedIndex, "fetch", noted)
    empty_shop.add(table, root=photos)
    assert not [where for where in asked if where is not None]
    empty_shop.add(table, root=photos)
    assert [where for where in asked if where is not None]


def test_the_same_bytes_with_another_box_are_embedded_again(empty_shop, photos, add_rows):
    def row(product: str, x: int) -> dict[str, object]:
        box = {"bbox_x": x, "bbox_y": 0, "bbox_w": 40, "bbox_h": 40}
        return {"product_id": product, "image": "0.jpg", **box}

    report = add_rows(empty_shop, [row("p0", 0), row("p1", 40)])
    assert report.embedded == 2
    moved = add_rows(empty_shop, [row("p0", 0), row("p1", 50)])
    assert counts(moved) == (0, 1, 1, 0)
    assert moved.embedded == 1


def test_bad_rows_stop_nothing_and_are_told(empty_shop, photos, add_rows):
    (photos / "text.jpg").write_text("no photo")
    rows = plain_rows()
    rows[3]["image"] = "text.jpg"
    rows[8]["image"] = "missing.jpg"
    rows[11]["image"] = "../outside.jpg"
    rows[15]["price"] = "cheap"
    rows[20]["product_id"] = ""
    report = add_rows(empty_shop, rows)
    assert counts(report) == (19, 0, 0, 5)
    refused = {int(line["row"]): line for line in outcomes(report) if line["outcome"] == "refused"}
    assert sorted(refused) == [5, 10, 13, 17, 22]
    assert refused[5]["value"] == "text.jpg"
    assert "missing.jpg" in refused[10]["reason"]
    assert refused[17]["value"] == "cheap"
    assert all(line["reason"] and line["allowed"] for line in refused.values())
    assert len(report.refusals) == 5
    assert empty_shop.stats().images == 19


def test_a_refused_row_keeps_what_the_shop_had(shop, photos, add_rows):
    rows = plain_rows()
    rows[4]["price"] = "cheap"
    (photos / "6.jpg").write_bytes(b"broken")
    assert counts(add_rows(shop, rows)) == (0, 0, 22, 2)
    assert shop.get("p02").product.price == 2.5
    assert shop.stats().images == 24


def test_three_bad_rows_among_ten_thousand(empty_shop, photos, add_rows):
    rows = [
        {"product_id": f"p{n}", "image": f"{n % 24}.jpg", "title": f"Thing {n}"}
        for n in range(10_000)
    ]
    rows[17]["image"] = "nowhere.jpg"
    rows[5_000]["product_id"] = ""
    rows[9_999]["image"] = ""
    report = add_rows(empty_shop, rows)
    assert counts(report) == (9_997, 0, 0, 3)
    assert report.products == 9_997
    assert sorted(refusal.row for refusal in report.refusals) == [19, 5_002, 10_001]


def test_strict_imports_all_or_nothing(empty_shop, photos, add_rows):
    rows = plain_rows()
    rows[20]["image"] = "missing.jpg"
    version = empty_shop.stats().version
    with pytest.raises(StrictImportError, match=r"row 22.*missing\.jpg.*Nothing was imported"):
        add_rows(empty_shop, rows, strict=True)
    assert empty_shop.stats().images == 0
    assert empty_shop.stats().version == version
    rows[20]["image"] = "20.jpg"
    assert counts(add_rows(empty_shop, rows, strict=True)) == (24, 0, 0, 0)


def test_a_dry_run_tells_all_and_writes_nothing(shop, photos, add_rows):
    before = shop.stats()
    rows = plain_rows()
    rows[0]["price"] = "77"
    rows[1]["image"] = "missing.jpg"
    rows.append({"product_id": "new", "image": "0.jpg"})
    report = add_rows(shop, rows, dry_run=True)
    assert counts(report) == (1, 1, 22, 1)
    assert report.dry_run
    after = shop.stats()
    assert (after.version, after.images, after.roots) == (
        before.version,
        before.images,
        before.roots,
    )
    assert shop.get("new") is None


def test_attributes_keep_their_type(shop, photos, add_rows):
    rows = [{"product_id": "x", "image": "0.jpg", "price": "1", "sold_out": "perhaps"}]
    report = add_rows(shop, rows)
    assert counts(report) == (0, 0, 0, 1)
    assert report.refusals[0].column == "sold_out"
    assert report.refusals[0].value == "perhaps"
    with pytest.raises(SettingError, match=r"sold_out.*boolean"):
        add_rows(shop, rows, types={"sold_out": "text"})


def test_a_later_import_brings_new_attributes(shop, photos, add_rows):
    add_rows(shop, [{"product_id": "x", "image": "0.jpg", "grams": "250"}])
    assert shop.fields["grams"] == "number"
    hits = shop.search(photos / "0.jpg", where="grams > 200").products
    assert [hit.product.product_id for hit in hits] == ["x"]
    assert shop.get("p03").product.attributes == {"brand": "B", "sold_out": False}


def test_a_broken_source_is_refused_as_a_whole(empty_shop, tmp_path):
    (tmp_path / "colours.csv").write_text("colour,weight\nred,3\n")
    with pytest.raises(CatalogueError, match="colour"):
        empty_shop.add(tmp_path / "colours.csv")
    with pytest.raises(CatalogueError, match="nowhere"):
        empty_shop.add(tmp_path / "nowhere.csv")


def test_commits_happen_along_the_way(empty_shop, table, photos, monkeypatch):
    monkeypatch.setattr(importing, "COMMIT_IMAGES", 4)
    monkeypatch.setattr(importing, "EMBED_BATCH", 4)
    seen: list[tuple[int, int]] = []

    def show(done: int, total: int) -> None:
        seen.append((done, Shop.open(empty_shop.folder).stats().images))
        assert total == 24

    empty_shop.add(table, root=photos, progress=show)
    assert [images for _, images in seen] == [4, 8, 12, 16, 20, 24]
    assert seen[-1][0] == 24


def test_folders_are_catalogues_too(empty_shop, tmp_path, photos):
    for number in range(6):
        product = tmp_path / "goods" / f"thing-{number // 2}"
        product.mkdir(parents=True, exist_ok=True)
        (product / f"{number}.jpg").write_bytes((photos / f"{number}.jpg").read_bytes())
    report = empty_shop.add(tmp_path / "goods")
    assert (report.products, report.images) == (3, 6)
    assert empty_shop.search(photos / "3.jpg", k=1).products[0].product.product_id == "thing-1"


def test_a_report_is_safe_to_open_in_a_spreadsheet(empty_shop, photos, add_rows):
    rows = [{"product_id": "=cmd()", "image": "0.jpg"}, {"product_id": "b", "image": "@x.jpg"}]
    lines = outcomes(add_rows(empty_shop, rows))
    assert lines[0]["product_id"] == "'=cmd()"
    assert not any(cell[:1] in "=+@" for line in lines for cell in line.values() if cell)


def test_a_table_read_twice_from_two_roots(shop, table, photos, tmp_path):
    photos.rename(tmp_path / "moved")
    report = shop.add(table, root=tmp_path / "moved")
    assert counts(report) == (0, 0, 24, 0)
    assert shop.stats().roots[0] == str(tmp_path / "moved")


def test_an_image_may_move_to_another_product(shop, tmp_path, photos):
    rows = [{"image_id": "i1", "product_id": "a", "image": "0.jpg"}]
    shop.add(write_table(tmp_path / "1.csv", rows), root=photos)
    rows[0]["product_id"] = "b"
    report = shop.add(write_table(tmp_path / "2.csv", rows), root=photos)
    assert counts(report) == (0, 1, 0, 0)
    assert shop.get("a") is None
    assert shop.get("b") is not None
