from __future__ import annotations

import io
import json
import logging

import pytest

from findalike.server.keys import KeyStore
from findalike.server.logs import NAME, json_formatter, server_log
from server.guarded_app import bearer, guarded

SECRET = "fa_0123456789ab_" + "7" * 64


@pytest.fixture
def lines():
    """What is logged, as it is written; a function that gives the lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    root, own = logging.getLogger(), logging.getLogger(NAME)
    before = own.level
    root.addHandler(handler)
    own.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    own.setLevel(before)
    root.removeHandler(handler)


def test_a_request_is_one_line(tmp_path, lines):
    _, key = KeyStore(tmp_path).create("search")
    guarded(tmp_path).post("/v1/search?secret=1", json={"x": 1}, headers=bearer(key))
    (line,) = lines()
    assert line["event"] == "request"
    assert line["level"] == "info"
    assert line["route"] == "/v1/search"
    assert (line["method"], line["status"], line["caller"]) == ("POST", 200, key[3:15])
    assert line["client"] == "203.0.113.7"
    assert line["stages_ms"] == {"prepare": 2.0, "embed": 3.0}
    assert line["search_ms"] == 6.0
    assert line["ms"] > 0
    assert "secret" not in json.dumps(line)
    assert key[-64:] not in json.dumps(line)
    assert line["time"].endswith("Z")


def test_the_path_of_a_client_is_not_logged_as_a_route(tmp_path, lines):
    client = guarded(tmp_path, open_search=True)
    client.get("/v1/images/somebodys-private-thing")
    client.get(f"/{SECRET}/%0a%1b[31m")
    assert [line["route"] for line in lines()] == ["/v1/images/{image_id}", "unmatched"]
    assert lines()[1]["problem"] == "not-found"


@pytest.mark.parametrize("given", ["0123456789abcdef", "a.b-c_d1", "x" * 64])
def test_a_sane_request_id_is_kept(tmp_path, lines, given):
    answer = guarded(tmp_path).post("/v1/search", json={}, headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert answer.json()["request_id"] == given
    assert lines()[0]["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "two words", "a\tb-----", '"quoted"', "é" * 9, "<script>1"]
)
def test_another_one_is_replaced(tmp_path, lines, given):
    headers = {"X-Request-ID": given.encode("latin-1")}
    answer = guarded(tmp_path).post("/v1/search", json={}, headers=headers)
    assert answer.headers["x-request-id"] not in ("", given)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_an_unknown_error_is_in_the_log_and_not_in_the_answer(tmp_path, lines):
    answer = guarded(tmp_path).get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/etc" not in answer.text
    error, request = lines()
    assert "RuntimeError" in error["exception"]
    assert error["request_id"] == request["request_id"] == answer.json()["request_id"]
    assert request["level"] == "error"
    # Whatever an error says of keys is taken out.
    assert "0" * 64 not in json.dumps(lines())
    assert "fa_0123456789ab_***" in error["exception"]


def test_probes_are_not_logged_while_all_is_well(tmp_path, lines):
    client = guarded(tmp_path)

    @client.app.get("/healthz")
    async def healthz() -> None:
        return None

    client.get("/healthz")
    assert lines() == []


@pytest.mark.parametrize(
    ("said", "kept", "gone"),
    [
        (f"key {SECRET}", "fa_0123456789ab_***", "777"),
        ("Authorization: Bearer abc.def", "Bearer ***", "abc.def"),
        ("GET https://x.example/a?token=t HTTP", "https://x.example/a?***", "token"),
        ("https://user:pass@x.example/", "https://***@x.example/", "pass"),
    ],
)
def test_secrets_are_taken_out_of_everything(lines, said, kept, gone):
    server_log().info("event", text=said, inner={"list": [said]})
    logging.getLogger("another.library").warning("said %s", said, extra={"more": said})
    for line in lines():
        assert kept in json.dumps(line)
        assert gone not in json.dumps(line)
    assert len(lines()) == 2


def test_bytes_are_counted_and_not_written(lines):
    server_log().info("event", photo=b"\xff\xd8" * 500)
    assert lines()[0]["photo"] == "1000 bytes"
