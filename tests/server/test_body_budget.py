"""The bytes of all requests together, against clients that hold them on purpose."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from findalike.server.connections import ConnectionLimits
from findalike.server.keys import KeyStore
from server.guarded_app import bearer, guarded_app
from server.running import Running

JSON = b"application/json"
FORM = b"multipart/form-data; boundary=b"


@pytest.fixture
def running(tmp_path) -> Iterator[Running]:
    """A service that holds 2,500 bytes, of which a client may hold 1,000."""
    app = guarded_app(tmp_path, open_search=True, upload_bytes=2500, max_body_bytes=1000)
    server = Running(app, ConnectionLimits(), lifespan="off")
    yield server
    server.stop()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def half_sent(running: Running, kind: bytes, size: int, path: bytes = b"/v1/search") -> socket:
    connection = running.connect()
    connection.sendall(
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        % (path, kind, size + 2)
        + b'"'
        + b"x" * size
    )
    return connection


@pytest.mark.parametrize("kind", [JSON, FORM])
def test_one_address_holds_no_more_than_its_share(running, tmp_path, kind):
    uploads = running.app.state.uploads
    _, key = KeyStore(tmp_path).create("search")
    with half_sent(running, kind, 900) as held:
        until(lambda: uploads.held == 901)
        with httpx.Client(base_url=running.url, trust_env=False) as client:
            headers = {"Content-Type": kind.decode()}
            refused = client.post("/v1/search", content=b"x" * 200, headers=headers)
            assert refused.status_code == 429
            assert "for you alone" in refused.json()["detail"]
            other = client.post("/v1/search", content=b"7" * 200, headers=headers | bearer(key))
            assert other.status_code == 200
        held.sendall(b'"')
        assert b" 200 " in held.recv(65_536)
    until(lambda: uploads.held == 0)


def test_bytes_of_those_who_leave_are_free_again(running):
    uploads = running.app.state.uploads
    with half_sent(running, JSON, 900):
        until(lambda: uploads.held == 901)
    until(lambda: uploads.held == 0)


def test_of_a_feed_only_the_piece_on_its_way_is_held(tmp_path):
    _, key = KeyStore(tmp_path).create("catalogue")
    app = guarded_app(tmp_path, upload_bytes=1_600_000, max_body_bytes=400_000)
    server = Running(app, ConnectionLimits(), lifespan="off")
    try:
        headers = bearer(key) | {"Content-Type": FORM.decode()}
        answer = httpx.post(
            f"{server.url}/v1/imports", content=b"x" * 3_000_000, headers=headers, trust_env=False
        )
        assert answer.json()["bytes"] == 3_000_000
        until(lambda: app.state.uploads.held == 0)
    finally:
        server.stop()
