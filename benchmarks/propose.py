"""How well the proposed boxes fit, and what searching with them is worth.

    python benchmarks/propose.py --work WORK [--seed 31] [--products 120] [--real DATA]

On a simulated shop (another seed than those that anything was fitted or chosen on): the overlap of
the first proposed box with the true one, beside boxes in the middle and the whole photo; mAP@1000
of the shoppers' photos cut out at their true box, at the proposed one, and taken whole; and
milliseconds of CPU a photo on one thread, without decoding. With ``--real``, also mAP of the whole
and of the proposed box for the grocery photos of the recipes' dev set, whose boxes nobody knows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from findalike.data.images import decode
from findalike.data.photo_boxes import PhotoBoxes, photo_boxes
from findalike.data.propose import propose_boxes
from findalike.data.simulate import simulate
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER
from findalike.pipelines.evaluate import judge_rankings
from findalike.pipelines.evaluation_set import EvaluationSet, read_evaluation_set
from findalike.pipelines.ranking import rank_by_embedding
from findalike.types import Box

DEPTH = 1000
CENTRES = (0.4, 0.5, 0.6)
TIMED = 40
TABLES = Path(__file__).resolve().parents[1] / "recipes" / "build"


def overlap(one: Box, other: Box) -> float:
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    common = max(w, 0.0) * max(h, 0.0)
    return common / (one.w * one.h + other.w * other.h - common)


def middle(share: float, width: int, height: int) -> Box:
    rest = (1 - share) / 2
    return Box(rest * width, rest * height, share * width, share * height)


def score(data: EvaluationSet, boxes: Sequence[Box | None], encoder: Encoder) -> float:
    queries = [replace(q, box=box) for q, box in zip(data.queries, boxes, strict=True)]
    boxed = replace(data, queries=queries)
    return judge_rankings(
        boxed, rank_by_embedding(boxed, encoder, k=DEPTH), k=DEPTH
    ).figures.map_at_k


def fits(found: Sequence[PhotoBoxes], true: Sequence[Box]) -> dict[str, tuple[float, float]]:
    """Mean overlap and share of 0.5 or more, by who chose the box."""
    pairs = list(zip(found, true, strict=True))
    ways = {
        "proposed": [overlap(f.boxes[0].box, t) for f, t in pairs],
        "best of those proposed": [max(overlap(b.box, t) for b in f.boxes) for f, t in pairs],
        "whole photo": [overlap(middle(1, f.width, f.height), t) for f, t in pairs],
    }
    for share in CENTRES:
        name = f"{share:.0%} of each side, in the middle"
        ways[name] = [overlap(middle(share, f.width, f.height), t) for f, t in pairs]
    return {
        name: (float(np.mean(got)), float(np.mean(np.array(got) >= 0.5)))
        for name, got in ways.items()
    }


def propose(data: EvaluationSet) -> list[PhotoBoxes]:
    return [photo_boxes(data.source.read(q.location), name=q.location) for q in data.queries]


def milliseconds(data: EvaluationSet) -> float:
    """The median of a few photos, decoded and shrunk beforehand, on one thread."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    taken = []
    for query in data.queries[:TIMED]:
        pixels = decode(data.source.read(query.location), name=query.location)
        started = time.thread_time()
        propose_boxes(pixels)
        taken.append(time.thread_time() - started)
    cv2.setNumThreads(threads)
    return float(np.median(taken)) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="keeps the simulated shop")
    parser.add_argument("--products", type=int, default=120)
    parser.add_argument("--seed", type=int, default=31, help="of the simulated shop")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--real", type=Path, help="folder with grocery/")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    shop = args.work / f"simulated-{args.products}-{args.seed}"
    simulate(shop, products=args.products, seed=args.seed)
    data = read_evaluation_set(shop / "gallery.csv", shop / "queries.csv")
    encoder = Encoder.load(args.encoder)
    found = propose(data)
    true = [query.box for query in data.queries if query.box is not None]
    figures = {
        "queries": len(true),
        "fits": fits(found, true),
        "map": {
            "true box": score(data, true, encoder),
            "proposed": score(data, [f.box for f in found], encoder),
            "whole photo": score(data, [None] * len(true), encoder),
        },
        "ms": milliseconds(data),
        "whole_first": float(np.mean([f.box is None for f in found])),
    }
    if args.real is not None:
        tables = TABLES / "gallery.csv", TABLES / "dev_queries.csv"
        real = read_evaluation_set(*tables, root=args.real / "grocery")
        boxes = [f.box for f in propose(real)]
        figures["grocery dev"] = {
            "queries": len(boxes),
            "whole_first": float(np.mean([box is None for box in boxes])),
            "proposed": score(real, boxes, encoder),
            "whole photo": score(real, [None] * len(boxes), encoder),
        }
    if args.json:
        print(json.dumps(figures))
        return
    print(f"simulated shop of seed {args.seed}: {len(true)} photos, {figures['ms']:.1f} ms each")
    print(f"the whole photo comes first in {figures['whole_first']:.0%}")
    print(f"{'box':32} mean IoU  IoU >= 0.5")
    for name, (mean, share) in figures["fits"].items():
        print(f"{name:32} {mean:8.3f}  {share:10.1%}")
    for name, value in figures["map"].items():
        print(f"mAP@{DEPTH}, {name:14} {value:.4f}")
    for name, value in figures.get("grocery dev", {}).items():
        print(f"grocery dev, {name:14} {value:.4g}")


if __name__ == "__main__":
    main()
