from __future__ import annotations

from pathlib import Path

from support import plain_rows, write_table


def test_index_and_again(findalike, table, tmp_path, tiny_encoder):
    shop = tmp_path / "shop"
    first = findalike("index", table, "--shop", shop, "--encoder", tiny_encoder, "--json")
    assert first.code == 0
    told = first.json
    assert (told["added"], told["updated"], told["unchanged"], told["refused"]) == (24, 0, 0, 0)
    assert (told["images"], told["products"]) == (24, 12)
    assert told["seconds"] > 0
    assert Path(told["report"]).is_file()
    again = findalike("index", table, "--shop", shop, "--json").json
    assert (again["added"], again["unchanged"]) == (0, 24)


def test_people_read_counts_and_refusals(findalike, tmp_path, photos, tiny_encoder):
    rows = plain_rows()
    rows[3]["image"] = "missing.jpg"
    table = write_table(photos / "some.csv", rows)
    shop = tmp_path / "shop"
    told = findalike("index", table, "--shop", shop, "--encoder", tiny_encoder)
    assert told.code == 0
    assert "23 images added" in told.out
    assert "1 refused" in told.out
    assert "row 5: " in told.out
    assert "missing.jpg" in told.out


def test_a_dry_run_makes_no_shop(findalike, table, tmp_path, tiny_encoder):
    shop = tmp_path / "shop"
    told = findalike(
        "index", table, "--shop", shop, "--encoder", tiny_encoder, "--dry-run", "--json"
    ).json
    assert told["added"] == 24
    assert Path(told["report"]).is_file()
    assert not (shop / "shop.json").exists()
    later = findalike("index", table, "--shop", shop, "--encoder", tiny_encoder, "--json").json
    assert later["added"] == 24


def test_columns_and_types_are_told(findalike, tmp_path, photos, tiny_encoder):
    rows = [{"Ref": "a", "Foto": "0.jpg", "Naam": "Peer", "maat": "7"}]
    table = write_table(photos / "dutch.csv", rows)
    shop = tmp_path / "shop"
    base = ("index", table, "--shop", shop, "--encoder", tiny_encoder)
    told = findalike(
        *base, "--column", "product_id=Ref", "--column", "image=Foto", "--column", "title=Naam",
        "--type", "maat=text", "--json",
    )  # fmt: skip
    assert told.json["added"] == 1
    info = findalike("shop", "info", "--shop", shop, "--json").json
    assert info["attributes"] == {"maat": "text"}


def test_a_column_can_be_told_to_mean_nothing(findalike, tmp_path, photos, tiny_encoder):
    rows = [{"product_id": "a", "image": "0.jpg", "price": "on request"}]
    table = write_table(photos / "some.csv", rows)
    base = ("index", table, "--shop", tmp_path / "shop", "--encoder", tiny_encoder, "--json")
    assert findalike(*base, "--dry-run").json["refused"] == 1
    assert findalike(*base, "--column", "price=").json["added"] == 1


def test_long_paths_are_not_broken_into_lines(findalike, table, tmp_path, tiny_encoder):
    shop = tmp_path / ("long name [not markup] " * 4).strip() / "shop"
    told = findalike("index", table, "--shop", shop, "--encoder", tiny_encoder)
    assert f"shop {shop}: 12 products" in told.out
    assert f"report: {shop / 'reports'}" in told.out


def test_mistakes_end_with_2_and_one_line(findalike, table, tmp_path, tiny_encoder, shop):
    for arguments, said in (
        (("index", tmp_path / "no.csv", "--shop", shop), "no.csv"),
        (("index", table, "--shop", shop, "--encoder", "no-such"), "no-such"),
        (("index", table, "--shop", shop, "--column", "title"), "title=Name"),
        (("index", table, "--shop", shop, "--type", "brand=colour"), "boolean"),
        (("index", table, "--shop", shop, "--format", "magneto"), "magento"),
        (("index", table, "--shop", shop, "--root", tmp_path / "nowhere"), "nowhere"),
        (("index", table), "--shop"),
    ):
        told = findalike(*arguments)
        assert told.code == 2, arguments
        assert said in told.err
        assert "Traceback" not in told.err


def test_strict(findalike, tmp_path, photos, tiny_encoder):
    rows = plain_rows()
    rows[3]["price"] = "cheap"
    table = write_table(photos / "some.csv", rows)
    shop = tmp_path / "shop"
    told = findalike("index", table, "--shop", shop, "--encoder", tiny_encoder, "--strict")
    assert told.code == 2
    assert "row 5" in told.err
    assert findalike("shop", "info", "--shop", shop, "--json").json["images"] == 0
