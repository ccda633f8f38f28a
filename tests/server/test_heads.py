"""HEAD answers as GET does, without a body."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from findalike.server.keys import KeyStore


def written(server, request_id: str) -> list[dict[str, object]]:
    lines = server.log.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if request_id in line and line.endswith("\n")]


CHANGING = {"date", "x-request-id", "ratelimit"}


@pytest.fixture(scope="module")
def asked(make_shop, serve, server_photos):
    shop = make_shop()
    _, key = KeyStore(shop).create("admin")
    (shop / "examples").mkdir()
    (shop / "examples" / "try.jpg").write_bytes((server_photos / "2.jpg").read_bytes())
    with serve(shop) as server, server.client() as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield server, client


@pytest.mark.parametrize(
    "path",
    [
        "/v1/images/p03%2F6.jpg?width=100", "/v1/images/p03%2F6.jpg/0a1b2c3d4e5f?width=100",
        "/v1/examples/try.jpg", "/v1/products", "/v1/products/p03", "/v1/products/p03/similar",
        "/v1/images/none", "/v1/examples/none", "/v1/products/none", "/v1/products?limit=0",
        "/v1/shop", "/v1/search", "/healthz", "/readyz", "/", "/admin", "/docs", "/nothing",
    ],
)  # fmt: skip
def test_it_is_the_answer_to_get_without_its_body(asked, path):
    _, client = asked
    get, head = client.get(path), client.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    same = {name: value for name, value in get.headers.items() if name not in CHANGING}
    told = {name: value for name, value in head.headers.items() if name not in CHANGING}
    if "similar" in path or "application/problem" in get.headers["content-type"]:
        # Ids of answers and of requests make these as long as they are.
        same.pop("content-length"), told.pop("content-length")
    assert told == same


def test_what_is_known_is_not_sent_again(asked):
    _, client = asked
    etag = client.get("/v1/images/p03%2F6.jpg").headers["etag"]
    head = client.head("/v1/images/p03%2F6.jpg", headers={"If-None-Match": etag})
    assert head.status_code == 304


def test_a_connection_goes_on_after_it(asked):
    server, _ = asked
    address = urlsplit(server.url)
    request = "{} /healthz HTTP/1.1\r\nHost: x\r\nConnection: {}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(request.format("HEAD", "keep-alive").encode())
        connection.sendall(request.format("GET", "close").encode())
        received = b""
        while part := connection.recv(65_536):
            received += part
    first, second, third = received.split(b"HTTP/1.1 200 OK\r\n")
    assert first == b""
    assert second.endswith(b"\r\n\r\n")
    assert third.endswith(b'{"status":"ok"}')


def test_it_needs_the_key_that_get_needs_and_is_written_down_as_what_it_is(asked):
    server, client = asked
    bare = httpx.head(f"{server.url}/v1/products/p03", trust_env=False)
    assert (bare.status_code, bare.content) == (401, b"")
    client.head("/v1/products/p07", headers={"X-Request-ID": "a-request-by-head"})
    until = time.monotonic() + 20  # the line is written once the answer is out
    while not (lines := written(server, "a-request-by-head")) and time.monotonic() < until:
        time.sleep(0.05)
    assert [(line["method"], line["route"]) for line in lines] == [
        ("HEAD", "/v1/products/{product_id:id}")
    ]
