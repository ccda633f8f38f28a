from __future__ import annotations

from findalike.server.client_address import NOBODY
from findalike.server.keys import KeyStore
from findalike.server.rate_limits import RateLimits
from server.guarded_app import bearer, guarded


def take(limits, path="/v1/search", address="198.51.100.1", key_id=None, shared_key=False):
    return limits.take(path, address=address, key_id=key_id, shared_key=shared_key)


def test_an_address_has_its_limit():
    limits = RateLimits(address_rate=0.001, address_burst=3, key_rate=0, key_burst=1)
    assert [take(limits).allowed for _ in range(4)] == [True, True, True, False]
    assert take(limits, address="198.51.100.2").allowed
    assert take(limits, address=NOBODY).headers == {}


def test_pictures_and_the_page_cost_a_tenth_and_probes_nothing():
    limits = RateLimits(address_rate=0.001, address_burst=2, key_rate=0, key_burst=1)
    allowed = [take(limits, "/v1/images/7").allowed for _ in range(21)]
    assert allowed == [True] * 20 + [False]
    assert not take(limits, "/widget/findalike-search.js").allowed
    assert take(limits, "/v1/search").allowed
    assert all(take(limits, path).allowed for path in ("/healthz", "/readyz", "/metrics") * 9)


def test_a_key_has_a_limit_of_its_own_and_one_that_pages_hold_both():
    limits = RateLimits(address_rate=0.001, address_burst=2, key_rate=0.001, key_burst=4)
    assert [take(limits, key_id="a").allowed for _ in range(5)] == [True] * 4 + [False]
    shared = [take(limits, key_id="b", shared_key=True).allowed for _ in range(3)]
    assert shared == [True, True, False]
    elsewhere = take(limits, address="198.51.100.2", key_id="b", shared_key=True)
    assert elsewhere.allowed
    assert not take(limits, address="198.51.100.3", key_id="b", shared_key=True).allowed


def test_clients_are_told_what_is_left(tmp_path):
    client = guarded(tmp_path, open_search=True, address_rate=0.5, address_burst=2)
    first = client.post("/v1/search", json={})
    assert first.headers["ratelimit-policy"] == '"address";q=2;w=4'
    assert first.headers["ratelimit"] == '"address";r=1;t=2'
    client.post("/v1/search", json={})
    refused = client.post("/v1/search", json={})
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["ratelimit"].startswith('"address";r=0')
    assert refused.headers["retry-after"] == "2"
    assert client.app.state.bodies == [2, 2]


def test_the_client_behind_a_trusted_proxy_is_the_one_that_counts(tmp_path):
    client = guarded(
        tmp_path,
        open_search=True,
        address_rate=0.001,
        address_burst=1,
        trusted_proxies=("203.0.113.7",),
    )
    for address, status in (("198.51.100.1", 200), ("198.51.100.2", 200), ("198.51.100.1", 429)):
        headers = {"X-Forwarded-For": address}
        assert client.post("/v1/search", json={}, headers=headers).status_code == status


def test_a_client_cannot_say_it_is_another(tmp_path):
    client = guarded(tmp_path, open_search=True, address_rate=0.001, address_burst=1)
    statuses = [
        client.post("/v1/search", json={}, headers={"X-Forwarded-For": f"198.51.100.{n}"})
        for n in range(3)
    ]
    assert [answer.status_code for answer in statuses] == [200, 429, 429]


def test_limits_can_be_left_off(tmp_path):
    _, key = KeyStore(tmp_path).create("search")
    client = guarded(tmp_path, address_rate=0, key_rate=0)
    answers = [client.post("/v1/search", json={}, headers=bearer(key)) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers
