"""A shop of 100,000 photos behind HTTP: answers a second, and how long each takes.

    python benchmarks/serving.py --work WORK [--clients 1 4 16 64] [--seconds 60] [--updates 20]

The shop is that of `benchmarks/shop_scale.py` and stays in WORK. `findalike serve` runs in a
process of its own; this one sends it real phone photos over the loopback, each enlarged to the
1600 x 1200 pixels and 200 to 400 KB that phones send, with ``k=20``, every client one after the
other on a connection it keeps. Both share the machine's cores, so the seconds of processor time
that each took are told as well. With ``--updates``, so many products a second are changed beside
the searches, every other one a new product with a photo of its own.

For each number of clients: requests a second, percentiles of the time from sending to the last
byte of the answer, statuses that are not 200, updates answered a second and their median time,
and the memory of the service (resident, all its processes) before and after. The peer, in the same
run: the encoder and decoder alone in this process, one photo after the other, on all cores.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shop_scale
from PIL import Image

from findalike.data.prepare import prepare
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER

SIZE = (1600, 1200)
QUALITY = 82
BOUNDARY = "findalike-benchmark"
PHOTOS = 40


@dataclass
class Service:
    """A running `findalike serve`."""

    port: int
    pid: int
    key: str

    def memory_mb(self) -> float:
        """Resident memory of all its processes."""
        return sum(_status(pid, "VmRSS") for pid in _family(self.pid)) / 1e3

    def cpu_s(self) -> float:
        ticks = 0
        for pid in _family(self.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """What the clients of one run met."""

    clients: int
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int | str] = field(default_factory=Counter)
    update_times: list[float] = field(default_factory=list)
    update_statuses: Counter[int | str] = field(default_factory=Counter)
    memory_mb: tuple[float, float] = (0.0, 0.0)
    server_cpu_s: float = 0.0
    client_cpu_s: float = 0.0

    def figures(self) -> dict[str, object]:
        answered = np.array(self.times or [float("nan")]) * 1000
        wrong = {str(k): n for k, n in self.statuses.items() if k != 200}
        changed = {str(k): n for k, n in self.update_statuses.items() if k not in (200, 201)}
        return {
            "clients": self.clients,
            "per_s": len(self.times) / self.seconds,
            **{f"p{p}_ms": float(np.percentile(answered, p)) for p in (50, 95, 99)},
            "not_200": wrong,
            "updates_per_s": len(self.update_times) / self.seconds,
            "update_p50_ms": float(np.median(self.update_times or [0.0])) * 1000,
            "updates_refused": changed,
            "memory_mb": self.memory_mb,
            "server_cpu_ms": 1000 * self.server_cpu_s / max(len(self.times), 1),
            "client_cpu_ms": 1000 * self.client_cpu_s / max(len(self.times), 1),
        }


def _family(pid: int) -> list[int]:
    """A process and those below it, by /proc."""
    found, ahead = [], [pid]
    while ahead:
        found.append(ahead.pop())
        for task in Path(f"/proc/{found[-1]}/task").glob("*/children"):
            ahead += map(int, task.read_text().split())
    return found


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return float(line.split()[1])
    return 0.0


def phone_photos(queries: list[bytes]) -> list[bytes]:
    """The photos at the size in which phones send them."""
    made = []
    for data in queries[:PHOTOS]:
        large = Image.open(io.BytesIO(data)).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        # Enlarged photos lack the grain of a sensor, which makes up much of a file's bytes.
        rng = np.random.default_rng(len(made))
        grain = rng.normal(0.0, 4.0, (SIZE[1], SIZE[0], 1))
        grainy = (np.asarray(large, np.float32) + grain).clip(0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(grainy).save(file, "JPEG", quality=QUALITY)
        made.append(file.getvalue())
    return made


def form(photo: bytes, name: str = "image", **texts: str) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{text}"\r\n\r\n{value}\r\n'
        for text, value in texts.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="p.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return "".join(parts).encode() + head.encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()


@contextmanager
def serving(shop: Path, workers: int) -> Iterator[Service]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "findalike"]
    made = subprocess.run(
        [*command, "keys", "create", "--shop", str(shop), "--role", "catalogue", "--json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    key = json.loads(made.stdout)["key"]
    options = ["--port", str(port), "--workers", str(workers), "--open-search"]
    # All requests come from one address here, and the limits would be what is measured.
    options += ["--address-rate", "0", "--key-rate", "0"]
    with (shop.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "serve", "--shop", str(shop), *options], stdout=log, stderr=log
        )
    try:
        _wait(port, process)
        yield Service(port, process.pid, key)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit("findalike serve ended: see serve.log in WORK")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("findalike serve was not ready in time")


def load(
    service: Service,
    bodies: list[bytes],
    small: bytes,
    *,
    clients: int,
    seconds: float,
    updates: float,
    products: int,
) -> Run:
    run, stop = Run(clients), threading.Event()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

    def search(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        turn = number * 7
        while not stop.is_set():
            turn += 1
            sent = time.perf_counter()
            try:
                connection.request("POST", "/v1/search", bodies[turn % len(bodies)], headers)
                answer = connection.getresponse()
                answer.read()
            except OSError as error:
                run.statuses[type(error).__name__] += 1
                connection.close()
                continue
            run.statuses[answer.status] += 1
            if answer.status == 200:
                run.times.append(time.perf_counter() - sent)

    def update(first: int, every: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        allowed = {"Authorization": f"Bearer {service.key}"}
        due = time.perf_counter()
        for number in range(first, first + 10_000_000):
            if stop.wait(max(0.0, due - time.perf_counter())):
                return
            due += every
            sent = time.perf_counter()
            if number % 2:
                title = json.dumps({"title": f"New {number}", "price": 5.0})
                new = form(small, product=title)
                connection.request("PUT", f"/v1/products/new-{number}", new, headers | allowed)
            else:
                price = json.dumps({"price": 5.0 + number % 90})
                typed = allowed | {"Content-Type": "application/json"}
                path = f"/v1/products/product-{number % products}"
                connection.request("PATCH", path, price, typed)
            answer = connection.getresponse()
            answer.read()
            run.update_statuses[answer.status] += 1
            run.update_times.append(time.perf_counter() - sent)

    at_once = 4  # changes that wait for their commit together share it
    threads = [threading.Thread(target=search, args=(n,)) for n in range(clients)]
    if updates:
        base = time.monotonic_ns() // 1_000_000_000 * 1_000_000
        threads += [
            threading.Thread(target=update, args=(base + n * 100_001, at_once / updates))
            for n in range(at_once)
        ]
    before, cpu, own = service.memory_mb(), service.cpu_s(), time.process_time()
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    run.seconds = time.perf_counter() - started
    run.memory_mb = (before, service.memory_mb())
    run.server_cpu_s, run.client_cpu_s = service.cpu_s() - cpu, time.process_time() - own
    return run


def encoder_alone(photos: list[bytes], seconds: float) -> float:
    """Photos a second that are decoded and embedded here, without a service or an index."""
    encoder = Encoder.load(DEFAULT_ENCODER)
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        prepared = prepare(photos[done % len(photos)], encoder.input, name="photo", box=None)
        encoder.embed(prepared.pixels[np.newaxis])
        done += 1
    return done / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--work", type=Path, required=True, help="keeps the shop for later runs")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--updates", type=float, default=0.0, help="a second, beside the searches")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="600 images, 2 clients, 2 seconds")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.images, args.clients, args.seconds = 600, [2], 2.0
    args.work.mkdir(parents=True, exist_ok=True)
    queries = 8 if args.smoke else 300
    limit = queries + 60 if args.smoke else None
    cache = args.work / f"embeddings-{queries}-{limit}.npy"
    photos = shop_scale.Photos.of(args.data, queries, limit, cache)
    built = args.work / f"shop-{args.images}"
    if not built.exists():
        shop_scale.alone(shop_scale.build, built, photos, args.images)
    shop = args.work / "served"
    shutil.rmtree(shop, ignore_errors=True)
    shutil.copytree(built, shop)  # updates change it
    sent = phone_photos(photos.queries)
    bodies = [form(photo, k="20") for photo in sent]
    sizes = sorted(len(photo) // 1000 for photo in sent)
    figures: dict[str, object] = {
        "images": args.images, "photo_kb": (sizes[0], sizes[len(sizes) // 2], sizes[-1]),
        "encoder_alone_per_s": encoder_alone(sent, min(10.0, args.seconds)),
    }  # fmt: skip
    runs = []
    with serving(shop, args.workers) as service:
        load(service, bodies, photos.queries[0], clients=2, seconds=2.0, updates=0.0, products=1)
        for clients in args.clients:
            run = load(
                service, bodies, photos.queries[0],
                clients=clients, seconds=args.seconds, updates=args.updates,
                products=args.images // shop_scale.VIEWS,
            )  # fmt: skip
            runs.append(run.figures())
            if not args.json:
                report(runs[-1])
    if args.json:
        print(json.dumps(figures | {"runs": runs}))
    else:
        low, middle, high = sizes[0], sizes[len(sizes) // 2], sizes[-1]
        print(f"photos of {low} to {high} KB, {middle} at the median; {args.images:,} images")
        print(f"encoder and decoder alone: {figures['encoder_alone_per_s']:.1f} photos/s")


def report(run: dict[str, object]) -> None:
    before, after = run["memory_mb"]  # type: ignore[misc]
    print(
        f"{run['clients']:3} clients  {run['per_s']:6.1f}/s  p50 {run['p50_ms']:6.1f}  "
        f"p95 {run['p95_ms']:6.1f}  p99 {run['p99_ms']:6.1f} ms  not 200: {run['not_200'] or 0}  "
        f"memory {before:.0f} -> {after:.0f} MB  CPU ms a search: service "
        f"{run['server_cpu_ms']:.1f}, clients {run['client_cpu_ms']:.1f}",
        flush=True,
    )
    if run["updates_per_s"]:
        print(
            f"    updates {run['updates_per_s']:.1f}/s, p50 {run['update_p50_ms']:.0f} ms, "
            f"refused: {run['updates_refused'] or 0}",
            flush=True,
        )


if __name__ == "__main__":
    main()
