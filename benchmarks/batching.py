"""What embedding photos together gains: services with and without it, in turns.

    python benchmarks/batching.py --work WORK [--clients 1 4 16] [--seconds 10] [--rounds 3]

The shop of `benchmarks/serving.py` is served three times: ``alone`` embeds each photo by
itself, ``together`` all that are there, ``waiting`` (the default) also waits up to
``--batch-wait-ms`` for those on their way. The services stay up and are asked in turns, so that a
busy machine is unfair to none; a ratio is that of two turns of one round, and the table has its
median. The promise: waiting never lengthens the median by more than the wait.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from contextlib import ExitStack
from pathlib import Path

import serving
from service_process import form

KINDS = {
    "alone": ("--batch-size", "1", "--batch-wait-ms", "0"),
    "together": ("--batch-wait-ms", "0"),
    "waiting": (),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--work", type=Path, required=True, help="keeps the shop for later runs")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=10.0, help="of a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="600 images, one short round")
    parser.add_argument("--json", type=Path, help="write every figure here")
    args = parser.parse_args()
    if args.smoke:
        args.images, args.clients, args.seconds, args.rounds = 600, [2], 1.0, 1
    shop, photos = serving.make_shop(args.work, args.data, args.images, smoke=args.smoke)
    bodies = [form(photo, k="20") for photo in serving.phone_photos(photos.queries)]
    turns: dict[tuple[int, str], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        services = {
            kind: stack.enter_context(serving.serving(shop, 1, options))
            for kind, options in KINDS.items()
        }

        def ask(kind: str, clients: int, seconds: float) -> dict[str, float]:
            run = serving.load(
                services[kind], bodies, photos.queries, clients=clients, seconds=seconds,
                updates=0.0, products=1,
            )  # fmt: skip
            figures = run.figures()
            return {name: float(str(figures[name])) for name in ("per_s", "p50_ms", "p99_ms")}

        for kind in KINDS:
            ask(kind, max(args.clients), 2.0)
        for turn in range(args.rounds):
            for clients in args.clients:
                kinds = [*KINDS][turn % len(KINDS) :] + [*KINDS][: turn % len(KINDS)]
                for kind in kinds:
                    turns.setdefault((clients, kind), []).append(ask(kind, clients, args.seconds))
    report(turns)
    if args.json is not None:
        told = [{"clients": c, "kind": kind, "turns": t} for (c, kind), t in turns.items()]
        args.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def report(turns: dict[tuple[int, str], list[dict[str, float]]]) -> None:
    """Print medians, beside ``alone`` of the same rounds."""
    print("clients  kind      req/s  times   p50 ms  longer by   p99 ms")
    for (clients, kind), found in turns.items():
        alone = turns[clients, "alone"]
        times = [one["per_s"] / other["per_s"] for one, other in zip(found, alone, strict=True)]
        longer = [one["p50_ms"] - other["p50_ms"] for one, other in zip(found, alone, strict=True)]
        middle = {name: statistics.median(one[name] for one in found) for name in found[0]}
        print(
            f"{clients:7}  {kind:8} {middle['per_s']:6.1f} {statistics.median(times):6.2f} "
            f"{middle['p50_ms']:8.1f} {statistics.median(longer):+10.1f} {middle['p99_ms']:8.1f}"
        )


if __name__ == "__main__":
    main()
