from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from findalike.server.admission import Budget
from findalike.server.body_limits import BodyLimits, LimitedBodies
from findalike.server.keys import KeyStore
from server.guarded_app import bearer, guarded

JSON = {"Content-Type": "application/json"}
BUDGET = Budget(10_000_000, share=10_000_000, what="bytes")


@pytest.fixture
def client(tmp_path):
    return guarded(tmp_path, open_search=True, max_body_bytes=1000, max_feed_bytes=5000)


def post(client, content, headers=JSON, path="/v1/search"):
    return client.post(path, content=content, headers=headers)


def test_a_body_within_the_limits_arrives_whole(client):
    assert post(client, b'"' + b"x" * 998 + b'"').json()["bytes"] == 1000


def test_a_body_that_says_it_is_too_large_is_not_read(client):
    answer = post(client, b'"' + b"x" * 999 + b'"')
    assert answer.status_code == 413
    assert "1,000" in answer.json()["detail"]
    assert answer.headers["connection"] == "close"
    assert client.app.state.bodies == []


@pytest.mark.parametrize("length", [None, "7"])
def test_what_is_counted_is_what_comes(client, length):
    """Chunked bodies say no length, and others lie; a server drops the lie, ASGI need not."""
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    def body():
        for _ in range(30):
            yield b"x" * 100

    if length is None:
        assert post(client, body(), headers).status_code == 413
    else:
        answer = post(client, b"x" * 3000, headers | {"Content-Length": length})
        assert answer.status_code == 413


@pytest.mark.parametrize("length", ["9" * 4000, "-1", "1e3", "²"])
def test_strange_lengths_break_nothing(client, length):
    headers = JSON | {"Content-Length": length.encode()}
    assert post(client, b"{}", headers).status_code in (200, 413)


def test_paths_have_limits_of_their_own(client, tmp_path):
    _, key = KeyStore(tmp_path).create("catalogue")
    headers = bearer(key) | {"Content-Type": "multipart/form-data; boundary=x"}
    assert post(client, b"x" * 5000, headers, "/v1/imports").status_code == 200
    assert post(client, b"x" * 5001, headers, "/v1/imports").status_code == 413
    # What is kept in memory as a whole has the smaller limit there too.
    text = b'"' + b"x" * 999 + b'"'
    assert post(client, text, bearer(key) | JSON, "/v1/imports").status_code == 413


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "identity, gzip", "x" * 500])
def test_packed_bodies_are_refused(client, coding):
    bomb = gzip.compress(bytes(500_000))
    answer = post(client, bomb, JSON | {"Content-Encoding": coding})
    assert answer.status_code == 415
    assert answer.json()["type"].endswith("packed-body")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/xml", "image/jpeg", "application/jsonx", "*/*", "json"]
)
def test_other_kinds_of_bodies_are_refused(client, kind):
    assert post(client, b"{}", {"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
)
def test_json_has_several_names(client, kind):
    assert post(client, b"{}", {"Content-Type": kind}).status_code == 200


def test_deep_json_is_refused(client):
    deep = b"[" * 17 + b"]" * 17
    assert post(client, deep).json()["type"].endswith("malformed-json")
    assert post(client, b"[" * 16 + b"]" * 16).status_code == 200


def test_json_of_a_million_objects_is_refused(tmp_path):
    client = guarded(tmp_path, open_search=True)
    answer = post(client, b"[" + b"{}," * 1_000_000 + b"{}]")
    assert (answer.status_code, client.app.state.bodies) == (400, [])
    assert "65,536" in answer.json()["detail"]


def test_json_without_photos_has_a_smaller_limit(tmp_path):
    client = guarded(tmp_path, open_search=True)
    _, key = KeyStore(tmp_path).create("admin")
    large = b'"' + b"x" * 1_000_000 + b'"'
    assert post(client, large).status_code == 200
    for path in ("/v1/imports", "/v1/shop:rollback"):
        assert post(client, large, bearer(key) | JSON, path).status_code == 413


def body_in_pieces(*pieces, pause):
    """An ASGI receive that waits before each piece."""
    left = [*pieces]

    async def receive():
        if not left:
            return {"type": "http.disconnect"}
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return receive


def run(limits, receive, app, headers=(), path="/v1/search"):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"transfer-encoding", b"chunked"), *headers],
        "query_string": b"",
        "state": {},
    }
    asyncio.run(LimitedBodies(app, limits, BUDGET)(scope, receive, send))
    return sent


FORM = [(b"content-type", b"multipart/form-data; boundary=x")]


@pytest.mark.parametrize("answers", [True, False])
def test_a_slow_body_is_given_up(answers):
    seen = []

    async def app(scope, receive, send):
        try:
            while (await receive()).get("more_body"):
                pass
        except Exception as error:
            seen.append(type(error).__name__)
            if not answers:
                raise
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"something else"})

    limits = BodyLimits(max_bytes=1000, patience=0.1)
    sent = run(limits, body_in_pieces(*[b"x"] * 100, pause=0.03), app, FORM)
    assert seen == ["_BodyRefusedError"]
    assert [message.get("status") for message in sent] == [408, None]
    assert json.loads(sent[1]["body"])["type"].endswith("too-slow")


@pytest.mark.parametrize(("path", "status"), [("/v1/search", 408), ("/v1/imports", 200)])
def test_silence_ends_however_much_was_sent(path, status):
    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    limits = BodyLimits(
        max_bytes=1_000_000,
        patience=0.8,
        seconds=0.9,
        feed_seconds=60.0,
    )
    receive = body_in_pieces(b"x" * 900_000, *[b"x"] * 30, pause=0.06)
    assert run(limits, receive, app, FORM, path)[0]["status"] == status


def test_a_body_that_keeps_coming_may_take_longer():
    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    limits = BodyLimits(max_bytes=50_000, patience=0.8, bytes_per_second=1000.0)
    sent = run(limits, body_in_pieces(*[b"x" * 1000] * 20, pause=0.06), app, FORM)
    assert sent[0]["status"] == 200


def test_waiting_for_the_client_to_go_has_no_limit():
    """Routes wait for the disconnection while they work."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        assert (await receive())["type"] == "http.disconnect"

    limits = BodyLimits(max_bytes=1000, patience=0.8)
    inner = body_in_pieces(b"x", pause=0.01)

    async def receive():
        message = await inner()
        if message["type"] == "http.disconnect":
            await asyncio.sleep(1.2)
        return message

    assert run(limits, receive, app, FORM) == []
