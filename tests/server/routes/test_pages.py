"""How the files of the page are sent: types, names of their bytes, caching, compression."""

from __future__ import annotations

import gzip
import re

import pytest
from fastapi.testclient import TestClient

from findalike.server.shop_page import ShopPage
from findalike.server.web_files import web_files

FILES = web_files(ShopPage())


def digest_path(name: str) -> str:
    return f"/widget/{FILES.digest}/{name}"


@pytest.mark.parametrize(
    ("path", "kind", "caching"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/favicon.ico", "image/svg+xml", "no-cache"),
        ("/widget/icon.svg", "image/svg+xml", "no-cache"),
        ("/widget/findalike-search.js", "text/javascript; charset=utf-8", "no-cache"),
        (digest_path("element.js"), "text/javascript; charset=utf-8", "immutable"),
        (digest_path("page.css"), "text/css; charset=utf-8", "immutable"),
    ],
)
def test_types_caching_and_names(client: TestClient, path: str, kind: str, caching: str):
    answer = client.get(path, headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert caching in answer.headers["cache-control"]
    assert "content-encoding" not in answer.headers
    again = client.get(
        path, headers={"Accept-Encoding": "identity", "If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    assert client.head(path).status_code == 200


def test_text_is_compressed_for_those_who_want_it(client: TestClient):
    with client.stream(
        "GET", digest_path("element.js"), headers={"Accept-Encoding": "gzip"}
    ) as zipped:
        raw = b"".join(zipped.iter_raw())
    plain = client.get(digest_path("element.js"), headers={"Accept-Encoding": "identity"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in zipped.headers["vary"]
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < 0.4 * len(plain.content)
    assert zipped.headers["etag"] != plain.headers["etag"]


def test_page_names_files_that_are_there(client: TestClient):
    page = client.get("/").text
    named = re.findall(r'(?:href|src)="(/[^"]+)"', page)
    assert len(named) > 10
    assert all(client.get(path).status_code == 200 for path in named)
    assert f'src="{digest_path("element.js")}"' in page


def test_page_holds_no_inline_script_or_style(client: TestClient):
    page = client.get("/").text
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page
    assert re.findall(r"\s(?:on\w+|style)=", page) == []


def test_every_module_that_one_imports_is_loaded_with_the_page(client: TestClient):
    page = client.get("/").text
    imported = {
        name
        for file in FILES.parts
        if file.endswith(".js") and not file.startswith("admin")
        for name in re.findall(rb'from "\./([\w-]+\.js)"', FILES.parts[file].body)
    }
    assert imported
    assert all(digest_path(name.decode()) in page for name in imported)


def test_widget_loads_todays_version_from_anywhere(client: TestClient):
    answer = client.get("/widget/findalike-search.js")
    assert answer.text == f'export * from "./{FILES.digest}/element.js";\n'
    for path in ("/widget/findalike-search.js", digest_path("element.js")):
        headers = client.get(path).headers
        assert headers["access-control-allow-origin"] == "*"
        assert headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/widget/000000000000/element.js",
        f"/widget/{FILES.digest}/index.html",
        f"/widget/{FILES.digest}/..%2Fweb_files.py",
        f"/widget/{FILES.digest}/%2e%2e",
        "/widget/",
    ],
)
def test_nothing_else_is_given(client: TestClient, path: str):
    assert client.get(path).status_code in (404, 405)


def test_first_page_needs_less_than_60_kb(client: TestClient):
    page = client.get("/")
    named = re.findall(r'(?:href|src)="(/widget/[^"]+)"', page.text)
    zipped = {path: FILES.parts[path.rsplit("/", 1)[1]].zipped for path in set(named)}
    assert sum(map(len, zipped.values())) + len(page.content) < 60_000
