"""A shop of 100,000 photos behind HTTP: answers a second, and how long each takes.

    python benchmarks/serving.py --work WORK [--clients 1 4 16 64] [--seconds 60] [--updates 0 20]

The shop is that of `benchmarks/shop_scale.py` and stays in WORK. `findalike serve` runs in a
process of its own; this one sends it real phone photos over the loopback, each enlarged to the
1600 x 1200 pixels and 200 to 400 KB that phones send, with ``k=20``, every client one after the
other on a connection it keeps. Both share the machine's cores, so the seconds of processor time
that each took are told as well. With ``--updates``, so many products a second are changed beside
the searches, every other one a new product with a photo of its own; several numbers make as many
tables, of one service that runs on.

For each number of clients: requests a second, percentiles of the time from sending to the last
byte of the answer, statuses that are not 200, updates answered a second and their median time,
and the memory of the service (resident, all its processes) before, after, and after a rest. The
rests are equally long: whether memory stays flat is told by what it is at their ends. The peer, in
the same run: the encoder and decoder alone in this process, one photo at a time, on all cores.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import shutil
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shop_scale
from PIL import Image
from service_process import BOUNDARY, Service, form, serving

from findalike.data.prepare import prepare
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER

SIZE = (1600, 1200)
QUALITY = 82
PHOTOS = 40


@dataclass
class Run:
    """What the clients of one run met."""

    clients: int
    updates: float
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int | str] = field(default_factory=Counter)
    update_times: list[float] = field(default_factory=list)
    update_statuses: Counter[int | str] = field(default_factory=Counter)
    memory_mb: tuple[float, float, float] = (0.0, 0.0, 0.0)
    server_cpu_s: float = 0.0
    client_cpu_s: float = 0.0

    def figures(self) -> dict[str, object]:
        answered = np.array(self.times or [float("nan")]) * 1000
        wrong = {str(k): n for k, n in self.statuses.items() if k != 200}
        changed = {str(k): n for k, n in self.update_statuses.items() if k not in (200, 201)}
        return {
            "clients": self.clients,
            "updates_asked": self.updates,
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


def load(
    service: Service,
    bodies: list[bytes],
    new_photos: list[bytes],
    *,
    clients: int,
    seconds: float,
    updates: float,
    products: int,
    rest: float = 0.0,
) -> Run:
    run, stop = Run(clients, updates), threading.Event()
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
                # Bytes after the end of a JPEG: a photo that the shop has not embedded yet.
                photo = new_photos[number // 2 % len(new_photos)] + str(number).encode()
                new = form(photo, product=title)
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
    after = service.memory_mb()
    run.server_cpu_s, run.client_cpu_s = service.cpu_s() - cpu, time.process_time() - own
    time.sleep(rest)
    run.memory_mb = (before, after, service.memory_mb())
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


def make_shop(
    work: Path, data: Path, images: int, *, smoke: bool
) -> tuple[Path, shop_scale.Photos]:
    """A shop that may be changed, made anew from the one in ``work``, and its photos."""
    work.mkdir(parents=True, exist_ok=True)
    queries = 8 if smoke else 300
    limit = queries + 60 if smoke else None
    photos = shop_scale.Photos.of(data, queries, limit, work / f"embeddings-{queries}-{limit}.npy")
    built = work / f"shop-{images}"
    if not built.exists():
        shop_scale.alone(shop_scale.build, built, photos, images)
    shop = work / "served"
    shutil.rmtree(shop, ignore_errors=True)
    shutil.copytree(built, shop)
    return shop, photos


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
    parser.add_argument(
        "--updates", type=float, nargs="+", default=[0.0], help="a second, beside the searches"
    )
    parser.add_argument("--rest", type=float, default=10.0, help="seconds after each run")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="600 images, 2 clients, 2 seconds")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.images, args.clients, args.seconds, args.rest = 600, [2], 2.0, 0.5
    shop, photos = make_shop(args.work, args.data, args.images, smoke=args.smoke)
    sent = phone_photos(photos.queries)
    bodies = [form(photo, k="20") for photo in sent]
    sizes = sorted(len(photo) // 1000 for photo in sent)
    figures: dict[str, object] = {
        "images": args.images, "photo_kb": (sizes[0], sizes[len(sizes) // 2], sizes[-1]),
        "encoder_alone_per_s": encoder_alone(sent, min(10.0, args.seconds)),
    }  # fmt: skip

    def ask(clients: int, seconds: float, updates: float) -> Run:
        return load(
            service, bodies, photos.queries, clients=clients, seconds=seconds, updates=updates,
            products=args.images // shop_scale.VIEWS, rest=args.rest,
        )  # fmt: skip

    runs = []
    with serving(shop, args.workers) as service:
        # All that will ever be at once, once: threads and buffers that stay are there from now on.
        warmed = ask(max(args.clients), 2.0, 0.0)
        for updates in args.updates:
            for clients in args.clients:
                runs.append(ask(clients, args.seconds, updates).figures())
                if not args.json:
                    report(runs[-1])
    figures["memory_at_rest_mb"] = [warmed.memory_mb[2], *(run["memory_mb"][2] for run in runs)]  # type: ignore[index]
    if args.json:
        print(json.dumps(figures | {"runs": runs}))
    else:
        low, middle, high = sizes[0], sizes[len(sizes) // 2], sizes[-1]
        print(f"photos of {low} to {high} KB, {middle} at the median; {args.images:,} images")
        print(f"encoder and decoder alone: {figures['encoder_alone_per_s']:.1f} photos/s")
        at_rest = " ".join(f"{mb:.0f}" for mb in figures["memory_at_rest_mb"])  # type: ignore[attr-defined]
        print(
            f"memory in MB {args.rest:g} s after the first searches and after each run: {at_rest}"
        )


def report(run: dict[str, object]) -> None:
    before, after, rested = run["memory_mb"]  # type: ignore[misc]
    print(
        f"{run['clients']:3} clients  {run['per_s']:6.1f}/s  p50 {run['p50_ms']:6.1f}  "
        f"p95 {run['p95_ms']:6.1f}  p99 {run['p99_ms']:6.1f} ms  not 200: {run['not_200'] or 0}  "
        f"memory {before:.0f} -> {after:.0f}, at rest {rested:.0f} MB  CPU ms a search: service "
        f"{run['server_cpu_ms']:.1f}, clients {run['client_cpu_ms']:.1f}",
        flush=True,
    )
    if run["updates_asked"]:
        print(
            f"    updates {run['updates_per_s']:.1f}/s of {run['updates_asked']:g}, "
            f"p50 {run['update_p50_ms']:.0f} ms, refused: {run['updates_refused'] or 0}",
            flush=True,
        )


if __name__ == "__main__":
    main()
