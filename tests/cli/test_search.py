from __future__ import annotations

import numpy as np
from PIL import Image


def test_search(findalike, shop, photos):
    told = findalike("search", photos / "5.jpg", "--shop", shop, "-k", 3, "--json").json
    assert [hit["rank"] for hit in told["products"]] == [1, 2, 3]
    best = told["products"][0]
    assert best["product_id"] == "p02"
    assert best["image"] == "5.jpg"
    assert best["attributes"]["brand"] == "A"
    assert told["box"] == {"x": 0, "y": 0, "w": 96, "h": 64}
    assert told["shop_version"] > 0
    assert told["timings_ms"].keys() == {"prepare", "embed", "search", "group"}
    assert told["warnings"] == []
    table = findalike("search", photos / "5.jpg", "--shop", shop)
    assert "Product 2" in table.out
    assert "10 products in" in table.out


def test_box_filter_and_warning(findalike, shop, photos):
    told = findalike(
        "search", photos / "5.jpg", "--shop", shop, "--box", "50,20,100,100",
        "--where", "price < 2", "--json",
    ).json  # fmt: skip
    assert told["box"] == {"x": 50, "y": 20, "w": 46, "h": 44}
    assert told["warnings"]
    assert {hit["product_id"] for hit in told["products"]} == {"p00", "p01"}


def test_a_filter_that_finds_nothing(findalike, shop, photos):
    told = findalike("search", photos / "5.jpg", "--shop", shop, "--where", "price > 999")
    assert told.code == 0
    assert "0 products" in told.out


def test_sheets(findalike, shop, photos, tmp_path):
    png, html = tmp_path / "a" / "sheet.png", tmp_path / "sheet.html"
    assert findalike("search", photos / "5.jpg", "--shop", shop, "--sheet", png).code == 0
    picture = np.asarray(Image.open(png))
    assert picture.shape[0] > 200
    assert picture.std() > 10
    assert findalike("search", photos / "5.jpg", "--shop", shop, "--sheet", html).code == 0
    page = html.read_text()
    assert "Product 2" in page
    assert "data:image/jpeg;base64," in page


def test_mistakes(findalike, shop, photos, tmp_path):
    photo = photos / "5.jpg"
    for arguments, said in (
        ((tmp_path / "no.jpg", "--shop", shop), "no.jpg"),
        ((photo, "--shop", tmp_path / "none"), "findalike index"),
        ((photo, "--shop", shop, "--box", "1,2,3"), "x,y,w,h"),
        ((photo, "--shop", shop, "--box", "1,2,0,3"), "empty"),
        ((photo, "--shop", shop, "--box", "900,900,5,5"), "96 x 64"),
        ((photo, "--shop", shop, "--where", "prise < 3"), "price"),
        ((photo, "--shop", shop, "-k", "0"), "-k"),
        ((photo, "--shop", shop, "--sheet", "x.gif"), ".png"),
    ):
        told = findalike("search", *arguments)
        assert told.code == 2, arguments
        assert said in told.err
        assert "Traceback" not in told.err
