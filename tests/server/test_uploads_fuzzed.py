"""Uploads that nobody should send: each is answered, none of them as an error of the service."""

from __future__ import annotations

import base64
import csv
import os
from pathlib import Path
from random import Random

import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.settings import ServerSettings
from server.uploads import BOUNDARY, form, fuzzed_photos, malformed_forms

MEANT = {200, 400, 413, 415, 422}
UPLOADS = 400


@pytest.fixture(scope="module")
def fuzzed(server_shop):
    settings = ServerSettings(shop=server_shop, open_search=True, max_image_pixels=20_000_000)
    with TestClient(create_app(settings)) as client:
        yield client


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def real_photos(shared_data: Path, n: int) -> list[bytes]:
    grocery = shared_data / "grocery"
    with (grocery / "queries.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(grocery / row["img_path"]).read_bytes() for row in Random(7).sample(rows, n)]


def test_damaged_photos(fuzzed, shared_data):
    statuses: dict[int, int] = {}
    uploads = fuzzed_photos(real_photos(shared_data, 20), seed=11, n=UPLOADS)
    first = 0
    for number, (name, data) in enumerate(uploads):
        answer = fuzzed.post("/v1/search", files={"image": (name, data)})
        assert answer.status_code in MEANT, (name, answer.status_code, answer.text)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["next_step"]
        if number == UPLOADS // 2:
            first = resident()
    assert statuses[200] > 20
    assert statuses[422] > 20
    assert resident() < first + 100_000_000
    service = fuzzed.app.state.service
    assert (service.admission.taken, service.embedder.waiting) == (0, 0)
    assert fuzzed.app.state.uploads.held == 0


def test_damaged_photos_in_json_and_batches(fuzzed, shared_data):
    uploads = list(fuzzed_photos(real_photos(shared_data, 5), seed=12, n=48))
    texts = [base64.b64encode(data).decode() for _, data in uploads]
    for text in texts[:24]:
        answer = fuzzed.post("/v1/search", json={"image_base64": text})
        assert answer.status_code in MEANT, answer.text
    found: list[dict[str, object]] = []
    for start in range(0, 48, 16):
        searches = [{"image_base64": text or "AA=="} for text in texts[start : start + 16]]
        answer = fuzzed.post("/v1/search:batch", json=searches)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["answers"]) == len(searches)
        found += answer.json()["answers"]
    # Each for itself: some are photos all the same, and others a problem that says what to do.
    assert any("products" in one for one in found)
    refused = [one for one in found if "products" not in one]
    assert refused
    assert all(one["status"] in MEANT and one["next_step"] for one in refused)


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search:batch", "/v1/boxes"])
def test_malformed_forms(fuzzed, server_photos, path):
    photo = (server_photos / "3.jpg").read_bytes()
    for what, kind, body in malformed_forms(photo):
        headers = {"Content-Type": kind.encode("latin-1")}
        answer = fuzzed.post(path, content=body, headers=headers)
        assert answer.status_code in MEANT, (what, answer.text)
    assert fuzzed.app.state.uploads.held == 0


@pytest.mark.parametrize("field", ["box", "k", "offset", "where", "facets", "sort", "nothing"])
@pytest.mark.parametrize(
    "value",
    ["", "-1", "0", "1e999", "nan", "inf,inf,inf,inf", "9" * 5000, "1,2,3", "0,0,0,0", "\ud800",
     "\0", "' or 1=1 --", "{}", "null", "x" * 16_000, "((((" * 500, "price > " * 300, "٣", "-0"],
)  # fmt: skip
def test_fields_with_anything_in_them(fuzzed, server_photos, field, value):
    photo = (server_photos / "3.jpg").read_bytes()
    text = value.encode("utf-8", "surrogatepass")
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'.encode()
    body = part + text + b"\r\n" + form(photo)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = fuzzed.post("/v1/search", content=body, headers=headers)
    assert answer.status_code in MEANT, answer.text
    escaped = __import__("json").dumps({"image_base64": "AA==", field: value}).encode()
    answer = fuzzed.post(
        "/v1/search", content=escaped, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in MEANT, answer.text
    query = {field: value} if value != "\ud800" else {}
    answer = fuzzed.get("/v1/products/p01/similar", params=query)
    assert answer.status_code in MEANT, answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"7", b'"x"', b'{"image_base64": 7}', b'{"image_base64": null}',
        b'{"image_base64": "\\ud800"}', b'{"image_base64": "AA==", "where": "\\ud800"}',
        b'{"image_base64": "AA==", "k": 1' + b"0" * 5000 + b"}", b'{"k": NaN}', b'{"k": 1e400}',
        b'{"image_base64": "AA==", "image_base64": "BB=="}', b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"a":' * 500 + b"1" + b"}" * 500, b'{"\x00": 1}', b"{}" * 1000, b'{"' + b"k" * 100_000,
        b'{"image_base64": "data:image/png;base64,AA=="}', b'{"image_base64": "A A = ="}',
        b'{"image_base64": "' + "é".encode() * 100 + b'"}',
        b"{\"box\": [1e308, 1e308, 1e308, 1e308]}",
    ],
)  # fmt: skip
def test_json_with_anything_in_it(fuzzed, body):
    for path in ("/v1/search", "/v1/search:batch", "/v1/boxes", "/v1/feedback"):
        answer = fuzzed.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in MEANT, (path, answer.text)
        answer.json()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/images/..%2f..%2f..%2fetc%2fpasswd", "/v1/images/%2e%2e/%2e%2e/etc/passwd",
        "/v1/images/....//....//etc/passwd", "/v1/images/%00", "/v1/images/%ff%fe",
        "/v1/images//etc/passwd", "/v1/images/..\\..\\windows", "/v1/images/" + "a" * 5000,
        "/v1/images/x?width=-1", "/v1/images/x?width=99999999999", "/v1/images/x?width=1e3",
        "/v1/examples/..%2fshop.json", "/v1/examples/%2e%2e%2fkeys.json", "/v1/examples/keys.json",
        "/widget/../shop.json", "/widget/%2e%2e/%2e%2e/keys.json", "/widget/x/..%2f..%2fkeys.json",
        "/widget//etc/passwd", "/..%2f..%2fkeys.json", "//evil.example/", "/%2e%2e/keys.json",
        "/v1/products/..%2f..%2fkeys.json/similar", "/v1/products/%00/similar",
        "/v1/products/a'%20or%20'1'='1/similar", "/v1/products/%F0%9F%8D%8E/similar",
        "/v1/products/" + "a" * 5000 + "/similar", "/v1/imports/..%2f..%2fkeys.json/report",
        "/v1/%0d%0aSet-Cookie:x=1", "/index.html%00.png", "/.git/config", "/keys.json",
        "/shop.json", "/static/../../keys.json", "/v1/../keys.json", "/v1/images/p01%20OR%201=1",
    ],
)  # fmt: skip
def test_tricks_with_paths(fuzzed, path):
    answer = fuzzed.get(path)
    assert answer.status_code in {200, 400, 401, 404, 422}, answer.text
    for secret in ("root:", "sha256", "encoder_fingerprint"):
        assert secret not in answer.text
    assert "set-cookie" not in answer.headers


def test_an_id_longer_than_any_is_refused_unread(fuzzed):
    assert fuzzed.get("/v1/products/" + "a" * 512 + "/similar").status_code == 404
    assert fuzzed.get("/v1/products/" + "a" * 513 + "/similar").status_code == 422
