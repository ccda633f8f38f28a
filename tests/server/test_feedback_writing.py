"""Feedback that cannot be written is no error of the service, and holds up nothing else."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest
from filelock import FileLock

from findalike.server.feedback_writing import WAITING, FeedbackWriting
from findalike.server.problems import Problem
from findalike.shop import feedback
from findalike.shop.feedback import FeedbackStore, Kept

EVENT = {"query_id": "0123456789abcdef", "product_id": "p01", "event": "click"}


def test_a_service_whose_feedback_is_locked_says_so(make_shop, serve):
    shop = make_shop()
    with serve(shop, "--open-search") as server, server.client() as client:
        (shop / "feedback").mkdir()
        with FileLock(shop / "feedback" / ".lock"):
            answers: list[httpx.Response] = []

            def send() -> None:
                with server.client() as own:
                    answers.append(own.post("/v1/feedback", json=EVENT))

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
        assert client.post("/v1/feedback", json=EVENT).status_code == 202


def test_a_disk_that_takes_no_lock_is_a_storage_problem(make_shop, serve):
    shop = make_shop()
    (shop / "feedback" / ".lock").mkdir(parents=True)  # as on a disk that is read-only
    with serve(shop, "--open-search") as server, server.client() as client:
        answer = client.post("/v1/feedback", json=EVENT)
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
        adding = [asyncio.ensure_future(writing.add(event)) for _ in range(WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await writing.add(event)
        assert refused.value.status == 429
        gate.set()
        assert all(kept.stored for kept in await asyncio.gather(*adding))
        assert writing.waiting == 0
        writing.stop()

    asyncio.run(run())
    assert len(list(FeedbackStore(tmp_path).events())) == WAITING
