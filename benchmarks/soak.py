"""A shop that is used, changed, badly asked and killed, minute after minute: is all still right?

    python benchmarks/soak.py --work WORK [--minutes 15] [--kill-every 60] [--json FIGURES]

`findalike serve` runs on a shop of real photos (the folder FINDALIKE_DATA). Over HTTP, threads of
this process put, patch and delete products with pictures of their own, import feeds and cancel
some, search with the photos of products that are there and were there, and send what
`benchmarks/soak_bad_requests.py` has. Every minute the service is killed by SIGKILL in the midst of
it and started again: in turn its process group alone, as an operating system short of memory
does, and all its processes, as systemd does.

A ledger (`benchmarks/soak_ledger.py`) knows what was answered. Wrong is: a change that was answered
and is not there in any read or search that begins after the answer, also after a kill; a change
without an answer that is there by half; a product found that was removed, or never was; a product
that its own photo does not find first, at a cosine of 0.999; after each start, a list of products
that differs; an answer 5xx that is not 503 for a deadline or another writer; a connection lost
while the service should live; a process that outlives a kill by 30 seconds; at the end, what
`findalike shop verify` finds. Growth is: more memory, open files or threads after the same number
of requests in the last third of the starts than in the first; more versions kept than the
caretaker says; and, once all versions but the latest are forgotten, an index larger than 1.5 times
that of a shop made anew of the same products. Exit status 1 if anything is wrong. Told, but not
judged: the pictures that were sent, and how many bytes of them a product still has.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from random import Random

from service_process import (
    COMMAND,
    Service,
    create_key,
    family,
    free_port,
    start,
    wait_until_ready,
)
from soak_bad_requests import BadCaller
from soak_caller import Caller, Soak
from soak_growth import Epoch, against_new, growth, megabytes
from soak_ledger import Ledger
from soak_users import FEED, FILES, Feeder, Shopper, Writer

from findalike.shop.shop import Shop

STRAY_SECONDS = 30.0


def make_shop(folder: Path, grocery: Path, images: int) -> list[str]:
    """A shop of the catalogue's photos and some of phones; returns the photos that are left."""
    photos = sorted(str(p.relative_to(grocery)) for p in (grocery / "user").rglob("*.jpg"))
    Random(0).shuffle(photos)
    if not folder.exists():
        lines = [f"settled-{n},{path}" for n, path in enumerate(photos[:images])]
        table = folder.with_suffix(".csv")
        table.write_text("\n".join(["product_id,image", *lines]))
        Shop.create(folder).add(table, root=grocery)
    return photos[images:]


