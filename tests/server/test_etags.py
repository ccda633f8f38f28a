"""Nobody writes over a change that they have not seen, if they send what they know."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.etags import expected_by
from findalike.server.keys import KeyStore
from findalike.server.settings import ServerSettings
from findalike.shop.product_state import Expected

BODY = {"title": "New", "price": 3.5, "images": [{"location": "3.jpg"}]}


@pytest.fixture(scope="module")
def catalogue(make_shop) -> Iterator[TestClient]:
    shop = make_shop()
    _, key = KeyStore(shop).create("catalogue")
    with TestClient(create_app(ServerSettings(shop=shop, key_rate=0))) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def match(etag: str) -> dict[str, dict[str, str]]:
    return {"headers": {"If-Match": etag}}


def test_conditions_as_they_are_written():
    assert expected_by(None) is None
    assert expected_by(" * ") == Expected(None)
    assert expected_by('"a", W/"b"') == Expected(frozenset({"a", "b"}))
    assert expected_by("nonsense") == expected_by("") == expected_by('"') == Expected(frozenset())


def test_every_answer_with_a_product_names_its_state(catalogue):
    put = catalogue.put("/v1/products/n1", json=BODY).json()["product"]
    got = catalogue.get("/v1/products/n1")
    assert got.headers["etag"] == got.json()["etag"] == put["etag"]
    listed = catalogue.get("/v1/products", params={"where": "product_id = 'n1'"}).json()
    assert listed["products"][0]["etag"] == put["etag"]
    patched = catalogue.patch("/v1/products/n1", json={"price": 4}).json()["product"]
    assert patched["etag"] == catalogue.get("/v1/products/n1").headers["etag"] != put["etag"]
    back = catalogue.put("/v1/products/n1", json=BODY).json()["product"]
    assert back["etag"] == put["etag"]


def test_a_change_for_another_state_is_refused_and_changes_nothing(catalogue):
    known = catalogue.put("/v1/products/n2", json=BODY).json()["product"]["etag"]
    mine = catalogue.patch("/v1/products/n2", json={"price": 5}, **match(known))
    assert mine.status_code == 200
    for late in (
        catalogue.patch("/v1/products/n2", json={"price": 6}, **match(known)),
        catalogue.put("/v1/products/n2", json={**BODY, "title": "Late"}, **match(known)),
        catalogue.delete("/v1/products/n2", **match(known)),
        catalogue.delete("/v1/products/n2", **match("nonsense")),
    ):
        assert late.status_code == 412, late.text
        said = late.json()
        assert said["type"].endswith("product-changed")
        assert "get the product again" in said["next_step"]
    now = catalogue.get("/v1/products/n2").json()
    assert (now["price"], now["title"], now["etag"]) == (5, "New", mine.json()["product"]["etag"])
    several = f'"{"0" * 32}", W/{now["etag"]}'
    assert catalogue.delete("/v1/products/n2", **match(several)).status_code == 200


def test_a_product_that_is_not_there(catalogue):
    assert catalogue.put("/v1/products/n3", json=BODY, **match("*")).status_code == 412
    assert catalogue.patch("/v1/products/n3", json={}, **match("*")).status_code == 404
    assert catalogue.delete("/v1/products/n3", **match("*")).status_code == 404
    assert catalogue.put("/v1/products/n3", json=BODY).status_code == 201
    assert catalogue.put("/v1/products/n3", json=BODY, **match("*")).status_code == 200


def test_of_many_at_once_one_is_carried_out(catalogue):
    known = catalogue.put("/v1/products/n4", json=BODY).json()["product"]["etag"]

    def change(price: int) -> int:
        path = "/v1/products/n4"
        return catalogue.patch(path, json={"price": price}, **match(known)).status_code

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(change, range(10, 18)))
    assert sorted(found) == [200] + [412] * 7
    price = catalogue.get("/v1/products/n4").json()["price"]
    assert price == 10 + found.index(200)
