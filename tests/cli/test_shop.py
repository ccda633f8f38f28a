from __future__ import annotations

import shutil

import typer


def test_info(findalike, shop):
    told = findalike("shop", "info", "--shop", shop, "--json").json
    assert (told["products"], told["images"], told["encoder"]) == (12, 24, "tiny")
    assert told["version"] >= 1
    assert "12" in findalike("shop", "info", "--shop", shop).out


def test_help_names_every_command():
    from findalike.cli.main import app

    shop = typer.main.get_command(app).commands["shop"]
    said = shop.help.removeprefix("Look after a shop: ").removesuffix(".").split(", ")
    assert sorted(said) == sorted(shop.commands)


def test_versions_and_rollback(findalike, shop):
    versions = findalike("shop", "versions", "--shop", shop, "--json").json["versions"]
    assert [v["images"] for v in versions] == [24, 0]
    empty = versions[-1]["version"]
    assert findalike("shop", "rollback", "--shop", shop, "--to", empty).code == 0
    assert findalike("shop", "info", "--shop", shop, "--json").json["images"] == 0
    full = versions[0]["version"]
    told = findalike("shop", "rollback", "--shop", shop, "--to", full, "--json").json
    assert told["images"] == 24
    wrong = findalike("shop", "rollback", "--shop", shop, "--to", 999)
    assert wrong.code == 2
    assert "999" in wrong.err


def test_remove(findalike, shop):
    told = findalike("shop", "remove", "p03", "p04", "nothing", "--shop", shop, "--json").json
    assert told["images_removed"] == 4
    info = findalike("shop", "info", "--shop", shop, "--json").json
    assert (info["products"], info["version"]) == (10, told["version"])
    assert "0 images" in findalike("shop", "remove", "p03", "--shop", shop).out


def test_verify(findalike, shop, photos):
    assert findalike("shop", "verify", "--shop", shop).code == 0
    (photos / "3.jpg").unlink()
    told = findalike("shop", "verify", "--shop", shop, "--json")
    assert told.code == 1
    assert told.json["ok"] is False
    assert "3.jpg" in told.json["findings"][0]


def test_a_broken_index_is_told_in_one_line(findalike, shop):
    shutil.rmtree(shop / "index")
    told = findalike("shop", "info", "--shop", shop)
    assert told.code in (1, 2)
    assert str(shop) in told.err
    assert "Traceback" not in told.err


def test_compact_and_delete(findalike, shop, photos):
    assert findalike("shop", "compact", "--shop", shop, "--keep", 1).code == 0
    assert findalike("shop", "delete", "--shop", shop, "--yes").code == 0
    assert not shop.exists()
    assert (photos / "0.jpg").exists()
    assert findalike("shop", "info", "--shop", shop).code == 2


def test_what_is_private_is_shown_and_set(findalike, shop):
    told = findalike("shop", "public", "--shop", shop, "--json").json
    assert "cost" in told["private"]
    assert told["hidden"] == []
    told = findalike("shop", "public", "--shop", shop, "--hide", "bran*", "--json").json
    assert told["hidden"] == ["brand"]
    assert "brand" not in told["shown"]
    assert "bran*" in findalike("shop", "public", "--shop", shop).out
    findalike("shop", "public", "--shop", shop, "--show", "bran*")
    assert findalike("shop", "public", "--shop", shop, "--json").json["hidden"] == []
    wrong = findalike("shop", "public", "--shop", shop, "--show", "brand")
    assert wrong.code == 2
