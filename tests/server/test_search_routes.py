"""Searching over HTTP: by all three ways, pages of it, and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from findalike.shop.shop import Shop

Post = Callable[..., Any]


@pytest.fixture
def photo(server_photos: Path) -> bytes:
    """Of the product p03."""
    return (server_photos / "6.jpg").read_bytes()


@pytest.fixture
def search(client: TestClient, photo: bytes) -> Post:
    """Searches with the photo by a form; gives the answer's body."""

    def post(**fields: str) -> Any:
        answer = client.post("/v1/search", files={"image": ("a.jpg", photo)}, data=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return post


def ids(answer: Any) -> list[str]:
    return [row["product_id"] for row in answer["products"]]


def stable(answer: Any) -> Any:
    return {k: v for k, v in answer.items() if k not in ("query_id", "timings_ms")}


def test_a_form_finds_what_the_shop_finds(search: Post, server_shop: Path, photo: bytes) -> None:
    answer = search(k="5", fold_variants="false")
    known = Shop.open(server_shop).search(photo, k=5)
    assert ids(answer) == [hit.product.product_id for hit in known.products]
    assert [row["score"] for row in answer["products"]] == [hit.score for hit in known.products]
    assert [row["rank"] for row in answer["products"]] == [1, 2, 3, 4, 5]
    assert answer["shop_version"] == known.shop_version
    first = answer["products"][0]
    assert first["product_id"] == "p03"
    assert first["title"] == "Product 3"
    assert first["price"] == 3.5
    assert first["currency"] == "EUR"
    assert first["attributes"] == {"brand": "B", "sold_out": False}
    assert first["image"]["url"].startswith("/v1/images/")
    assert first["image"]["url"].removeprefix("/v1/images/").count("/") == 1
    assert answer["image"] == {"width": 96, "height": 64}
    assert answer["box"] == [0, 0, 96, 64]
    assert answer["box_source"] == "whole"
    assert set(answer["timings_ms"]) >= {"prepare", "embed", "search", "wait", "total"}


def test_three_ways_to_send_a_photo_give_one_answer(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = client.app.state.service
    monkeypatch.setattr(
        service.photo_fetches.fetcher, "fetch", {"https://shop.example/a.jpg": photo}.get
    )
    by_form = client.post("/v1/search", files={"image": photo}, data={"k": "3"}).json()
    encoded = base64.b64encode(photo).decode()
    by_text = client.post("/v1/search", json={"image_base64": encoded, "k": 3}).json()
    by_url = client.post("/v1/search", json={"image_url": "https://shop.example/a.jpg", "k": 3})
    assert stable(by_form) == stable(by_text) == stable(by_url.json())
    assert "fetch" in by_url.json()["timings_ms"]
    assert by_form["query_id"] != by_text["query_id"]


def test_the_box_is_used_cut_and_told(search: Post, client: TestClient, photo: bytes) -> None:
    whole, part = search(), search(box="48,0,60,64")
    assert part["box"] == [48, 0, 48, 64]
    assert part["box_source"] == "given"
    assert "cut to" in part["warnings"][0]
    assert [r["score"] for r in whole["products"]] != [r["score"] for r in part["products"]]
    body = {"image_base64": base64.b64encode(photo).decode(), "box": [48, 0, 60, 64]}
    assert stable(client.post("/v1/search", json=body).json()) == stable(part)


def test_filter(search: Post) -> None:
    answer = search(where="category under 'Fruit/Pear' and price < 8", fold_variants="false")
    assert sorted(ids(answer)) == ["p06", "p07"]
    assert answer["matches"] == 2
    assert answer["next_offset"] is None


def test_a_filter_that_keeps_nothing(search: Post) -> None:
    answer = search(where="price > 1000", facets="category,price")
    assert answer["products"] == []
    assert answer["matches"] == 0
    assert answer["nothing_like_it"] is True
    assert answer["facets"] == {"category": []}


def test_facets_count_products_not_images(search: Post) -> None:
    answer = search(k="1", facets="category,price,brand,sold_out", fold_variants="false")
    facets = answer["facets"]
    assert list(facets) == ["category", "price", "brand", "sold_out"]
    assert facets["category"] == [
        {"value": "Fruit/Apple", "count": 6},
        {"value": "Fruit/Pear", "count": 6},
    ]
    assert facets["sold_out"] == [{"value": False, "count": 10}, {"value": True, "count": 2}]
    assert facets["price"]["min"] == 0.5
    assert facets["price"]["max"] == 11.5
    assert sum(r["count"] for r in facets["price"]["counts"]) == answer["matches"] == 12


@pytest.mark.parametrize(("sort", "falling"), [("price", False), ("-price", True)])
def test_order_by_price(search: Post, sort: str, falling: bool) -> None:
    prices = [row["price"] for row in search(sort=sort, fold_variants="false")["products"]]
    assert len(prices) == 12
    assert prices == sorted(prices, reverse=falling)


@pytest.mark.parametrize("sort", ["score", "price"])
@pytest.mark.parametrize("fold", ["true", "false"])
def test_pages_fit_together(search: Post, sort: str, fold: str) -> None:
    whole = search(k="100", sort=sort, fold_variants=fold)
    assert whole["next_offset"] is None
    rows, offset = [], 0
    while offset is not None:
        page = search(k="5", offset=str(offset), sort=sort, fold_variants=fold)
        rows += page["products"]
        offset = page["next_offset"]
    assert [r["product_id"] for r in rows] == ids(whole)
    assert [r["rank"] for r in rows] == list(range(1, len(rows) + 1))


def test_variants_are_folded_under_the_nearest(search: Post) -> None:
    loose = search(k="100", fold_variants="false")
    folded = search(k="100")
    family = {"p09", "p10", "p11"}
    nearest = next(i for i in ids(loose) if i in family)
    row = next(r for r in folded["products"] if r["product_id"] == nearest)
    assert {v["product_id"] for v in row["variants"]} == family - {nearest}
    assert len(folded["products"]) == 10
    scores = [v["score"] for v in row["variants"]]
    assert row["score"] >= scores[0] >= scores[1]
    for variant in row["variants"]:
        alone = next(r for r in loose["products"] if r["product_id"] == variant["product_id"])
        assert variant == {name: alone[name] for name in variant}
        assert {"url", "price", "currency", "attributes", "image"} <= set(variant)
        assert variant["price"] == int(variant["product_id"][1:]) + 0.5


def test_similar_leaves_out_the_product_and_its_variants(client: TestClient) -> None:
    answer = client.get("/v1/products/p09/similar", params={"k": 100}).json()
    assert set(ids(answer)) == {f"p{n:02d}" for n in range(9)}
    assert answer["image"] is None
    assert answer["box"] is None
    by_variant = client.get("/v1/products/p10/similar", params={"k": 100}).json()
    assert set(ids(by_variant)) == {f"p{n:02d}" for n in range(9)}
    loose = client.get("/v1/products/p09/similar", params={"k": 100, "fold_variants": "false"})
    assert set(ids(loose.json())) == {f"p{n:02d}" for n in range(12)} - {"p09"}


def test_similar_takes_the_same_fields(client: TestClient) -> None:
    params = {"where": "price < 3", "sort": "price", "facets": "brand", "k": 2, "offset": 1}
    answer = client.get("/v1/products/p05/similar", params=params).json()
    assert ids(answer) == ["p01", "p02"]
    assert sum(c["count"] for c in answer["facets"]["brand"]) == 3


def test_batch_of_files_and_of_json(client: TestClient, server_photos: Path) -> None:
    photos = [(server_photos / f"{n}.jpg").read_bytes() for n in (0, 6)]
    files = [("image", ("a.jpg", data)) for data in photos]
    by_form = client.post("/v1/search:batch", files=files, data={"k": "2"}).json()["answers"]
    asked = [{"image_base64": base64.b64encode(data).decode(), "k": 2} for data in photos]
    by_json = client.post("/v1/search:batch", json=asked).json()["answers"]
    assert [ids(a)[0] for a in by_form] == ["p00", "p03"]
    assert [stable(a) for a in by_form] == [stable(a) for a in by_json]


def test_one_bad_photo_spoils_no_batch(client: TestClient, photo: bytes) -> None:
    files = [("image", ("a.jpg", photo)), ("image", ("b.jpg", b"no image"))]
    good, bad = client.post("/v1/search:batch", files=files).json()["answers"]
    assert ids(good)[0] == "p03"
    assert bad["status"] == 415
    assert bad["type"] == "urn:findalike:problem:not-an-image"


def form(**fields: str) -> dict[str, Any]:
    return {"files": {"image": ("a.jpg", b"")}, "data": fields}


@pytest.mark.parametrize(
    ("fields", "status", "kind", "says"),
    [
        ({"k": "0"}, 422, "invalid-request", "k"),
        ({"k": "101"}, 422, "invalid-request", "k"),
        ({"k": "two"}, 422, "invalid-request", "k"),
        ({"offset": "-1"}, 422, "invalid-request", "offset"),
        ({"offset": "1001"}, 422, "invalid-request", "offset"),
        ({"sort": "colour"}, 422, "invalid-request", "sort"),
        ({"fold_variants": "perhaps"}, 422, "invalid-request", "fold_variants"),
        ({"box": "1,2,3"}, 422, "invalid-request", "box"),
        ({"box": "0,0,0,5"}, 422, "invalid-request", "box"),
        ({"box": "a,b,c,d"}, 422, "invalid-request", "box"),
        ({"box": "nan,0,1,1"}, 422, "invalid-request", "box"),
        ({"box": "500,500,5,5"}, 422, "box", "outside the image"),
        ({"colour": "red"}, 422, "invalid-request", "colour"),
        ({"facets": "categorie"}, 422, "invalid-request", "did you mean 'category'"),
        ({"facets": "sha256"}, 422, "invalid-request", "sha256"),
        ({"where": "price <"}, 400, "filter", "price"),
        ({"where": "location = 'x'"}, 400, "filter", "location"),
    ],
)
def test_fields_that_are_refused(
    client: TestClient, photo: bytes, fields: dict[str, str], status: int, kind: str, says: str
) -> None:
    answer = client.post("/v1/search", files={"image": ("a.jpg", photo)}, data=fields)
    body = answer.json()
    assert answer.status_code == body["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:findalike:problem:{kind}"
    assert says in body["detail"] + json.dumps(body.get("errors"))
    assert body["next_step"]


def test_a_bad_filter_is_pointed_at(client: TestClient, photo: bytes) -> None:
    files, data = {"image": ("a.jpg", photo)}, {"where": "price < 5 and colour = 1"}
    body = client.post("/v1/search", files=files, data=data).json()
    assert body["position"] == 14
    assert body["expression"] == "price < 5 and colour = 1"


@pytest.mark.parametrize(
    ("data", "status", "kind"),
    [
        (b"", 415, "not-an-image"),
        (b"GIF", 415, "not-an-image"),
        (b"%PDF-1.7 ...", 415, "not-an-image"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, 422, "image"),
    ],
)
def test_files_that_are_refused(client: TestClient, data: bytes, status: int, kind: str) -> None:
    answer = client.post("/v1/search", files={"image": ("a.jpg", data)})
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:findalike:problem:{kind}"


@pytest.mark.parametrize(
    ("content", "header", "status", "kind"),
    [
        (b"{", "application/json", 400, "malformed-json"),
        (b"[]", "application/json", 422, "invalid-request"),
        (b"{}", "application/json", 422, "invalid-request"),
        (b'{"image_url": "ftp://x.example/a"}', "application/json", 422, "image-url"),
        (b'{"image_url": "http://127.0.0.1/a"}', "application/json", 422, "image-url"),
        (b'{"image_base64": "!!"}', "application/json", 422, "image"),
        (b'{"image_base64": "AA", "image_url": "x"}', "application/json", 422, "invalid-request"),
        (b'{"image_base64": "AA", "k": "3"}', "application/json", 422, "invalid-request"),
        (b"x", "text/plain", 415, "media-type"),
        (b"x", "multipart/form-data", 400, "malformed-form"),
        (b"x", "multipart/form-data; boundary=b", 400, "malformed-form"),
        (b"--b\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b", 400, "malformed-form"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", 422, "invalid-request"),
    ],
)
def test_bodies_that_are_refused(
    client: TestClient, content: bytes, header: str, status: int, kind: str
) -> None:
    answer = client.post("/v1/search", content=content, headers={"content-type": header})
    assert (answer.status_code, answer.json()["type"]) == (
        status,
        f"urn:findalike:problem:{kind}",
    ), answer.text


def test_form_without_or_with_another_file(client: TestClient, photo: bytes) -> None:
    for files in ({"picture": ("a.jpg", photo)}, {"k": (None, "3")}):
        answer = client.post("/v1/search", files=files)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["allowed"]


def test_too_many_images(client: TestClient, photo: bytes) -> None:
    files = [("image", ("a.jpg", photo))] * 17
    assert client.post("/v1/search", files=files[:2]).status_code == 422
    assert client.post("/v1/search:batch", files=files).status_code == 422
    asked = [{"image_base64": "AA"}] * 17
    assert client.post("/v1/search:batch", json=asked).status_code == 422


def test_similar_to_nothing(client: TestClient) -> None:
    answer = client.get("/v1/products/nobody/similar")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:findalike:problem:no-such-product"
    assert client.get("/v1/products/p01/similar", params={"q": "1"}).status_code == 422


def test_unknown_paths_and_methods(client: TestClient) -> None:
    assert client.get("/v1/nothing").json()["type"] == "urn:findalike:problem:not-found"
    answer = client.get("/v1/search")
    assert answer.status_code == 405
    assert answer.json()["status"] == 405
    assert answer.headers["allow"] == "POST"


def test_openapi_describes_every_field(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    search = paths["/v1/search"]["post"]
    assert set(search["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
    form = search["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    fields = {"k", "offset", "where", "facets", "sort", "fold_variants", "attributes"}
    assert set(form) == fields | {"image", "box", "proposals"}
    assert search["responses"]["200"]["content"]["application/json"]["example"]["products"]
    similar = paths["/v1/products/{product_id}/similar"]["get"]
    assert {p["name"] for p in similar["parameters"]} >= {"product_id", "k", "where"}
    for path in paths.values():
        for operation in path.values():
            assert operation["summary"], operation
            assert operation["description"], operation
