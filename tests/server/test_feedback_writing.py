"""Feedback that cannot be written is no error of the service, and holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from filelock import FileLock

from findalike.server import feedback_writing
from findalike.server.app import create_app
from findalike.server.feedback_writing import WAITING, FeedbackWriting
from findalike.server.keys import KeyStore
from findalike.server.problems import Problem
from findalike.server.query_ids import QueryIds
from findalike.server.settings import ServerSettings
from findalike.server.signatures import Signatures
from findalike.shop import feedback
from findalike.shop.feedback import FeedbackStore, Kept


def event_on(shop: Path) -> dict[str, str]:
    """An event that a service of the shop takes."""
    query_id = QueryIds(Signatures.of_shop(shop)).new()
    return {"query_id": query_id, "product_id": "p01", "event": "click"}


def test_a_service_whose_feedback_is_locked_says_so(make_shop, serve):
    shop = make_shop()
    said = event_on(shop)
    with serve(shop, "--open-search") as server, server.client() as client:
        (shop / "feedback").mkdir()
        with FileLock(shop / "feedback" / ".lock"):
            answers: list[httpx.Response] = []

            def send() -> None:
                with server.client() as own:
                    answers.append(own.post("/v1/feedback", json=said))

            senders = [threading.Thread(target=send) for _ in range(12)]
            for sender in senders:
                sender.start()
            # More wait than there are threads that read, and a list is answered all the same.
            assert client.get("/v1/shop").status_code == 200
            assert len(answers) < 12
            for sender in senders:
                sender.join()
            kinds = {answer.json()["type"].rpartition(":")[2] for answer in answers}
            assert {answer.status_code for answer in answers} == {503}
            assert kinds <= {"feedback-locked", "deadline"}
            assert all(answer.headers["Retry-After"] for answer in answers)
        assert client.post("/v1/feedback", json=said).status_code == 202


def test_a_disk_that_takes_no_lock_is_a_storage_problem(make_shop, serve):
    shop = make_shop()
    said = event_on(shop)
    (shop / "feedback" / ".lock").mkdir(parents=True)  # as on a disk that is read-only
    with serve(shop, "--open-search") as server, server.client() as client:
        answer = client.post("/v1/feedback", json=said)
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("storage")


def test_the_events_that_wait_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(feedback, "LOCK_SECONDS", 0.1)
    gate = threading.Event()

    def event(store: FeedbackStore) -> Kept:
        assert gate.wait(30)
        return store.add(query_id="q", product_id="p", event="view")

    async def run() -> None:
        writing = FeedbackWriting(FeedbackStore(tmp_path))
        adding = [asyncio.ensure_future(writing.add(event, address=None)) for _ in range(WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await writing.add(event, address=None)
        assert refused.value.status == 429
        gate.set()
        assert all(kept.stored for kept in await asyncio.gather(*adding))
        assert writing.waiting == 0
        writing.stop()

    asyncio.run(run())
    assert len(list(FeedbackStore(tmp_path).events())) == WAITING


def test_one_address_cannot_fill_the_day(make_shop, monkeypatch):
    shop = make_shop()
    monkeypatch.setattr(feedback_writing, "ONE_ADDRESS", 3)
    monkeypatch.setattr(feedback_writing, "ONE_ADDRESS_A_SECOND", 1e-6)
    _, own = KeyStore(shop).create("search")
    _, of_pages = KeyStore(shop).create("search", origins=("https://shop.example",))
    said = event_on(shop)
    app = create_app(ServerSettings(shop=shop, open_search=True))

    with TestClient(app, client=("203.0.113.7", 1)) as client:

        def send(**headers: str) -> httpx.Response:
            return client.post("/v1/feedback", json=said, headers=headers)

        assert [send().status_code for _ in range(4)] == [202, 202, 202, 429]
        refused = send(Authorization=f"Bearer {of_pages}", Origin="https://shop.example")
        assert refused.status_code == 429
        assert refused.json()["type"].endswith("too-many-requests")
        assert int(refused.headers["retry-after"]) > 1
        assert {send(Authorization=f"Bearer {own}").status_code for _ in range(5)} == {202}
        monkeypatch.setattr(client._transport, "client", ("203.0.114.7", 1))
        assert send().status_code == 202
    assert len(list(FeedbackStore(shop).events())) == 9
