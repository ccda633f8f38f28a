"""Which ingredient of the shipped encoder gives how much: its recipe, with one left out at a time.

    python benchmarks/ablation.py --work WORK [--rows all no-levels …] [--seeds 0 1 2]

Each row is the recipe with overrides, trained and judged as `benchmarks/training.py` does; what
stands in WORK already is not trained again. The table has the mAP under each protocol, mean over
the seeds, and the difference to the whole recipe, with the mean and the standard deviation of the
difference seed by seed. ``--run`` stops the chain at a run: ``half-size`` takes two thirds of the
time.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import quality

import training
from findalike.config import Recipe, read_recipe
from findalike.pipelines.evaluation_set import EvaluationSet

RECIPE = Path(__file__).parents[1] / "recipes" / "shipped" / "encoder.yml"

ROWS: Mapping[str, tuple[str, Sequence[str]]] = {
    "all": ("the recipe", []),
    "no-training": ("whitening and levels alone", ["train.steps=1", "optimizer.lr=1e-9"]),
    "no-levels": ("the last features only", ["model.levels=[]"]),
    "no-whitening": ("no head", ["model.head=linear", "model.embedding_size=null"]),
    "plain-whitening": ("no covariance within labels", ["model.whitening.within=0"]),
    "no-distillation": ("free to leave its start", ["distillation=null"]),
    "no-arcface": ("pairs alone", ["LOSSES=supervised-contrastive"]),
    "no-pairs": ("ArcFace alone", ["LOSSES=arcface"]),
    "no-simulated": ("real photos alone", ["SETS=grocery,clothing"]),
    "no-clothing": ("photos with labels alone", ["SETS=grocery,simulated"]),
    "grocery-alone": ("no replay of other kinds of photos", ["SETS=grocery"]),
    "one-domain": (
        "pairs within and across domains alike",
        ["ACROSS=0", "sampler.both_domains=false"],
    ),
    "no-paste": ("never on clutter", ["augment.paste=null"]),
    "no-phone": ("never as a phone takes it", ["augment.phone=null"]),
    "nothing-frozen": ("all layers and their statistics trained",
                       ["train.freeze=none", "train.freeze_batch_norm=false"]),
    "no-ema": ("the last weights", ["train.ema=null"]),
}  # fmt: skip
"""Row → what it leaves, and overrides of every run; `overrides` spells those in capitals out."""


def overrides(name: str, recipe: Recipe) -> list[str]:
    """The overrides of a row, as ``--set`` takes them."""
    found = []
    for text in ROWS[name][1]:
        key, _, value = text.partition("=")
        for run in recipe.runs:
            losses = [loss.model_dump(mode="json", exclude_unset=True) for loss in run.losses]
            if key == "LOSSES":
                kept = [loss for loss in losses if loss["name"] == value] or losses
                found.append(f"{run.name}.losses={json.dumps(kept)}")
            elif key == "ACROSS":
                kept = [loss | {"across": 0.0} if "across" in loss else loss for loss in losses]
                found.append(f"{run.name}.losses={json.dumps(kept)}")
            elif key == "SETS":
                wanted = value.split(",")
                sets = [
                    entry.model_dump(mode="json", exclude_unset=True)
                    for entry in run.data.train
                    if entry.name in wanted
                ]
                found.append(f"{run.name}.data.train={json.dumps(sets)}")
            else:
                found.append(f"{run.name}.{text}")
    return found


def judge(
    name: str, run: str, seed: int, work: Path, sets: Mapping[str, EvaluationSet]
) -> dict[str, float]:
    """mAP under each protocol of one row and seed."""
    plain = read_recipe(RECIPE)
    recipe = read_recipe(RECIPE, overrides=[*overrides(name, plain), f"train.seed={seed}"])
    names = [entry.name for entry in recipe.runs]
    recipe = recipe.model_copy(update={"runs": recipe.runs[: names.index(run) + 1]})
    folder = training.train(recipe, RECIPE.parent, work / name / f"seed-{seed}")[-1]
    return training.judge(training.export(folder, RECIPE.parent), sets)


def print_table(figures: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """One line a row, and the differences to the first below it."""
    whole = next(iter(figures.values()))
    protocols = list(whole[0])
    print("\n" + "row".ljust(18) + "".join(name.rjust(24) for name in protocols))
    for row, seeds in figures.items():
        cells = []
        for protocol in protocols:
            apart = [one[protocol] - all_[protocol] for one, all_ in zip(seeds, whole, strict=True)]
            mean, spread = np.mean(apart), np.std(apart, ddof=len(apart) > 1)
            value = np.mean([one[protocol] for one in seeds])
            cells.append(f"{value:.3f} ({mean:+.3f} ± {spread:.3f})".rjust(24))
        print(row.ljust(18) + "".join(cells))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--work", type=Path, required=True, help="keeps runs and exported encoders")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--run", choices=["half-size", "shipped"], default="shipped")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--protocols", nargs="+", choices=quality.PROTOCOLS,
                        default=list(quality.PROTOCOLS))  # fmt: skip
    parser.add_argument("--json", type=Path, help="write every figure here")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    sets: dict[str, EvaluationSet] = {}
    for family in args.protocols:
        sets |= quality.read(family, args.data, args.work, smoke=False)
    rows = ["all", *(row for row in args.rows if row != "all")]
    figures: dict[str, list[dict[str, float]]] = {}
    for row in rows:
        print(f"{row}: {ROWS[row][0]}", flush=True)
        figures[row] = [judge(row, args.run, seed, args.work, sets) for seed in args.seeds]
        print_table(figures)
    if args.json is not None:
        described = {"seeds": args.seeds, "run": args.run, "map": figures}
        args.json.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
