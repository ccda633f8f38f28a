"""`findalike serve` as a process of its own: stopped with grace, left by clients, with workers."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.connections import ConnectionLimits
from findalike.server.settings import ServerSettings
from server.running import Running

# Each starts processes of its own: seconds on a free machine, minutes on a busy one.
pytestmark = pytest.mark.timeout(900)


def test_a_live_server_searches(live_server: Any, server_photos: Path) -> None:
    with live_server.client() as client:
        photo = (server_photos / "6.jpg").read_bytes()
        answer = client.post("/v1/search", files={"image": ("a.jpg", photo)})
        assert answer.status_code == 200
        assert answer.json()["products"][0]["product_id"] == "p03"
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ok"}


def test_not_ready_before_the_shop_is_open(server_shop: Path) -> None:
    app = create_app(ServerSettings(shop=server_shop, open_search=True))
    client = TestClient(app)  # not entered: the app has not started
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_accepted_is_answered_before_the_end(
    serve: Callable[..., Any], server_shop: Path, server_photos: Path, workers: str
) -> None:
    photo = (server_photos / "6.jpg").read_bytes()
    statuses: list[int] = []
    refused: list[Exception] = []
    stopping = threading.Event()

    def keep_asking(url: str) -> None:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            while True:
                try:
                    answer = client.post("/v1/search", files={"image": photo})
                except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
                    refused.append(error)
                    return
                statuses.append(answer.status_code)
                if answer.headers.get("connection") == "close":
                    return

    options = ("--open-search", "--address-rate", "0", "--workers", workers)
    with serve(server_shop, *options) as server:
        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(keep_asking, server.url) for _ in range(4)]
            while len(statuses) < 12:
                time.sleep(0.01)
            stopping.set()
            server.process.send_signal(signal.SIGTERM)
            for one in asking:
                one.result(30)
        assert server.process.wait(30) in (0, -signal.SIGTERM)
    assert set(statuses) == {200}
    # A client may have sent its next request just when its idle connection was closed.
    assert not [e for e in refused if isinstance(e, httpx.ReadError) and "reset" not in str(e)]


def test_workers_see_what_is_written(
    serve: Callable[..., Any], make_shop: Callable[..., Path], server_photos: Path
) -> None:
    from findalike.shop.shop import Shop

    folder = make_shop()
    photo = (server_photos / "6.jpg").read_bytes()
    with serve(folder, "--open-search", "--address-rate", "0", "--workers", "2") as server:

        def search() -> str:
            # A new connection each time, so that both workers are met.
            answer = httpx.post(f"{server.url}/v1/search", files={"image": photo}, trust_env=False)
            return answer.json()["products"][0]["product_id"]

        assert {search() for _ in range(8)} == {"p03"}
        Shop.open(folder).remove(["p03"])
        assert "p03" not in {search() for _ in range(8)}


def test_nothing_is_computed_for_a_client_who_left(server_shop: Path, server_photos: Path) -> None:
    app = create_app(ServerSettings(shop=server_shop, open_search=True))
    running = Running(app, ConnectionLimits())
    try:
        service = app.state.service
        gate, embedded = threading.Event(), []
        prepare = service._prepare
        service.embedder.on_batch = embedded.append

        def held(*args: Any) -> Any:
            assert gate.wait(20)
            return prepare(*args)

        service._prepare = held
        photo = (server_photos / "6.jpg").read_bytes()
        body = (
            b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
            + photo
            + b"\r\n--b--\r\n"
        )
        head = (
            "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: "
            f"{len(body)}\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        clients: list[socket.socket] = []
        for _ in range(6):
            client = running.connect()
            client.sendall(head.encode() + body)
            clients.append(client)
        _until(lambda: service.admission.taken == 6)
        for client in clients:
            client.close()
        _until(lambda: service.admission.taken == 0)
        _until(lambda: running.app.state.uploads.held == 0)
        gate.set()
        time.sleep(0.2)
        assert embedded == []
        answer = httpx.post(f"{running.url}/v1/search", files={"image": photo}, trust_env=False)
        assert answer.status_code == 200
        assert embedded == [1]
    finally:
        running.stop()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run_serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "findalike", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"NO_COLOR": "1"},
        check=False,
    )


def test_mistakes_end_in_one_line(server_shop: Path, tmp_path: Path, live_server: Any) -> None:
    port = live_server.url.rsplit(":", 1)[1]
    broken = tmp_path / "broken"
    shutil.copytree(server_shop, broken)
    (broken / "encoder" / "encoder.onnx").write_bytes(b"no model")
    cases = [
        (("--shop", str(broken), "--open-search"), "encoder"),
        (("--shop", str(tmp_path)), "no shop at"),
        (("--shop", str(server_shop)), "findalike keys create"),
        (("--shop", str(server_shop), "--open-search", "--port", port), "cannot listen at"),
    ]
    for arguments, says in cases:
        ended = run_serve(*arguments)
        assert ended.returncode == 2, ended.stderr
        assert says in ended.stderr
        assert "Traceback" not in ended.stderr


def test_serving_needs_no_torch() -> None:
    code = (
        "import sys, findalike.server.running, findalike.server.app;"
        "print([m for m in ('torch', 'lightning', 'timm') if m in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    assert ended.stdout.strip() == "[]"