class Run:
    """The service's lives one after the other."""

    def __init__(self, shop: Path, soak: Soak, args: argparse.Namespace) -> None:
        self.shop, self.soak, self.args = shop, soak, args
        self.log = shop.parent / "serve.log"
        self.epochs: list[Epoch] = []

    def epoch(self, *, last: bool) -> None:
        """Start the service, see that all is there, use it, and kill it."""
        soak, epoch = self.soak, Epoch(len(self.epochs))
        self.epochs.append(epoch)
        soak.epoch, soak.started = epoch.number, time.monotonic()
        soak.ending.clear()
        port = soak.service.port
        process = start(self.shop, port, self.args.workers, self.log)
        wait_until_ready(port, process)
        epoch.ready_s = time.monotonic() - soak.started
        soak.service = Service(port, process.pid, soak.service.key)
        self.wait_for_strays(epoch, process.pid)
        self.audit(epoch)
        before, until = soak.requests, time.monotonic() + self.args.kill_every
        callers: list[Caller] = [
            *(Writer(soak, n) for n in range(self.args.writers)),
            *(Shopper(soak, n) for n in range(self.args.shoppers)),
            Feeder(soak, 0),
            BadCaller(soak, 0),
        ]
        for caller in callers:
            caller.start()
        while time.monotonic() < until and process.poll() is None:
            epoch.requests = soak.requests - before
            if not epoch.at_mark and epoch.requests >= self.args.mark:
                epoch.at_mark = self.sizes()
            time.sleep(0.05)
        if process.poll() is not None:
            soak.violation("the service ended by itself", "", code=process.returncode)
        else:
            epoch.at_end = self.sizes()
            self.end(process, epoch, callers, last=last)
        for caller in callers:
            caller.join(60)
        epoch.versions = len(list((self.shop / "index").glob("*.lance/_versions/*.manifest")))
        epoch.megabytes = {
            name: megabytes(self.shop / name) for name in ("index", "uploads", "imports", "")
        }
        tell(epoch, soak)

    def end(
        self, process: subprocess.Popen[bytes], epoch: Epoch, callers: list[Caller], *, last: bool
    ) -> None:
        if last:
            epoch.ended_by = "SIGTERM"
            self.soak.stop.set()
            for caller in callers:
                caller.join(60)
            self.audit(epoch)
            process.send_signal(signal.SIGTERM)
            # uvicorn raises the signal once more when all is done, for who waits for the process.
            if process.wait(60) not in (0, -signal.SIGTERM):
                self.soak.violation("exit code", "SIGTERM", code=process.returncode)
            return
        everything = epoch.number % 2
        epoch.ended_by = "SIGKILL to all" if everything else "SIGKILL to the group"
        pids = family(process.pid)
        self.soak.ending.set()
        os.killpg(process.pid, signal.SIGKILL)
        for pid in pids if everything else []:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(60)

    def wait_for_strays(self, epoch: Epoch, pid: int) -> None:
        """Wait for the processes of the shop that a kill left, and see that they end."""
        began = time.monotonic()
        while strays := processes_of(self.shop) - set(family(pid)):
            epoch.strays = max(epoch.strays, len(strays))
            epoch.strays_s = time.monotonic() - began
            if epoch.strays_s > STRAY_SECONDS:
                told = [command_of(stray) for stray in strays]
                self.soak.violation("processes outlive the service", "", processes=told)
                for stray in strays:
                    os.kill(stray, signal.SIGKILL)
            time.sleep(0.1)

    def audit(self, epoch: Epoch) -> None:
        """Hold the list of all products against the ledger, while nobody writes."""
        caller, ledger, soak = Caller(self.soak, -1), self.soak.ledger, self.soak
        began, seen, cursor = time.monotonic(), dict[str, dict[str, object]](), ""
        while True:
            path = f"/v1/products?limit=200{cursor}"
            answer = caller.ask("list", "GET", path, None, caller.key)
            if answer.status != 200:
                time.sleep(1.0)
                continue
            page = answer.json()
            seen |= {product["product_id"]: product for product in page["products"]}  # type: ignore[attr-defined]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        ended = time.monotonic()
        epoch.products = len(seen)
        known = set(ledger.ids())
        for product_id in sorted(
            (seen.keys() - known - ledger.settled) | (ledger.settled - seen.keys())
        ):
            soak.violation("a product too many or too few", "list", product=product_id)
        for product_id in sorted(known):
            wrong = ledger.wrong_product(product_id, seen.get(product_id), began, ended)
            if wrong is not None:
                soak.violation(wrong, "list", product=product_id, seen=seen.get(product_id))
                caller.ask("tidy up", "DELETE", f"/v1/products/{product_id}", None, caller.key)
            uncertain, sent = ledger.uncertain(product_id), ledger.latest(product_id)
            caller.settle(product_id, None if wrong else seen.get(product_id))
            if uncertain:
                there = ledger.latest(product_id) == sent
                epoch.taken, epoch.dropped = epoch.taken + there, epoch.dropped + (not there)
        soak.checks["products listed"] += len(seen)
        jobs = caller.ask("imports", "GET", "/v1/imports", None, caller.key).json()["imports"]
        assert isinstance(jobs, list)
        for job in jobs:
            if job["state"] in {"queued", "running"}:
                soak.violation("an import goes on that nobody carries on", "", job=job)

    def sizes(self) -> dict[str, float]:
        service = self.soak.service
        return {
            "memory_mb": service_memory(service),
            "open_files": float(service.open_files()),
            "threads": float(service.threads()),
        }


