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
from findalike.server.originals import Originals
from findalike.server.pictures import FETCHED_AT_ONCE
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


def test_a_picture_at_a_url(make_shop, remote, tmp_path, monkeypatch):
    monkeypatch.setattr("findalike.server.pictures.ORIGINAL_SECONDS", 0.0)
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


def test_a_slow_server_holds_up_no_picture_of_the_shop(make_shop, server_photos):
    asked: list[str] = []
    gate, last = threading.Event(), threading.Event()

    class Slow(_Quiet):
        def do_GET(self) -> None:
            asked.append(self.path)
            if "shut" in self.path:
                gate.wait(60)
                self.send_error(404)
                return
            body = (server_photos / "3.jpg").read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    shop = make_shop()
    _, key = KeyStore(shop).create("catalogue")
    settings = ServerSettings(
        shop=shop,
        open_search=True,
        allow_networks=("127.0.0.1/32",),
        fetch_seconds=60,
        deadline=60,
        address_rate=0,
        key_rate=0,
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        with TestClient(create_app(settings)) as client:
            headers = {"Authorization": f"Bearer {key}"}
            shown = []
            for number in range(FETCHED_AT_ONCE):
                body = {"images": [{"location": f"{base}/{number}.jpg"}]}
                put = client.put(f"/v1/products/slow{number}", json=body, headers=headers)
                assert put.status_code == 201, put.text
                shown.append(put.json()["product"]["images"][0]["url"])
            # One fetch serves all widths.
            asked.clear()
            assert {client.get(shown[0], params={"width": w}).status_code for w in (160, 320)} == {
                200
            }
            assert asked == ["/0.jpg"]

            client.app.state.pictures._originals = Originals(
                seconds=60, most_bytes=10**6, failure_seconds=60, most_failures=9
            )
            fetch = client.app.state.service.fetcher.fetch
            client.app.state.service.fetcher.fetch = lambda url: fetch(f"{url}?shut")
            asked.clear()
            statuses: list[int] = []
            waiting = [
                threading.Thread(
                    target=lambda url=url: statuses.append(
                        client.get(url, params={"width": 640}).status_code
                    )
                )
                for url in shown
            ]
            for one in waiting:
                one.start()
            while len(asked) < FETCHED_AT_ONCE:
                last.wait(0.01)
            local = client.get("/v1/images/p01%2F2.jpg", params={"width": 480})
            assert local.status_code == 200
            assert statuses == []
            gate.set()
            for one in waiting:
                one.join()
            assert set(statuses) == {404}
            # What failed is not asked for again at once.
            assert client.get(shown[0], params={"width": 960}).status_code == 404
            assert len(asked) == FETCHED_AT_ONCE
        server.shutdown()
        thread.join()


def test_example_photos_are_made_once_and_seen_when_they_change(make_shop, server_photos):
    shop = make_shop()
    (shop / "examples").mkdir()
    photo = shop / "examples" / "a.jpg"
    photo.write_bytes((server_photos / "3.jpg").read_bytes())
    app = create_app(ServerSettings(shop=shop, open_search=True))
    with TestClient(app, client=("203.0.113.7", 4711)) as client:
        first = client.get("/v1/examples/a.jpg")
        assert first.status_code == 200
        assert '"address-light"' in first.headers["RateLimit-Policy"]
        assert len(client.app.state.pictures._kept) == 1
        assert client.get("/v1/examples/a.jpg").content == first.content
        assert len(client.app.state.pictures._kept) == 1
        photo.write_bytes((server_photos / "9.jpg").read_bytes())
        assert client.get("/v1/examples/a.jpg").content != first.content
        photo.unlink()
        assert client.get("/v1/examples/a.jpg").status_code == 404
