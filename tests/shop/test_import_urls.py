"""Images at URLs: a real server on this machine, whose network is allowed by name."""

from __future__ import annotations

import http.server
import threading
from collections import Counter
from functools import partial

import pytest

from findalike.errors import SettingError
from support import write_table

LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
def server(photos):
    requests: Counter[str] = Counter()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            requests[self.path] += 1
            super().do_GET()

        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(photos))
    )
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}", requests
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_images_are_fetched_from_an_allowed_network(empty_shop, tmp_path, photos, server):
    url, _ = server
    rows = [{"product_id": f"p{n}", "image": f"{url}/{n}.jpg"} for n in range(5)]
    rows.append({"product_id": "p9", "image": f"{url}/missing.jpg"})
    table = write_table(tmp_path / "urls.csv", rows)
    report = empty_shop.add(table, allow_networks=LOOPBACK)
    assert (report.added, report.refused) == (5, 1)
    assert "404" in report.refusals[0].reason
    found = empty_shop.search(photos / "3.jpg", k=1).products[0]
    assert found.product.product_id == "p3"
    assert found.image.location == f"{url}/3.jpg"
    assert empty_shop.verify() == []


def test_a_private_address_is_not_asked(empty_shop, tmp_path, server):
    url, requests = server
    rows = [
        {"product_id": "a", "image": f"{url}/0.jpg"},
        {"product_id": "b", "image": "http://[::1]/x"},
    ]
    report = empty_shop.add(write_table(tmp_path / "urls.csv", rows))
    assert report.refused == 2
    assert all("not a public address" in refusal.reason for refusal in report.refusals)
    assert not requests


def test_a_network_that_is_none(empty_shop, tmp_path):
    table = write_table(tmp_path / "urls.csv", [{"product_id": "a", "image": "http://x.test/0"}])
    with pytest.raises(SettingError, match="10/33"):
        empty_shop.add(table, allow_networks=["10/33"])
