"""A small shop and the service in front of it, in this process and as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.settings import ServerSettings
from findalike.shop.shop import Shop
from support import make_tiny_encoder, plain_rows, write_photos, write_table


@dataclass(frozen=True)
class LiveServer:
    """A running `findalike serve`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)


@pytest.fixture(scope="session")
def server_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 photos, ``0.jpg`` to ``23.jpg``: two of each product p00 to p11."""
    folder = tmp_path_factory.mktemp("server") / "photos"
    write_photos(folder, range(24))
    return folder


@pytest.fixture(scope="session")
def make_shop(tmp_path_factory: pytest.TempPathFactory, server_photos: Path) -> Callable[..., Path]:
    """Makes the folder of a shop of ``plain_rows``, for tests that change theirs.

    p10 and p11 are variants of p09.
    """
    encoder = make_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny", name="tiny")

    def make() -> Path:
        folder = tmp_path_factory.mktemp("shops")
        rows = plain_rows()
        for row in rows:
            row["variant_of"] = "p09" if row["product_id"] in ("p10", "p11") else ""
            row["currency"] = "EUR"
        shop = Shop.create(folder / "shop", encoder=encoder)
        shop.add(write_table(folder / "products.csv", rows), root=server_photos)
        return folder / "shop"

    return make


@pytest.fixture(scope="session")
def server_shop(make_shop: Callable[..., Path]) -> Path:
    """The folder of a shop that tests only read."""
    return make_shop()


@pytest.fixture(scope="session")
def client(server_shop: Path) -> Iterator[TestClient]:
    """A client of the app in this process; search is open."""
    with TestClient(create_app(ServerSettings(shop=server_shop, open_search=True))) as client:
        yield client


@contextmanager
def serving(shop: Path, log: Path, *options: str) -> Iterator[LiveServer]:
    """Run `findalike serve` on a free port until the block ends."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "findalike", "serve", "--shop", str(shop)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port), *options],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    server = LiveServer(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(server: LiveServer) -> None:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended: {server.log.read_text()[-2000:]}")
        try:
            if httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the server is not ready: {server.log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., object]:
    """Starts `findalike serve` for a shop with options, as a context manager."""

    def start(shop: Path, *options: str) -> object:
        return serving(shop, tmp_path_factory.mktemp("logs") / "server.log", *options)

    return start


@pytest.fixture(scope="session")
def live_server(server_shop: Path, serve: Callable[..., object]) -> Iterator[LiveServer]:
    """One running service for all tests that leave its shop as it is; search is open."""
    with serve(server_shop, "--open-search") as server:
        yield server
