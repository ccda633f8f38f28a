"""Whether the chances that an encoder's calibration states come true on other photos.

    python benchmarks/calibration.py --work WORK [--encoder BUNDLE] [--seed 31] [--real DATA]

Each photo is searched with twice, with its product (and its variants) in the gallery and without.
For each set: the expected calibration error of the chance that the nearest product is the right
one; how often it was right among those called same, very similar, similar and unlike; how many
searches with the right product first were wrongly told that there is nothing like it, and how many
for absent products were rightly told so. With ``--real`` also grocery/unseen, which nothing was
fitted to.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from findalike.data.simulate import simulate
from findalike.evaluation import calibration_error
from findalike.models.calibration import Calibration
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER
from findalike.pipelines.calibrate import FirstHits, first_hits
from findalike.pipelines.evaluation_set import EvaluationSet, read_evaluation_set

WORDS = ("same", "very similar", "similar", "unlike")


def figures(hits: FirstHits, calibration: Calibration) -> dict[str, Any]:
    """What the calibration says of searches, beside what was so."""
    chances = np.array([calibration.chance(rise, typical=0.0) for rise in hits.rises])
    words = np.array([calibration.likeness_of(rise, typical=0.0) for rise in hits.rises])
    return {
        "photos": len(hits.rises) // 2,
        "error": calibration_error(chances, hits.right),
        "stated": float(chances.mean()),
        "right": float(hits.right.mean()),
        "words": {
            word: (int((words == word).sum()), float(hits.right[words == word].mean()))
            for word in WORDS
            if (words == word).any()
        },
        "wrongly_nothing": float((words[hits.right] == "unlike").mean()),
        "rightly_nothing": float((words[~hits.present] == "unlike").mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="keeps the simulated shop")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--products", type=int, default=120)
    parser.add_argument("--seed", type=int, default=31, help="of the simulated shop")
    parser.add_argument("--real", type=Path, help="folder with grocery/")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    encoder = Encoder.load(args.encoder)
    calibration = encoder.bundle.manifest.calibration
    if calibration is None:
        raise SystemExit(f"{encoder.name} has no calibration: findalike models calibrate")
    shop = args.work / f"simulated-{args.products}-{args.seed}"
    simulate(shop, products=args.products, seed=args.seed)
    sets: dict[str, EvaluationSet] = {
        f"simulated, seed {args.seed}": read_evaluation_set(
            shop / "gallery.csv", shop / "queries.csv"
        )
    }
    if args.real is not None:
        grocery = args.real / "grocery"
        tables = grocery / "gallery.csv", grocery / "queries.csv"
        sets["grocery/unseen"] = read_evaluation_set(*tables, where=["split=unseen"])
    found = {name: figures(first_hits(data, encoder), calibration) for name, data in sets.items()}
    if args.json:
        print(json.dumps(found))
        return
    for name, said in found.items():
        print(f"\n{name}: {said['photos']:,} photos, each with its product and without")
        print(
            f"expected calibration error {said['error']:.3f}: {said['stated']:.3f} stated on "
            f"average, {said['right']:.3f} right"
        )
        for word, (count, right) in said["words"].items():
            print(f"  {word:13} {count:6,} searches, {right:.1%} right")
        print(
            f"told that there is nothing like it: {said['wrongly_nothing']:.1%} of those with the "
            f"right product first, {said['rightly_nothing']:.1%} of those whose product is absent"
        )


if __name__ == "__main__":
    main()
