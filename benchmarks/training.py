"""How well the encoders of a recipe find: every run of the chain, over several seeds.

    python benchmarks/training.py recipes/grocery/chain.yml --work WORK [--seeds 0 1 2]

Trains the recipe once a seed (`findalike train`, with ``train.seed`` set), exports the final
weights of each run, and judges the exported encoder under the protocols of `benchmarks/quality.py`:
mean over the seeds, their standard deviation, and each seed's value. What stands in WORK already is
not trained again, so a stopped benchmark goes on. ``--set`` overrides settings of the recipe, for
ablations. Runs that have seen the garments of apparel/view are not judged by them.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import quality

from findalike.config import Recipe, read_recipe, resolve_path
from findalike.models.encoder import Encoder
from findalike.pipelines.evaluate import judge_rankings
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.pipelines.export import export_run
from findalike.pipelines.ranking import rank_by_embedding
from findalike.pipelines.train import train_recipe
from findalike.training.run_folder import read_run_state

Figures = dict[str, dict[str, list[float]]]
"""Run → protocol → mAP of each seed."""


def train(recipe: Recipe, base: Path, work: Path) -> list[Path]:
    """The run folders of a recipe, trained."""
    outcomes = train_recipe(recipe, base=base, out=work, resume=True, say=print)
    return [outcome.folder for outcome in outcomes]


def export(run: Path, base: Path) -> Path:
    """The bundle of a run as it is trained now; one whose settings changed has another."""
    state = read_run_state(run)
    assert state is not None
    bundle = run / f"bundle-{state.fingerprint[:12]}"
    if not (bundle / "encoder.json").is_file():
        export_run(run, bundle, precision="fp32", name=f"{run.parent.name}-{run.name}", base=base)
    return bundle


def judge(bundle: Path, sets: Mapping[str, EvaluationSet]) -> dict[str, float]:
    """The mAP under each protocol; the first set of a family has the queries of the others."""
    encoder = Encoder.load(bundle)
    return {
        name: judge_rankings(
            data, rank_by_embedding(data, encoder, k=quality.DEPTH), k=quality.DEPTH
        ).figures.map_at_k
        for name, data in sets.items()
    }


def trained_on(photos: Path, recipe: Recipe, run: str, base: Path) -> bool:
    """Whether a run of a recipe, or one before it, trains on what lies in a folder."""
    names = [entry.name for entry in recipe.runs]
    paths = [
        resolve_path(data.path, base=base).resolve()
        for entry in recipe.runs[: names.index(run) + 1]
        for data in entry.data.train
    ]
    return any(path.is_relative_to(photos.resolve()) for path in paths)


def print_table(figures: Figures, seeds: Sequence[int]) -> None:
    protocols = list(dict.fromkeys(name for found in figures.values() for name in found))
    print(f"\nmAP@{quality.DEPTH}, mean over the seeds {list(seeds)} and standard deviation")
    print("run".ljust(24) + "".join(name.rjust(20) for name in protocols))
    for run, found in figures.items():
        cells = [
            f"{np.mean(v):.4f} ± {np.std(v, ddof=len(v) > 1):.4f}"
            if (v := found.get(name))
            else "trained on them"
            for name in protocols
        ]
        print(run.ljust(24) + "".join(cell.rjust(20) for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--work", type=Path, required=True, help="keeps runs and exported encoders")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", help="names of the runs to judge; default: all")
    parser.add_argument("--protocols", nargs="+", choices=quality.PROTOCOLS,
                        default=list(quality.PROTOCOLS))  # fmt: skip
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--smoke", action="store_true", help="a dozen queries of each protocol")
    parser.add_argument("--json", type=Path, help="write every figure here")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    sets: dict[str, EvaluationSet] = {}
    for family in args.protocols:
        sets |= quality.read(family, args.data, args.work, smoke=args.smoke)
    figures: Figures = {}
    base = args.recipe.parent
    for seed in args.seeds:
        recipe = read_recipe(args.recipe, overrides=[*args.overrides, f"train.seed={seed}"])
        for folder in train(recipe, base, args.work / f"seed-{seed}"):
            if args.only and folder.name not in args.only:
                continue
            seen = trained_on(args.data / "apparel", recipe, folder.name, base)
            fair = {n: s for n, s in sets.items() if not (seen and n.startswith("apparel"))}
            for name, value in judge(export(folder, base), fair).items():
                figures.setdefault(folder.name, {}).setdefault(name, []).append(value)
                print(f"seed {seed}  {folder.name:20} {name:16} {value:.4f}", flush=True)
    print_table(figures, args.seeds)
    if args.json is not None:
        described = {"seeds": args.seeds, "overrides": args.overrides, "map": figures}
        args.json.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
