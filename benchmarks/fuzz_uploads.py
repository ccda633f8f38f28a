"""Ten thousand uploads that nobody should send, against a real service.

    python benchmarks/fuzz_uploads.py --data ../shared/data --n 10000

Half of them are real phone photos with damage, half the corner cases of all formats that the tests
of the decoder use. Each must be answered, and none as a fault of the service (500, 502
or 504); the memory of the service must not grow with their number. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from findalike.shop.shop import Shop
from server.uploads import fuzzed_photos

WARM_UP = 500
BUSY = 503
"""Out of time, as it happens on a machine that others use; meant, and no fault."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with grocery/ in it")
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = make_shop(Path(folder) / "shop", options.data / "grocery")
        with (Path(folder) / "server.log").open("wb") as log:
            server, url = start(shop, log)
            try:
                told = fuzz(server, url, photos_of(options.data / "grocery"), options)
            finally:
                server.send_signal(signal.SIGTERM)
                told_code = server.wait(60)
        lines = (Path(folder) / "server.log").read_text().splitlines()
        told["errors_in_log"] = sum('"event": "error"' in line for line in lines)
        told["exit_code"] = told_code
    print(json.dumps(told, indent=1))
    sys.exit(1 if told["server_errors"] or told["unanswered"] else 0)


def make_shop(folder: Path, grocery: Path) -> Path:
    with (grocery / "gallery.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = folder.parent / "products.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["product_id", "image"])
        writer.writerows([row["product_id"], row["img_path"]] for row in rows)
    Shop.create(folder).add(table, root=grocery)
    return folder


def photos_of(grocery: Path) -> list[bytes]:
    with (grocery / "queries.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(grocery / row["img_path"]).read_bytes() for row in Random(7).sample(rows, 100)]


def start(shop: Path, log: object) -> tuple[subprocess.Popen[bytes], str]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "findalike", "serve", "--shop", str(shop), "--open-search"]
    command += ["--port", str(port), "--address-rate", "0"]
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    while True:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return server, url
        except httpx.TransportError:
            if server.poll() is not None:
                raise RuntimeError("the service ended") from None
        time.sleep(0.1)


def fuzz(
    server: subprocess.Popen[bytes], url: str, photos: list[bytes], options: argparse.Namespace
) -> dict[str, object]:
    statuses: Counter[int] = Counter()
    memory: list[int] = []
    slowest = 0.0
    wrong: list[str] = []
    guard = threading.Lock()
    client = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def send(upload: tuple[str, bytes]) -> None:
        nonlocal slowest
        began = time.monotonic()
        try:
            status = client.post("/v1/search", files={"image": upload}).status_code
        except httpx.HTTPError as error:
            status = 0
            wrong.append(f"{upload[0]}: {error!r}")
        with guard:
            slowest = max(slowest, time.monotonic() - began)
            statuses[status] += 1
            if status >= 500 and status != BUSY:
                wrong.append(f"{upload[0]}: {status}")
            if sum(statuses.values()) % 100 == 0:
                memory.append(resident(server.pid))

    began = time.monotonic()
    room = threading.Semaphore(options.clients * 4)
    with ThreadPoolExecutor(options.clients) as pool:
        for upload in fuzzed_photos(photos, seed=options.seed, n=options.n):
            room.acquire()
            pool.submit(send, upload).add_done_callback(lambda _: room.release())
    seconds = time.monotonic() - began
    after = memory[min(WARM_UP // 100, len(memory) - 1) :]
    return {
        "uploads": options.n,
        "clients": options.clients,
        "seconds": round(seconds, 1),
        "statuses": dict(sorted(statuses.items())),
        "server_errors": sum(
            n for status, n in statuses.items() if status >= 500 and status != BUSY
        ),
        "out_of_time": statuses[BUSY],
        "unanswered": statuses[0],
        "wrong": wrong[:20],
        "slowest_s": round(slowest, 2),
        "memory_mb": {
            "after_500": round(after[0] / 1e6),
            "largest": round(max(after) / 1e6),
            "end": round(after[-1] / 1e6),
        },
    }


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
