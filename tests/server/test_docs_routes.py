"""The description of the API: made once, and sent no more often than it changes."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.routes.docs import docs_page
from findalike.server.settings import ServerSettings


def test_the_description_is_made_once(server_shop, monkeypatch):
    app = create_app(ServerSettings(shop=server_shop, open_search=True))
    made: list[int] = []
    openapi = app.openapi
    monkeypatch.setattr(app, "openapi", lambda: made.append(1) or openapi())
    client = TestClient(app)
    for _ in range(3):
        assert client.get("/openapi.json").json()["info"]["title"] == "findalike"
        assert "/v1/search" in client.get("/docs").text
        assert client.get("/docs/style.css").headers["content-type"].startswith("text/css")
    assert made == [1]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/style.css"])
def test_what_a_browser_has_is_not_sent_again(server_shop, path):
    client = TestClient(create_app(ServerSettings(shop=server_shop, open_search=True)))
    first = client.get(path)
    assert first.headers["content-encoding"] == "gzip"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_it_comes_plain_to_those_who_ask_for_it(live_server):
    with httpx.stream(
        "GET",
        f"{live_server.url}/openapi.json",
        headers={"Accept-Encoding": "gzip"},
        trust_env=False,
    ) as zipped:
        packed = b"".join(zipped.iter_raw())
    plain = httpx.get(
        f"{live_server.url}/openapi.json", headers={"Accept-Encoding": "identity"}, trust_env=False
    )
    assert "content-encoding" not in plain.headers
    assert json.loads(gzip.decompress(packed)) == plain.json()


def test_descriptions_show_code_and_nothing_of_them_is_markup():
    operation = {"summary": "S", "description": "Send `k` & <b>", "responses": {}}
    api = {
        "info": {"title": "t", "version": "1", "summary": ""},
        "paths": {"/x": {"get": operation}},
        "components": {"schemas": {}},
    }
    assert "<p>S. Send <code>k</code> &amp; &lt;b&gt;</p>" in docs_page(api)
