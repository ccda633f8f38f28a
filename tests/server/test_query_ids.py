"""Feedback counts only on answers that a service of this shop gave, and that are not old."""

from __future__ import annotations

import stat

import httpx
import pytest
from fastapi.testclient import TestClient

from findalike.server import query_ids
from findalike.server.app import create_app
from findalike.server.problems import Problem
from findalike.server.query_ids import LIFETIME_DAYS, QueryIds
from findalike.server.settings import ServerSettings
from findalike.server.signatures import SECRET_NAME, Signatures
from findalike.shop.feedback import FeedbackStore

DAY = 86_400


@pytest.fixture
def ids(tmp_path) -> QueryIds:
    return QueryIds(Signatures.of_shop(tmp_path))


def kind_of(problem: Problem) -> tuple[int, str]:
    return problem.status, problem.kind


def test_what_was_given_out_is_taken_by_every_service_of_the_shop(ids, tmp_path):
    given = [ids.new() for _ in range(100)]
    assert len(set(given)) == 100
    after_a_restart = QueryIds(Signatures.of_shop(tmp_path))
    for one in given:
        after_a_restart.check(one)
    assert stat.S_IMODE((tmp_path / SECRET_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("strange", ["", "q", "5f0c2a6e1b9d4c3e", "../x", "é" * 40, "a" * 500])
def test_what_is_no_id_is_refused(ids, strange):
    with pytest.raises(Problem) as refused:
        ids.check(strange)
    assert kind_of(refused.value) == (422, "unknown-query")


def test_no_part_of_an_id_can_be_changed(ids, tmp_path_factory):
    given = ids.new()
    for at, letter in enumerate(given):
        changed = given[:at] + ("0" if letter != "0" else "1") + given[at + 1 :]
        with pytest.raises(Problem) as refused:
            ids.check(changed)
        assert kind_of(refused.value) == (422, "unknown-query")
    with pytest.raises(Problem, match="no service of this shop"):
        QueryIds(Signatures.of_shop(tmp_path_factory.mktemp("other"))).check(given)


def test_an_old_answer_is_forgotten(ids, monkeypatch):
    given, now = ids.new(), query_ids.time.time()
    monkeypatch.setattr(query_ids.time, "time", lambda: now + LIFETIME_DAYS * DAY - 5)
    ids.check(given)
    monkeypatch.setattr(query_ids.time, "time", lambda: now + LIFETIME_DAYS * DAY + 5)
    with pytest.raises(Problem) as refused:
        ids.check(given)
    assert kind_of(refused.value) == (422, "old-query")


def test_services_that_start_together_share_one_secret(tmp_path):
    (tmp_path / SECRET_NAME).write_bytes(b"ab" * 32)
    first, second = Signatures.of_shop(tmp_path), Signatures.of_shop(tmp_path)
    assert second.is_right(first.of("kind", "a", "b"), "kind", "a", "b")
    assert not second.is_right(first.of("kind", "a", "b"), "other", "a", "b")
    assert not second.is_right(first.of("kind", "ab", ""), "kind", "a", "b")
    assert (tmp_path / SECRET_NAME).read_bytes() == b"ab" * 32


def test_feedback_is_on_answers_and_products_that_there_are(make_shop, server_photos):
    folder = make_shop()
    photo = (server_photos / "6.jpg").read_bytes()
    settings = ServerSettings(shop=folder, open_search=True, where="product_id != 'p03'")
    with TestClient(create_app(settings)) as client:

        def send(**said: object) -> httpx.Response:
            return client.post("/v1/feedback", json={"event": "click", **said})

        searched = client.post("/v1/search", files={"image": photo}).json()["query_id"]
        batch = client.post("/v1/search:batch", files={"image": photo}).json()["answers"]
        similar = client.get("/v1/products/p05/similar").json()["query_id"]
        for query_id in (searched, batch[0]["query_id"], similar):
            assert send(query_id=query_id, product_id="p01").status_code == 202
        strange = send(query_id="5f0c2a6e1b9d4c3e", product_id="p01")
        assert strange.status_code == 422
        assert strange.json()["type"].endswith("unknown-query")
        assert "query_id" in strange.json()["next_step"]
        for hidden in ("nowhere", "p03"):
            missing = send(query_id=searched, product_id=hidden)
            assert missing.status_code == 404, missing.text
            assert missing.json()["type"].endswith("no-such-product")
    assert [event.product_id for event in FeedbackStore(folder).events()] == ["p01"] * 3


def test_workers_and_restarts_know_each_others_answers(make_shop, server_photos, serve):
    folder = make_shop()
    photo = (server_photos / "6.jpg").read_bytes()
    options = ("--open-search", "--workers", "2")
    with serve(folder, *options) as server:
        given = [
            httpx.post(f"{server.url}/v1/search", files={"image": photo}, trust_env=False).json()
            for _ in range(6)
        ]
    with serve(folder, *options) as server:
        for answer in given:  # each by a connection of its own, so that both workers are asked
            said = {"query_id": answer["query_id"], "product_id": "p01", "event": "view"}
            sent = httpx.post(f"{server.url}/v1/feedback", json=said, trust_env=False)
            assert sent.status_code == 202, sent.text
