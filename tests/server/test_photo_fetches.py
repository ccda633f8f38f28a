"""Photos at slow URLs: they hold up nobody but those who named them."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from findalike.server.app import create_app
from findalike.server.connections import ConnectionLimits
from findalike.server.keys import KeyStore
from findalike.server.photo_fetches import AT_ONCE, FOR_ONE
from findalike.server.settings import ServerSettings
from server.guarded_app import bearer
from server.running import Running


class Tarpit(http.server.BaseHTTPRequestHandler):
    """Answers once ``gate`` is open."""

    gate: threading.Event
    photo: bytes

    def do_GET(self) -> None:
        self.gate.wait(60)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.photo)))
        self.end_headers()
        self.wfile.write(self.photo)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tarpit(server_photos: Path) -> Iterator[str]:
    Tarpit.gate, Tarpit.photo = threading.Event(), (server_photos / "6.jpg").read_bytes()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tarpit)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/photo.jpg"
    Tarpit.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def running(make_shop: Callable[..., Path]) -> Iterator[Running]:
    """A service with room for two searches, behind a real socket."""
    settings = ServerSettings(
        shop=make_shop(),
        open_search=True,
        queue=2,
        fetch_seconds=60,
        deadline=60,
        allow_networks=("127.0.0.1/32",),
    )
    server = Running(create_app(settings), ConnectionLimits())
    yield server
    server.stop()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_slow_urls_take_no_place_of_other_searches(running, tarpit, server_photos) -> None:
    fetches = running.app.state.service.photo_fetches
    _, key = KeyStore(running.app.state.settings.shop).create("search")
    photo = {"image": (server_photos / "6.jpg").read_bytes()}
    answers: list[int] = []

    def ask(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
        return client.post("/v1/search", json={"image_url": tarpit}, headers=headers)

    def in_background(headers: dict[str, str]) -> threading.Thread:
        def work() -> None:
            with httpx.Client(base_url=running.url, timeout=120, trust_env=False) as own:
                answers.append(ask(own, headers).status_code)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    with httpx.Client(base_url=running.url, timeout=120, trust_env=False) as client:
        waiting = [in_background({}) for _ in range(FOR_ONE)]
        until(lambda: fetches.under_way.held == FOR_ONE)
        refused = ask(client, {})
        assert refused.status_code == 429
        assert "for you alone" in refused.json()["detail"]
        assert client.post("/v1/search", files=photo).status_code == 200
        waiting.append(in_background(bearer(key)))
        until(lambda: fetches.under_way.held == FOR_ONE + 1)
        Tarpit.gate.set()
        for thread in waiting:
            thread.join()
    until(lambda: fetches.under_way.held == 0)
    # The queue has room for two, so that some were turned away there, with their photo in hand.
    assert set(answers) <= {200, 429}
    assert 200 in answers
    assert running.app.state.uploads.held == 0


def test_who_leaves_still_holds_the_place_of_the_thread(running, tarpit) -> None:
    fetches = running.app.state.service.photo_fetches
    for left in range(1, 4):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{running.url}/v1/search", json={"image_url": tarpit}, timeout=1, trust_env=False
            )
        assert fetches.under_way.held == left
    Tarpit.gate.set()
    until(lambda: fetches.under_way.held == 0)
    assert FOR_ONE * 4 <= AT_ONCE
