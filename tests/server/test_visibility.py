"""What the public is told of a shop, and what it is not."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from findalike.errors import FilterError
from findalike.server.app import create_app
from findalike.server.keys import KeyStore
from findalike.server.running import run_server
from findalike.server.settings import ServerSettings
from findalike.shop.public_settings import PUBLIC_NAME, PublicSettings
from findalike.shop.shop import Shop
from support import write_table

HIDDEN = "p03"
"""The only product that is not published."""


@pytest.fixture(scope="module")
def folder(make_shop, server_photos, tmp_path_factory):
    folder = make_shop()
    rows = [
        {
            "product_id": f"p{n:02d}",
            "image": f"{n * 2}.jpg",
            "image_id": f"i{n}",
            "title": f"Product {n}",
            "cost": n + 1,
            "maker": "X",
            "published": "false" if f"p{n:02d}" == HIDDEN else "true",
        }
        for n in range(6)
    ]
    shop = Shop.open(folder)
    shop.remove([f"p{n:02d}" for n in range(12)])
    shop.add(write_table(tmp_path_factory.mktemp("t") / "t.csv", rows), root=server_photos)
    return folder


def client_of(folder, **settings):
    return TestClient(create_app(ServerSettings(shop=folder, open_search=True, **settings)))


@pytest.fixture(scope="module")
def everything(folder):
    with client_of(folder) as client:
        yield client


@pytest.fixture(scope="module")
def published(folder):
    with client_of(folder, where="published") as client:
        yield client


@pytest.fixture
def search(server_photos):
    photo = (server_photos / "6.jpg").read_bytes()  # of the hidden product

    def post(client, **fields):
        return client.post("/v1/search", files={"image": photo}, data={"k": "50"} | fields)

    return post


def test_private_attributes_are_neither_told_nor_asked_by(everything, search):
    rows = search(everything).json()["products"]
    assert {name for row in rows for name in row["attributes"]} == {"maker", "published"}
    for fields in ({"where": "cost > 3"}, {"facets": "cost"}, {"attributes": "cost"}):
        answer = search(everything, **fields)
        assert answer.status_code in (400, 422)
        assert "cost" not in answer.json()["detail"].replace("'cost'", "")
    told = everything.get("/v1/shop").json()
    assert "cost" not in told["fields"]
    assert "cost" not in told["facets"]
    similar = everything.get("/v1/products/p01/similar").json()["products"]
    assert all("cost" not in row["attributes"] for row in similar)


def test_keys_of_the_catalogue_are_told_everything(folder, everything):
    _, key = KeyStore(folder).create("catalogue")
    header = {"Authorization": f"Bearer {key}"}
    assert everything.get("/v1/products/p01", headers=header).json()["attributes"]["cost"] == 2
    found = everything.get("/v1/products", headers=header, params={"where": "cost = 2"}).json()
    assert [product["product_id"] for product in found["products"]] == ["p01"]
    assert everything.get("/v1/shop", headers=header).json()["fields"]["cost"] == "number"


def test_a_change_of_the_list_is_heeded_at_once(folder, everything, search):
    settings = PublicSettings()
    settings.changed(show=["cost"], hide=["maker"]).write(folder)
    try:
        row = search(everything).json()["products"][0]
        assert set(row["attributes"]) == {"cost", "published"}
        (folder / PUBLIC_NAME).write_text("{")
        assert search(everything).status_code == 503
    finally:
        (folder / PUBLIC_NAME).unlink()
    assert set(search(everything).json()["products"][0]["attributes"]) == {"maker", "published"}


def test_an_answer_has_the_attributes_that_were_asked_for(everything, search, server_photos):
    rows = search(everything, attributes="maker").json()["products"]
    assert all(row["attributes"] == {"maker": "X"} for row in rows)
    similar = everything.get("/v1/products/p01/similar", params={"attributes": "published"})
    assert all(set(row["attributes"]) == {"published"} for row in similar.json()["products"])
    wrong = search(everything, attributes="makr")
    assert wrong.status_code == 422
    assert "did you mean 'maker'" in wrong.json()["detail"]


def test_products_that_do_not_pass_are_not_there(folder, everything, published, search):
    def ids(client, **fields):
        return {row["product_id"] for row in search(client, **fields).json()["products"]}

    assert HIDDEN in ids(everything)
    assert ids(published) == ids(everything) - {HIDDEN}
    assert HIDDEN not in ids(published, where="published = false or title = 'Product 3'")
    assert search(published, facets="published").json()["facets"]["published"] == [
        {"value": True, "count": 5}
    ]
    similar = published.get("/v1/products/p01/similar", params={"k": 50}).json()["products"]
    assert HIDDEN not in {row["product_id"] for row in similar}
    assert published.get(f"/v1/products/{HIDDEN}/similar").status_code == 404
    assert published.get("/v1/shop").json()["products"] == 5
    assert everything.get("/v1/shop").json()["products"] == 6


def test_pictures_of_hidden_products_are_for_the_catalogue_alone(folder, published):
    _, key = KeyStore(folder).create("catalogue")
    header = {"Authorization": f"Bearer {key}"}
    assert published.get("/v1/shop", headers=header).json()["products"] == 6
    url = published.get(f"/v1/products/{HIDDEN}", headers=header).json()["images"][0]["url"]
    shown = published.get(url)
    assert shown.status_code == 200
    assert "immutable" in shown.headers["cache-control"]
    plain, _, mark = url.rpartition(".")
    other = published.get("/v1/products/p01", headers=header).json()["images"][0]["url"]
    for forbidden in (plain, f"{plain}.{mark[::-1]}", "/v1/images/i3", f"{plain}.é"):
        assert published.get(forbidden).status_code == 404
    assert published.get(other.rpartition(".")[0]).status_code == 200
    assert (folder / ".secret").stat().st_mode & 0o777 == 0o600


def test_a_filter_that_does_not_fit_starts_nothing(folder):
    settings = ServerSettings(shop=folder, open_search=True, where="publishd")
    with pytest.raises(FilterError, match="did you mean 'published'"):
        run_server(settings, started=print)


def test_a_filter_that_no_longer_fits_shows_nothing(folder, search):
    with client_of(folder, where="gone = 'x'") as client:
        answer = search(client)
    assert answer.status_code == 503
    assert "gone" not in answer.text
