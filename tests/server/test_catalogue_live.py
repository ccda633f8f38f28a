"""The catalogue of a running service: seen at once, by every worker, and never lost."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from findalike.server.keys import KeyStore
from findalike.shop.shop import Shop
from findalike.shop.writing import writer_lock


def photo(number: int) -> bytes:
    cells = np.random.default_rng(1000 + number).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    packed = io.BytesIO()
    Image.fromarray(cells).resize((96, 64), Image.Resampling.BICUBIC).save(packed, "JPEG")
    return packed.getvalue()


def key_of(shop: Path) -> dict[str, str]:
    _, key = KeyStore(shop).create("admin")
    return {"Authorization": f"Bearer {key}"}


def put(client: httpx.Client, number: int) -> httpx.Response:
    return client.put(
        f"/v1/products/new{number:04d}",
        data={"product": '{"title": "New"}'},
        files=[("image", ("p.jpg", photo(number)))],
    )


def found(client: httpx.Client, number: int) -> bool:
    answer = client.post("/v1/search", files={"image": photo(number)}, data={"k": "3"})
    assert answer.status_code == 200, answer.text
    products = answer.json()["products"]
    return bool(products) and products[0]["product_id"] == f"new{number:04d}"


LIMITLESS = ("--open-search", "--address-rate", "0", "--key-rate", "0")


@pytest.mark.timeout(600)
def test_every_worker_sees_a_change_with_the_first_search_after_its_answer(make_shop, serve):
    shop = make_shop()
    headers = key_of(shop)
    with serve(shop, *LIMITLESS, "--workers", "2") as server:
        stop = threading.Event()
        failures: list[str] = []

        def keep_searching() -> None:
            # A connection each, so that both workers are asked.
            while not stop.is_set():
                with server.client() as client:
                    answer = client.post("/v1/search", files={"image": photo(1)})
                    if answer.status_code != 200:
                        failures.append(answer.text)

        with ThreadPoolExecutor(2) as pool, server.client(headers=headers) as writer:
            for _ in range(2):
                pool.submit(keep_searching)
            try:
                for number in range(12):
                    answer = put(writer, number)
                    assert answer.status_code == 201, answer.text
                    for _ in range(4):  # whichever worker answers, at once
                        with server.client() as other:
                            assert found(other, number)
                    if number % 3 == 0:
                        assert writer.delete(f"/v1/products/new{number:04d}").status_code == 200
                        for _ in range(3):
                            with server.client() as other:
                                assert not found(other, number)
            finally:
                stop.set()
        assert failures == []
    assert Shop.open(shop).verify() == []


@pytest.mark.timeout(600)
def test_a_killed_service_loses_no_product_it_acknowledged(make_shop, serve):
    shop = make_shop()
    headers = key_of(shop)
    acknowledged: list[int] = []
    for start in (0, 1000, 2000):
        with serve(shop, *LIMITLESS) as server:
            stop = threading.Event()

            def write(first: int, server=server, stop=stop) -> None:
                with server.client(headers=headers) as client:
                    for number in range(first, first + 200):
                        if stop.is_set():
                            return
                        try:
                            answer = put(client, number)
                        except httpx.TransportError:
                            return
                        if answer.status_code == 201:
                            acknowledged.append(number)

            with ThreadPoolExecutor(3) as pool:
                for part in range(3):
                    pool.submit(write, start + part * 200)
                before = len(acknowledged)
                deadline = time.monotonic() + 40
                while len(acknowledged) < before + 12 and time.monotonic() < deadline:
                    time.sleep(0.02)
                server.process.send_signal(signal.SIGKILL)
                stop.set()
                server.process.wait()
        assert len(acknowledged) >= before + 12
    opened = Shop.open(shop)
    assert opened.verify() == []
    for number in acknowledged:
        assert opened.get(f"new{number:04d}") is not None, number
    with serve(shop, *LIMITLESS) as server, server.client() as client:
        assert found(client, acknowledged[-1])


@pytest.mark.timeout(600)
def test_another_writer_means_try_again(make_shop, serve):
    shop = make_shop()
    with serve(shop, *LIMITLESS) as server, server.client(headers=key_of(shop)) as client:
        with writer_lock(shop):
            answer = put(client, 1)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
            assert answer.json()["type"].endswith("shop-locked")
            assert client.post("/v1/search", files={"image": photo(1)}).status_code == 200
        assert put(client, 1).status_code == 201


def wait_for(client: httpx.Client, job: str, *states: str) -> dict[str, object]:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        state: dict[str, object] = client.get(f"/v1/imports/{job}").json()
        if state["state"] in states:
            return state
        time.sleep(0.1)
    raise AssertionError(state)


def feed_of(rows: int) -> bytes:
    lines = [f"f{n},{n % 24}.jpg,Feed {n}" for n in range(rows)]
    return "\n".join(["product_id,image,title", *lines]).encode()


@pytest.mark.timeout(600)
def test_an_interrupted_import_is_told_as_such(make_shop, serve):
    shop = make_shop()
    headers = key_of(shop)
    with serve(shop, *LIMITLESS) as server, server.client(headers=headers) as client:
        job = client.post("/v1/imports", files={"file": ("f.csv", feed_of(60_000))}).json()
        wait_for(client, job["job_id"], "running")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with serve(shop, *LIMITLESS) as server, server.client(headers=headers) as client:
        state = wait_for(client, job["job_id"], "interrupted")
        assert "again" in str(state["next_step"])
        again = client.post("/v1/imports", files={"file": ("f.csv", feed_of(30))}).json()
        assert wait_for(client, again["job_id"], "done", "failed")["state"] == "done"
    leftover = [p for p in Path("/proc").iterdir() if p.name.isdigit() and _is_import(p, shop)]
    deadline = time.monotonic() + 20
    while leftover and time.monotonic() < deadline:
        leftover = [p for p in leftover if _is_import(p, shop)]
        time.sleep(0.2)
    assert leftover == []  # the process of the killed service's import ended by itself
    assert Shop.open(shop).verify() == []


def _is_import(process: Path, shop: Path) -> bool:
    try:
        command = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return b"import_process" in command and os.fsencode(shop) in command