def service_memory(service: Service) -> float:
    """Resident memory of the service itself: imports are processes of their own, and short."""
    pages = int(Path(f"/proc/{service.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def processes_of(shop: Path) -> set[int]:
    """Processes that name the shop's folder in their command line."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) != os.getpid() and str(shop) in command_of(int(folder.name)):
            found.add(int(folder.name))
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def tell(epoch: Epoch, soak: Soak) -> None:
    mark, end = epoch.at_mark, epoch.at_end
    told = [
        f"{mark.get(name, float('nan')):.0f}/{end.get(name, float('nan')):.0f}"
        for name in ("memory_mb", "open_files", "threads")
    ]
    print(
        f"{epoch.number:3} ready {epoch.ready_s:.1f} s strays {epoch.strays} {epoch.strays_s:.1f} s"
        f"  unanswered {epoch.taken} done, {epoch.dropped} not  {epoch.products:5} products"
        f"  {epoch.requests:6} requests  memory {told[0]} MB  files {told[1]}  threads {told[2]}"
        f"  index {epoch.megabytes['index']:.1f} of {epoch.versions} versions, uploads "
        f"{epoch.megabytes['uploads']:.1f} MB  {epoch.ended_by}  wrong {len(soak.wrong)}",
        flush=True,
    )


def verify(shop: Path, soak: Soak) -> None:
    done = subprocess.run(
        [*COMMAND, "shop", "verify", "--shop", str(shop), "--json"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        soak.violation("shop verify", "", out=done.stdout[-3000:], err=done.stderr[-1000:])


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--work", type=Path, required=True, help="the shop and the service's log")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--kill-every", type=float, default=60.0, help="seconds after it is ready")
    parser.add_argument("--images", type=int, default=500, help="in the shop from the start")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--shoppers", type=int, default=3)
    parser.add_argument("--mark", type=int, default=300, help="requests until sizes are compared")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--smoke", action="store_true", help="40 images, one kill after 5 seconds")
    parser.add_argument("--json", type=Path, help="file for all figures and what was wrong")
    args = parser.parse_args()
    if args.smoke:
        args.images, args.minutes, args.kill_every, args.mark = 40, 0.0, 5.0, 20
    return args


def main() -> None:
    args = options()
    work, grocery = args.work.resolve(), args.data.resolve() / "grocery"
    work.mkdir(parents=True, exist_ok=True)
    base, shop = work / f"soak-base-{args.images}", work / "soaked"
    left = make_shop(base, grocery, args.images)
    shutil.rmtree(shop, ignore_errors=True)
    shutil.copytree(base, shop)
    feed = FEED * FILES
    soak = Soak(
        ledger=Ledger(frozenset(f"settled-{n}" for n in range(args.images))),
        photos=[(grocery / path).read_bytes() for path in left[feed : feed + 100]],
        root=grocery, files=left[:feed], service=Service(free_port(), 0, create_key(shop)),
        seed=args.seed,
    )  # fmt: skip
    print(f"seed {args.seed}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
    run, until = Run(shop, soak, args), time.monotonic() + 60 * args.minutes
    run.epoch(last=False)
    while time.monotonic() + args.kill_every < until:
        run.epoch(last=False)
    run.epoch(last=True)
    verify(shop, soak)
    figures = {
        "seed": args.seed, "kills": len(run.epochs) - 1, "requests": soak.requests,
        "statuses": dict(sorted(soak.statuses.items())), "checks": dict(soak.checks),
        "sizes_first_last": growth(run.epochs, soak), "disk": against_new(shop, soak),
        "epochs": [asdict(epoch) for epoch in run.epochs], "wrong": soak.wrong,
    }  # fmt: skip
    report(figures)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))
    sys.exit(1 if soak.wrong else 0)


def report(figures: dict[str, object]) -> None:
    for named in ("statuses", "checks", "sizes_first_last", "disk"):
        print(f"{named}:")
        values = figures[named]
        assert isinstance(values, dict)
        for name, value in values.items():
            told = f"{value:,.1f}" if isinstance(value, float) else f"{value}"
            print(f"  {name:40} {told}")
    wrong = figures["wrong"]
    assert isinstance(wrong, list)
    print(f"{figures['requests']:,} requests, {figures['kills']} kills, {len(wrong)} wrong")
    for found in wrong[:20]:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
