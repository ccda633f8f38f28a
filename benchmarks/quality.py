"""How well the shop finds: mAP@1000 on real photos, beside the alternatives.

    python benchmarks/quality.py --work WORK [--only shipped sift] [--encoder BUNDLE]
                                 [--protocols apparel] [--json]

The photos are those of the folder FINDALIKE_DATA (default ``../shared/data``). Protocols:

- grocery/all, grocery/seen, grocery/unseen: 2,580 phone photos against 60 seller photos, judged
  as a whole and by the products' ``split``, from the same rankings;
- apparel/view: every back and alternative view of a garment against all main views, right being
  the same garment in the same colour;
- simulated: a shop of 200 simulated products (seed 7), its shoppers' photos cut out at their true
  boxes.

Methods: the shipped encoder; ``imagenet``, the ImageNet weights that it was made from, as they
come; the bundles named by ``--encoder``; SIFT; and VGG-16, VGG-11, ResNet-18 and EfficientNet-B0
with random weights (timm's initialisation, seed 0), which say what the architectures do untrained
and nothing about trained ones. They are exported on first use and kept in WORK. ``--smoke`` judges
a few photos only, to see that everything runs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from findalike.data.simulate import simulate
from findalike.models.encoder import Encoder
from findalike.models.pull import pull
from findalike.models.registry import DEFAULT_ENCODER, IMAGENET_ENCODER
from findalike.pipelines.evaluate import judge_rankings
from findalike.pipelines.evaluation_set import EvaluationSet, read_evaluation_set
from findalike.pipelines.ranking import Rankings, rank_by_embedding, rank_by_sift

DEPTH = 1000
RANDOM = ("vgg16", "vgg11", "resnet18", "efficientnet_b0")
METHODS = ("shipped", "imagenet", "sift", *RANDOM)
SIMULATED_PRODUCTS, SIMULATED_SEED = 200, 7
SMOKE_QUERIES, SMOKE_PRODUCTS = 12, 16


@dataclass(frozen=True)
class Row:
    """One method under one protocol."""

    protocol: str
    method: str
    note: str
    map_at_k: float
    map_ci95: tuple[float, float]
    recall_at_1: float
    queries: int
    dimensions: int | None
    seconds: float


def grocery(data: Path, work: Path, *, products: int) -> Mapping[str, EvaluationSet]:
    """All queries first; the others are parts of them."""
    folder = data / "grocery"
    files = folder / "gallery.csv", folder / "queries.csv"
    return {
        "grocery/all": read_evaluation_set(*files),
        "grocery/seen": read_evaluation_set(*files, where=["split=seen"]),
        "grocery/unseen": read_evaluation_set(*files, where=["split=unseen"]),
    }


def apparel(data: Path, work: Path, *, products: int) -> Mapping[str, EvaluationSet]:
    folder = data / "apparel"
    with (folder / "images.csv").open(encoding="utf-8", newline="") as file:
        images = list(csv.DictReader(file))
    gallery, queries = work / "gallery.csv", work / "queries.csv"
    write(gallery, [("seller_img_id", row) for row in images if row["view"] == "main"])
    write(queries, [("user_img_id", row) for row in images if row["view"] != "main"])
    return {"apparel/view": read_evaluation_set(gallery, queries, root=folder)}


def simulated(data: Path, work: Path, *, products: int) -> Mapping[str, EvaluationSet]:
    folder = work / f"simulated-{products}-{SIMULATED_SEED}"
    simulate(folder, products=products, seed=SIMULATED_SEED)
    files = folder / "gallery.csv", folder / "queries.csv"
    return {"simulated": read_evaluation_set(*files)}


def write(path: Path, rows: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([rows[0][0], "img_path", "product_id"])
        for _, row in rows:
            writer.writerow([Path(row["img_path"]).stem, row["img_path"], row["product_id"]])


PROTOCOLS: Mapping[str, Callable[..., Mapping[str, EvaluationSet]]] = {
    "grocery": grocery,
    "apparel": apparel,
    "simulated": simulated,
}


def part_of(rankings: Rankings, whole: EvaluationSet, wanted: EvaluationSet) -> Rankings:
    """The rankings of the queries that both sets have."""
    place = {query.image_id: row for row, query in enumerate(whole.queries)}
    rows = np.array([place[query.image_id] for query in wanted.queries])
    scores = None if rankings.scores is None else rankings.scores[rows]
    return replace(rankings, positions=rankings.positions[rows], scores=scores)


def read(
    family: str, data: Path, work: Path, *, smoke: bool = False
) -> Mapping[str, EvaluationSet]:
    """The protocols of a family, the one with all queries first."""
    products = SMOKE_PRODUCTS if smoke else SIMULATED_PRODUCTS
    sets = PROTOCOLS[family](data, work, products=products)
    return smaller(sets) if smoke else sets


def smaller(sets: Mapping[str, EvaluationSet]) -> Mapping[str, EvaluationSet]:
    """Every so many-th query, the same ones in a protocol's parts."""
    whole = next(iter(sets.values()))
    step = max(1, len(whole.queries) // SMOKE_QUERIES)
    kept = {query.image_id for query in whole.queries[::step]}
    return {
        name: data.only([row for row, q in enumerate(data.queries) if q.image_id in kept])
        for name, data in sets.items()
    }


def rank(data: EvaluationSet, method: str, work: Path) -> Rankings:
    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{method}: {done:,} of {total:,} ", end="", file=sys.stderr, flush=True)

    if method == "sift":
        return rank_by_sift(data, k=DEPTH, progress=show)
    return rank_by_embedding(data, encoder(method, work), k=DEPTH, progress=show)


def encoder(method: str, work: Path) -> Encoder:
    if method == "shipped":
        return Encoder.load(DEFAULT_ENCODER)
    if method == "imagenet":
        return Encoder.load(IMAGENET_ENCODER)
    if method not in RANDOM:
        return Encoder.load(method)
    folder = work / f"{method}-random"
    if not folder.exists():
        pull(method, pretrained=False, out=folder)
    return Encoder.load(folder)


def measure(sets: Mapping[str, EvaluationSet], methods: Sequence[str], work: Path) -> Iterator[Row]:
    whole = next(iter(sets.values()))
    for method in methods:
        rankings = rank(whole, method, work)
        if rankings.unreadable:
            raise SystemExit(f"{len(rankings.unreadable)} photos: {rankings.unreadable[0]}")
        for protocol, data in sets.items():
            figures = judge_rankings(data, part_of(rankings, whole, data), k=DEPTH).figures
            yield Row(
                protocol=protocol,
                method=rankings.method,
                note="random weights" if method in RANDOM else "",
                map_at_k=figures.map_at_k,
                map_ci95=figures.map_ci95,
                recall_at_1=figures.recall_at_1,
                queries=figures.queries,
                dimensions=rankings.dimensions,
                seconds=rankings.seconds,
            )


def print_tables(rows: Sequence[Row]) -> None:
    for protocol in dict.fromkeys(row.protocol for row in rows):
        found = sorted((r for r in rows if r.protocol == protocol), key=lambda r: -r.map_at_k)
        print(f"\n{protocol}: {found[0].queries:,} queries")
        print("method                         mAP@1000  95 % interval    R@1  dims  seconds")
        for row in found:
            low, high = row.map_ci95
            print(
                f"{row.method:30} {row.map_at_k:8.4f}  {low:.3f} to {high:.3f}  "
                f"{row.recall_at_1:.3f}  {row.dimensions or '-':>4}  {row.seconds:7.1f}  {row.note}"
            )
    print("\nSeconds: from photos to rankings, once a method and set of photos.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--work", type=Path, help="keeps the exported encoders; default: none kept")
    parser.add_argument("--only", nargs="+", choices=METHODS, default=METHODS, metavar="METHOD")
    parser.add_argument(
        "--encoder", nargs="+", default=[], metavar="BUNDLE", help="folders of further encoders"
    )
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS))
    parser.add_argument("--smoke", action="store_true", help="a dozen queries of each")
    parser.add_argument("--json", action="store_true", help="one line a row")
    args = parser.parse_args()
    keep: AbstractContextManager[Path | str] = (
        tempfile.TemporaryDirectory() if args.work is None else nullcontext(args.work)
    )
    rows: list[Row] = []
    with keep as folder:
        work = Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        for protocol in args.protocols:
            methods = [*args.only, *args.encoder]
            for row in measure(read(protocol, args.data, work, smoke=args.smoke), methods, work):
                rows.append(row)
                if args.json:
                    print(json.dumps(asdict(row)), flush=True)
    if not args.json:
        print_tables(rows)


if __name__ == "__main__":
    main()
