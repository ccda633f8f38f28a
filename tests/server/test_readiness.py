"""Ready for as long as the shop can be read."""

from __future__ import annotations

import asyncio
import threading

from fastapi.testclient import TestClient

from findalike.server import readiness
from findalike.server.app import create_app
from findalike.server.readiness import Readiness
from findalike.server.settings import ServerSettings


def test_a_shop_that_is_gone_is_not_ready(make_shop, monkeypatch):
    monkeypatch.setattr(readiness, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 60.0)
    shop = make_shop()
    with TestClient(create_app(ServerSettings(shop=shop, open_search=True))) as client:
        assert client.get("/readyz").status_code == 200
        away = shop.rename(shop.with_name("away"))
        gone = client.get("/readyz")
        assert gone.status_code == 503
        assert gone.json()["type"].endswith("shop-gone")
        assert client.get("/healthz").status_code == 200
        away.rename(shop)
        assert client.get("/readyz").status_code == 200


def test_a_disk_that_hangs_is_looked_at_once(monkeypatch):
    monkeypatch.setattr(readiness, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 0.05)
    gate, looks = threading.Event(), []

    def look() -> None:
        looks.append(1)
        assert gate.wait(60)

    async def run() -> None:
        watched = Readiness(look)
        assert [await watched.ready() for _ in range(3)] == [False] * 3
        assert looks == [1]
        gate.set()
        while not await watched.ready():
            pass
        watched.stop()

    asyncio.run(run())


def test_the_answer_of_a_moment_ago_is_good():
    looks = []

    async def run() -> None:
        watched = Readiness(lambda: looks.append(1))
        assert [await watched.ready() for _ in range(5)] == [True] * 5
        watched.stop()

    asyncio.run(run())
    assert looks == [1]
