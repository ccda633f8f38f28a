"""Pictures that lie at URLs: fetched within the rules, shown small, said to be gone."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from findalike.server.app import create_app
from findalike.server.keys import KeyStore
from findalike.server.settings import ServerSettings
from support import write_photos


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[str]:
    write_photos(tmp_path / "remote", [300, 301])
    handler = partial(_Quiet, directory=str(tmp_path / "remote"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_picture_at_a_url(make_shop, remote, tmp_path):
    shop = make_shop()
    _, key = KeyStore(shop).create("catalogue")
    settings = ServerSettings(
        shop=shop, open_search=True, allow_networks=("127.0.0.1/32",), address_rate=0, key_rate=0
    )
    url = f"{remote}/300.jpg"
    body = {"images": [{"location": url}]}
    with TestClient(create_app(settings)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        put = client.put("/v1/products/remote", json=body)
        assert put.status_code == 201, put.text
        shown = put.json()["product"]["images"][0]["url"]
        lasting = client.get(shown, params={"width": 160})
        assert Image.open(io.BytesIO(lasting.content)).size == (96, 64)
        assert "immutable" in lasting.headers["cache-control"]

        # The server puts another picture there: it is shown, but not for ever.
        (tmp_path / "remote" / "301.jpg").replace(tmp_path / "remote" / "300.jpg")
        changed = client.get(shown, params={"width": 240})
        assert changed.status_code == 200
        assert "immutable" not in changed.headers["cache-control"]
        assert changed.headers["etag"] != lasting.headers["etag"]

        (tmp_path / "remote" / "300.jpg").unlink()
        assert client.get(shown, params={"width": 160}).content == lasting.content  # kept
        gone = client.get(shown, params={"width": 640})
        assert gone.status_code == 404
        assert gone.json()["type"].endswith("picture-gone")
        again = client.put("/v1/products/other", json=body)
        assert again.status_code == 422
        assert again.json()["errors"][0]["where"] == "images.0.location"
