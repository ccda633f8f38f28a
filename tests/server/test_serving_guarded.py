"""The protection of `findalike serve`, from outside of its process."""

from __future__ import annotations

import json
import re
import socket
import time

import pytest

from findalike.server.keys import KeyStore
from server.guarded_app import bearer


def wait_for(answer, wanted, seconds=20.0):
    deadline = time.monotonic() + seconds
    while (got := answer()) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert got == wanted


def test_keys_are_picked_up_and_the_log_has_none_of_them(make_shop, serve, server_photos):
    shop = make_shop()
    key, text = KeyStore(shop).create("search")
    photo = {"image": (server_photos / "3.jpg").read_bytes()}
    with serve(shop) as server, server.client() as client:
        assert client.post("/v1/search", files=photo).status_code == 401
        query = {"Authorization": f"Bearer {text}"}
        assert client.post("/v1/search", files=photo, headers=query).status_code == 200
        _, admin_text = KeyStore(shop).create("admin")
        assert client.get("/metrics", headers=bearer(admin_text)).status_code == 200
        KeyStore(shop).revoke(key.key_id)
        assert client.post("/v1/search", files=photo, headers=query).status_code == 401
        client.get(f"/?key={text}")
        client.get(f"/{text}")
    log = server.log.read_text()
    assert text[-64:] not in log
    assert admin_text[-64:] not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in requests] == [401, 200, 401, 200, 404]
    assert requests[1]["stages_ms"]["embed"] > 0
    assert requests[1]["caller"] == key.key_id


def test_a_service_without_keys_says_how_to_make_one(server_shop, serve):
    with pytest.raises(RuntimeError, match=r"--open-search"), serve(server_shop):
        pass


def test_the_metrics_of_all_workers_are_added_up(make_shop, serve, server_photos):
    shop = make_shop()
    photo = {"image": (server_photos / "3.jpg").read_bytes()}
    options = ["--open-search", "--workers", "2", "--metrics-network", "127.0.0.1/32"]
    with serve(shop, *options) as server:

        def ask(path: str) -> str:
            with server.client() as client:  # a new connection, which either worker may take
                return client.get(path).text

        for _ in range(12):
            with server.client() as client:
                assert client.post("/v1/search", files=photo).status_code == 200
        name = 'findalike_request_seconds_count{method="POST",route="/v1/search",status="200"}'
        found = {re.search(re.escape(name) + r" (\S+)", ask("/metrics"))[1] for _ in range(4)}
        assert found == {"12.0"}
        wait_for(lambda: "findalike_workers 2.0" in ask("/metrics"), True)


def test_slow_and_half_sent_requests_leave_the_service_as_it_was(live_server, server_photos):
    """Many connections that never get to an end, beside searches that do."""
    photo = {"image": (server_photos / "3.jpg").read_bytes()}
    host, port = live_server.url.removeprefix("http://").split(":")
    head = (
        b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    held = []
    try:
        for number in range(150):
            connection = socket.create_connection((host, int(port)), timeout=5)
            connection.sendall(head[:20] if number % 3 == 0 else head)
            if number % 3 == 1:
                connection.sendall(b"--b\r\nContent-Disposition: form-data; name=")
            held.append(connection)
        with live_server.client() as client:
            for _ in range(5):
                began = time.monotonic()
                assert client.post("/v1/search", files=photo).status_code == 200
                assert time.monotonic() - began < 5
    finally:
        for connection in held:
            connection.close()
    with live_server.client() as client:
        assert client.post("/v1/search", files=photo).status_code == 200
