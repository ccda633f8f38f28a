from __future__ import annotations

import pytest

from findalike.server.headers import page_policy
from server.guarded_app import guarded


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


def test_the_page_runs_its_own_scripts_alone(tmp_path):
    answer = guarded(tmp_path).get("/")
    policy = directives(answer.headers["content-security-policy"])
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert set(policy["img-src"]) == {"'self'", "https:", "blob:", "data:"}
    assert policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "camera=(self)" in answer.headers["permissions-policy"]
    assert "microphone=()" in answer.headers["permissions-policy"]
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_what_only_pages_need_weighs_on_nothing_else(tmp_path):
    headers = guarded(tmp_path, open_search=True).get("/v1/images/1").headers
    for name in (
        "permissions-policy",
        "referrer-policy",
        "cross-origin-opener-policy",
        "x-frame-options",
    ):
        assert name not in headers


def test_shops_that_are_named_may_frame_the_page(tmp_path):
    assert directives(page_policy(()))["frame-ancestors"] == ["'self'"]
    client = guarded(tmp_path, frame_ancestors=("https://Shop.example/",))
    answer = client.get("/")
    policy = directives(answer.headers["content-security-policy"])
    assert policy["frame-ancestors"] == ["'self'", "https://shop.example"]
    assert "x-frame-options" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/images/1", "/v1/nothing", "/nothing", "/", "/broken"])
def test_every_answer_has_the_headers(tmp_path, path):
    answer = guarded(tmp_path, open_search=True).get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"]


def test_answers_are_not_kept_by_caches_and_pictures_may_be_shown_elsewhere(tmp_path):
    client = guarded(tmp_path, open_search=True)
    answer = client.post("/v1/search", json={})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    for path in ("/v1/images/1", "/v1/examples/1"):
        picture = client.get(path)
        assert "no-store" not in picture.headers.get("cache-control", "")
        assert picture.headers["cross-origin-resource-policy"] == "cross-origin"


def preflight(client, origin, method="POST"):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return client.options("/v1/search", headers=headers)


def test_named_origins_may_ask(tmp_path):
    client = guarded(tmp_path, cors=("https://shop.example",), open_search=True)
    allowed = preflight(client, "https://shop.example")
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in allowed.headers
    answer = client.post("/v1/search", json={}, headers={"Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil"])
def test_other_origins_may_not(tmp_path, origin):
    client = guarded(tmp_path, cors=("https://shop.example",), open_search=True)
    refused = preflight(client, origin)
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:findalike:problem:cross-origin"
    assert "--cors" in refused.json()["next_step"]
    assert "access-control-allow-origin" not in refused.headers
    answer = client.post("/v1/search", json={}, headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


def test_pages_can_read_why_they_were_refused(tmp_path):
    client = guarded(tmp_path, cors=("https://shop.example",))
    answer = client.post("/v1/search", json={}, headers={"Origin": "https://shop.example"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
