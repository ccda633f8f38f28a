"""Products, pictures, the shop as a whole and feedback, over HTTP in this process."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from findalike.server.app import create_app
from findalike.server.keys import KeyStore
from findalike.server.settings import ServerSettings
from findalike.shop.feedback import FeedbackSettings, FeedbackStore
from findalike.shop.shop import Shop
from support import write_table


@pytest.fixture(scope="module")
def shop_folder(make_shop) -> Path:
    return make_shop()


@pytest.fixture(scope="module")
def catalogue(shop_folder: Path) -> Iterator[TestClient]:
    """A client with a key of the role admin."""
    _, key = KeyStore(shop_folder).create("admin")
    settings = ServerSettings(shop=shop_folder, open_search=True, address_rate=0, key_rate=0)
    with TestClient(create_app(settings)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def jpeg(number: int, size: tuple[int, int] = (90, 60), **options: object) -> bytes:
    colours = Image.new("RGB", (3, 2))
    colours.putdata([((number * 37 + i * 53) % 256, (number * 91) % 256, i * 40) for i in range(6)])
    packed = io.BytesIO()
    colours.resize(size, Image.Resampling.BICUBIC).save(packed, "JPEG", quality=90, **options)
    return packed.getvalue()


def product(**more: object) -> dict[str, object]:
    return {
        "title": "New",
        "price": 3.5,
        "currency": "EUR",
        "images": [{"location": "3.jpg"}],
    } | more


def test_put_get_patch_delete(catalogue, server_photos):
    put = catalogue.put("/v1/products/n1", json=product(attributes={"brand": "B", "shiny": True}))
    assert put.status_code == 201, put.text
    answer = put.json()
    assert (answer["outcome"], answer["images_written"]) == ("added", 1)
    assert answer["product"]["attributes"] == {"brand": "B", "shiny": True}
    (image,) = answer["product"]["images"]
    digest = hashlib.sha256((server_photos / "3.jpg").read_bytes()).hexdigest()
    assert image == {
        "image_id": "n1/3.jpg",
        "url": f"/v1/images/n1%2F3.jpg/{digest[:12]}",
        "location": "3.jpg",
        "box": None,
    }
    assert catalogue.get("/v1/products/n1").json() == answer["product"]

    again = catalogue.put("/v1/products/n1", json=product(attributes={"brand": "B", "shiny": True}))
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")

    patched = catalogue.patch(
        "/v1/products/n1", json={"price": None, "attributes": {"brand": None, "size": "L"}}
    )
    assert patched.json()["product"]["attributes"] == {"shiny": True, "size": "L"}
    assert patched.json()["product"]["price"] is None
    assert patched.json()["product"]["title"] == "New"

    gone = catalogue.delete("/v1/products/n1")
    assert (gone.status_code, gone.json()["outcome"]) == (200, "removed")
    for call in (catalogue.get, catalogue.delete):
        assert call("/v1/products/n1").status_code == 404
    missing = catalogue.patch("/v1/products/n1", json={"price": 1})
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["next_step"]


def test_sent_pictures_are_kept_found_and_shown(catalogue, shop_folder):
    picture = jpeg(200)
    body = {"title": "Sent", "images": [{"file": 1, "box": [10, 10, 40, 40]}]}
    put = catalogue.put(
        "/v1/products/sent",
        data={"product": json.dumps(body)},
        files=[("image", ("a.jpg", picture)), ("image", ("../../b.jpg", jpeg(201)))],
    )
    assert put.status_code == 201, put.text
    boxed, whole = sorted(put.json()["product"]["images"], key=lambda i: i["box"] is None)
    assert boxed["box"] == [10, 10, 40, 40]
    kept = shop_folder / "uploads" / whole["location"]
    assert kept.read_bytes() == picture
    assert sorted(p.suffix for p in (shop_folder / "uploads").rglob("*.*")) == [".jpg", ".jpg"]

    found = catalogue.post("/v1/search", files={"image": picture}).json()["products"][0]
    assert (found["product_id"], round(found["score"], 3)) == ("sent", 1.0)
    shown = catalogue.get(found["image"]["url"], params={"width": 100})
    assert shown.status_code == 200
    assert Image.open(io.BytesIO(shown.content)).size == (90, 60)  # no wider than it is
    catalogue.delete("/v1/products/sent")


def test_photos_of_strangers_have_smaller_limits_than_those_of_the_shop(catalogue):
    large = jpeg(5, (5200, 5000))
    said = catalogue.post("/v1/search", files={"image": large})
    assert said.status_code == 422
    assert "25,000,000" in said.json()["detail"]
    form = {"product": json.dumps({"title": "Large"})}
    put = catalogue.put("/v1/products/large", data=form, files={"image": ("l.jpg", large)})
    assert put.status_code == 201, put.text
    (image,) = put.json()["product"]["images"]
    assert catalogue.get(image["url"]).status_code == 200
    assert catalogue.delete("/v1/products/large").status_code == 200


def test_a_refused_product_leaves_no_picture_behind(catalogue, shop_folder):
    before = set((shop_folder / "uploads").rglob("*"))
    for said in (
        {"price": -2, "images": [{"file": 0}]},
        {"images": [{"file": 0, "box": [900, 900, 5, 5]}]},
        {"images": [{"file": 0}, {"location": "nowhere.jpg"}]},
    ):
        answer = catalogue.put(
            "/v1/products/refused",
            data={"product": json.dumps(said)},
            files=[("image", ("a.jpg", jpeg(222)))],
        )
        assert answer.status_code == 422, answer.text
    assert set((shop_folder / "uploads").rglob("*")) == before


def test_what_cannot_be_put_is_named(catalogue):
    for body, where in [
        ({"images": []}, "images"),
        ({"images": [{"location": "nowhere.jpg"}]}, "images.0.location"),
        ({"images": [{"location": "../photos/3.jpg"}]}, "images.0.location"),
        ({"images": [{"location": "/etc/passwd"}]}, "images.0.location"),
        ({"images": [{"location": "http://127.0.0.1/a.jpg"}]}, "images.0.location"),
        ({"images": [{"location": "file:///etc/passwd"}]}, "images.0.location"),
        ({"images": [{"file": 0}]}, "images.0.file"),
        ({"images": [{}]}, "images.0.location"),
        ({"images": [{"location": "3.jpg", "box": [900, 900, 5, 5]}]}, "images.0.location"),
        ({"images": [{"location": "3.jpg", "box": [1, 1, 0, 5]}]}, "images.0.box"),
        ({"price": -2, "images": [{"location": "3.jpg"}]}, "price"),
        ({"attributes": {"Bad Name": 1}, "images": [{"location": "3.jpg"}]}, "attributes.Bad Name"),
        ({"attributes": {"sold_out": "perhaps"}, "images": [{"location": "3.jpg"}]}, "sold_out"),
        ({"colour": "red"}, "colour"),
    ]:
        answer = catalogue.put("/v1/products/bad", json=body)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.json()["errors"][0]["where"].endswith(where), answer.text
        assert "/tmp" not in answer.text  # no folder of the machine
    assert catalogue.get("/v1/products/bad").status_code == 404
    assert catalogue.put("/v1/products/bad", content=b"{").status_code == 415
    malformed = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert catalogue.put("/v1/products/bad", **malformed).status_code == 400
    taken = {"images": [{"location": "4.jpg", "image_id": "p00/0.jpg"}]}
    conflict = catalogue.put("/v1/products/bad", json=taken)
    assert (conflict.status_code, conflict.json()["type"]) == (
        409,
        "urn:findalike:problem:image-taken",
    )


@pytest.mark.parametrize(
    "odd", ["a/b", "../../etc/passwd", "a%2Fb", "ü ñ", "a?b#c", "x/similar", "..", "a\\b", "'; --"]
)
def test_ids_may_hold_anything_that_can_be_printed(catalogue, odd):
    path = f"/v1/products/{quote(odd, safe='')}".replace("/..", "/%2E%2E")
    put = catalogue.put(path, json=product())
    assert put.status_code == 201, put.text
    assert put.json()["product"]["product_id"] == odd
    assert catalogue.get(path).json()["product_id"] == odd
    similar = catalogue.get(f"{path}/similar", params={"k": 1})
    assert similar.status_code == 200, similar.text
    image = put.json()["product"]["images"][0]
    assert catalogue.get(image["url"]).status_code == 200
    assert catalogue.delete(path).status_code == 200


@pytest.mark.parametrize("hostile", ["%00", "a%00b", "%ff%fe", "a%0Ab", "%ed%a0%80"])
def test_ids_that_nothing_can_have(catalogue, hostile):
    assert catalogue.get(f"/v1/products/{hostile}").status_code in (404, 422)
    assert catalogue.put(f"/v1/products/{hostile}", json=product()).status_code == 422
    assert catalogue.get(f"/v1/images/{hostile}").status_code in (404, 422)
    assert catalogue.get(f"/v1/examples/{hostile}").status_code in (404, 422)
    assert catalogue.get(f"/v1/imports/{hostile}").status_code in (404, 422)


def test_the_list_goes_on_where_it_was(catalogue):
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = catalogue.get("/v1/products", params=params).json()
        seen += [p["product_id"] for p in page["products"]]
        if len(seen) == 5:
            catalogue.put("/v1/products/p00a", json=product())  # before where the list is
            catalogue.delete("/v1/products/p07")
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"p{n:02d}" for n in range(12) if n != 7]
    catalogue.delete("/v1/products/p00a")
    some = catalogue.get("/v1/products", params={"where": "price < 2"}).json()
    assert [p["product_id"] for p in some["products"]] == ["p00", "p01"]
    first = catalogue.get("/v1/products", params={"limit": 1}).json()["next_cursor"]
    for wrong, where in [("nonsense", None), (first, "price < 2"), ("é", None)]:
        params = {"cursor": wrong} | ({"where": where} if where else {})
        assert catalogue.get("/v1/products", params=params).status_code == 400
    assert catalogue.get("/v1/products", params={"where": "nonsense <"}).status_code == 400


def test_pictures_are_small_cached_and_negotiated(catalogue, server_photos):
    url = catalogue.get("/v1/products/p03").json()["images"][0]["url"]
    assert url.startswith("/v1/images/p03%2F6.jpg/")
    webp = catalogue.get(url, params={"width": 50}, headers={"Accept": "image/webp,*/*"})
    assert webp.headers["content-type"] == "image/webp"
    assert "immutable" in webp.headers["cache-control"]
    assert "Accept" in webp.headers["vary"]
    jpg = catalogue.get(url, params={"width": 50}, headers={"Accept": "*/*"})
    assert jpg.headers["content-type"] == "image/jpeg"
    assert jpg.headers["etag"] != webp.headers["etag"]
    same = catalogue.get(url, params={"width": 50}, headers={"If-None-Match": jpg.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert catalogue.get(url, params={"width": 0}).status_code == 422
    assert catalogue.get(url, params={"width": 99999}).status_code == 422
    assert catalogue.get("/v1/images/p03%2Fnone.jpg").status_code == 404
    for trick in ("..%2F..%2Fkeys.json", "%2Fetc%2Fpasswd", "..%2Fshop.json"):
        assert catalogue.get(f"/v1/images/{trick}").status_code == 404
    file = server_photos / "6.jpg"
    data = file.read_bytes()
    file.rename(file.with_suffix(".away"))
    try:
        gone = catalogue.get(url, params={"width": 900})
        assert gone.status_code == 404
        assert gone.json()["type"].endswith("picture-gone")
    finally:
        file.with_suffix(".away").rename(file)
    assert file.read_bytes() == data


def test_a_picture_that_changed_has_another_address(make_shop, tmp_path):
    folder = make_shop()
    (tmp_path / "mug.jpg").write_bytes(jpeg(70))
    table = write_table(
        tmp_path / "t.csv", [{"product_id": "mug", "title": "Mug", "img_path": "mug.jpg"}]
    )
    Shop.open(folder).add(table, root=tmp_path)
    with TestClient(create_app(ServerSettings(shop=folder, open_search=True))) as client:

        def address() -> str:
            asked = {"image": jpeg(70)}
            rows = client.post("/v1/search", files=asked, data={"k": "100"}).json()["products"]
            return next(row for row in rows if row["product_id"] == "mug")["image"]["url"]

        before = address()
        first = client.get(before)
        assert "immutable" in first.headers["cache-control"]
        (tmp_path / "mug.jpg").write_bytes(jpeg(71))
        Shop.open(folder).add(table, root=tmp_path)
        after = address()
        assert after != before
        new = client.get(after)
        assert new.content != first.content
        assert "immutable" in new.headers["cache-control"]
        for shown in (client.get(before), client.get("/v1/images/mug%2Fmug.jpg")):
            assert shown.content == new.content
            assert shown.headers["cache-control"] == "public, max-age=300"


def test_pictures_lose_their_metadata(catalogue):
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[0x0112] = 6
    picture = jpeg(50, (80, 40), exif=exif)
    put = catalogue.put(
        "/v1/products/exif", data={"product": "{}"}, files=[("image", ("e.jpg", picture))]
    )
    shown = catalogue.get(put.json()["product"]["images"][0]["url"])
    assert b"SecretCamera" not in shown.content
    assert Image.open(io.BytesIO(shown.content)).size == (40, 80)  # upright
    catalogue.delete("/v1/products/exif")


def test_the_shop_versions_and_rollback(catalogue, shop_folder):
    before = catalogue.get("/v1/shop").json()
    assert (before["images"], before["encoder"]["name"]) == (before["images"], "tiny")
    assert before["fields"]["sold_out"] == "boolean"
    assert "sha256" not in before["fields"]
    (shop_folder / "examples").mkdir()
    (shop_folder / "examples" / "try me.jpg").write_bytes(jpeg(3))
    (shop_folder / "examples" / "leak.jpg").symlink_to("/etc/hostname")
    urls = [e["url"] for e in catalogue.get("/v1/shop").json()["examples"]]
    assert "/v1/examples/try%20me.jpg" in urls
    example = catalogue.get("/v1/examples/try%20me.jpg")
    assert (example.status_code, example.headers["cache-control"]) == (200, "public, max-age=300")
    assert catalogue.get("/v1/examples/leak.jpg").status_code == 404
    assert catalogue.get("/v1/examples/..%2Fshop.json").status_code == 404

    catalogue.delete("/v1/products/p05")
    versions = catalogue.get("/v1/shop/versions").json()["versions"]
    imported = next(v for v in versions if v["what"].startswith("import of"))
    back = catalogue.post("/v1/shop:rollback", json={"version": imported["version"]})
    assert back.status_code == 200, back.text
    assert catalogue.get("/v1/products/p05").status_code == 200
    assert back.json()["version"] > imported["version"]
    assert catalogue.post("/v1/shop:rollback", json={"version": 99999}).status_code == 422
    assert catalogue.post("/v1/shop:rollback", json={"version": "x"}).status_code == 422


def test_roles(catalogue, shop_folder):
    _, search_key = KeyStore(shop_folder).create("search")
    _, catalogue_key = KeyStore(shop_folder).create("catalogue")
    calls = [
        ("PUT", "/v1/products/x", "catalogue"),
        ("GET", "/v1/products", "catalogue"),
        ("DELETE", "/v1/products/x", "catalogue"),
        ("POST", "/v1/imports", "catalogue"),
        ("GET", "/v1/imports", "catalogue"),
        ("POST", "/v1/shop:rollback", "admin"),
    ]
    for method, path, role in calls:
        anonymous = catalogue.request(method, path, headers={"Authorization": ""})
        assert anonymous.status_code == 401, (method, path)
        low = search_key if role == "catalogue" else catalogue_key
        answer = catalogue.request(method, path, headers={"Authorization": f"Bearer {low}"})
        assert answer.status_code == 403, (method, path)


def test_feedback_keeps_a_photo_only_with_the_shop_and_the_shopper(catalogue, shop_folder):
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    photo = jpeg(9, (2000, 1000), exif=exif)
    query_id = catalogue.get("/v1/products/p04/similar").json()["query_id"]
    said = {"query_id": query_id, "product_id": "p03", "event": "cart", "rank": 2}
    packed = base64.b64encode(photo).decode()
    store = FeedbackStore(shop_folder)

    def send(**more: object) -> str:
        answer = catalogue.post("/v1/feedback", json={**said, **more})
        assert answer.status_code == 202, answer.text
        assert answer.json()["stored"]
        return answer.json()["photo"]

    assert send() == "none sent"
    assert send(photo_base64=packed) == "no consent"
    assert send(photo_base64=packed, consent=True) == "turned off"
    assert not list((shop_folder / "feedback").rglob("*.jpg"))
    assert catalogue.get("/v1/shop").json()["keeps_photos"] is False
    store.change_settings(FeedbackSettings(keep_photos=True))
    assert catalogue.get("/v1/shop").json()["keeps_photos"] is True
    assert send(photo_base64=packed) == "no consent"
    assert send(photo_base64=packed, consent=True, box=[200, 200, 400, 400]) == "kept"
    form = catalogue.post(
        "/v1/feedback",
        data={"query_id": query_id, "product_id": "p01", "event": "wrong", "consent": "true"},
        files={"photo": photo},
    )
    assert form.json() == {"stored": True, "photo": "kept"}
    (kept,) = (shop_folder / "feedback").rglob("*.jpg")  # the same picture, once
    assert b"SecretCamera" not in kept.read_bytes()
    assert max(Image.open(io.BytesIO(kept.read_bytes())).size) == 1024
    events = list(store.events())
    assert [e.event for e in events] == ["cart"] * 5 + ["wrong"]
    assert events[4].box is not None
    assert round(events[4].box.w) == round(400 * 1024 / 2000)
    for bad in (
        {"event": "hated"},
        {"query_id": "../x"},
        {"rank": 0},
        {"product_id": ""},
        {"extra": 1},
        {"photo_base64": "%%%", "consent": True},
    ):
        assert catalogue.post("/v1/feedback", json={**said, **bad}).status_code == 422, bad
    assert len(list(store.events())) == 6
