"""A training step of the shipped encoder's first run, against the same step gone through plainly.

    python benchmarks/training_step.py [--rounds 5] [--threads 2] [--batch 64] [--json]

Both take a batch through the network with its frozen stages, through its frozen start as the
teacher, and the gradient of the distillation back:

graph       by `FeatureGraph`: frozen batch normalisation folded into the convolutions, and the
            frozen stages computed once for both networks, as `findalike train` does it;
plain       layer by layer, batch normalisation in evaluation mode, both networks in full.

Losses by label, the optimizer and reading pictures are the same in both, and left out. The two take
turns in one process, so that a busy machine slows both; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from findalike.config import read_recipe
from findalike.models.feature_graph import FeatureGraph
from findalike.models.network import build_network

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "shipped" / "encoder.yml"


def steps(batch: int) -> tuple[dict[str, Callable[[], Tensor]], int]:
    """The two steps, each of which returns the student's features, and the side of a picture."""
    run = read_recipe(RECIPE).runs[0]
    network = build_network(run.model, run.input, start="random")
    teacher = copy.deepcopy(network).eval().requires_grad_(False)
    if not isinstance(run.train.freeze, int):
        raise SystemExit(f"{RECIPE} freezes no stages")
    network.freeze(run.train.freeze)
    network.freeze_batch_norm()
    for one in (network, teacher):
        one.to(memory_format=torch.channels_last)
    graph = FeatureGraph.of(network.train())
    twin = graph.twin(teacher) if graph is not None else None
    if graph is None or twin is None:
        raise SystemExit("the recipe's network has no graph")
    size = run.input.size
    pixels = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
    pictures = network.normalised(pixels).contiguous(memory_format=torch.channels_last)

    def learn(features: Tensor, taught: Tensor) -> Tensor:
        network.zero_grad()
        away = features.mean() - nn.functional.cosine_similarity(features, taught).mean()
        away.backward()
        return features.detach()

    def by_graph() -> Tensor:
        found = graph.first(pictures)
        with torch.no_grad():
            taught = twin.second(found)
        return learn(graph.second(found), taught)

    def plain() -> Tensor:
        with torch.no_grad():
            taught = teacher.features(pictures)
        return learn(network.features(pictures), taught)

    return {"graph": by_graph, "plain": plain}, size


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0 for what torch takes by itself")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    both, size = steps(args.batch)
    # The first steps also load kernels; they show that both compute the same.
    mine, expected = (step() for step in both.values())
    if (mine - expected).norm() > 1e-3 * expected.norm():
        raise SystemExit("the two ways differ")
    seconds: dict[str, list[float]] = {name: [] for name in both}
    for _ in range(args.rounds):
        for name, step in both.items():
            start = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - start)
    rates = {name: args.batch / statistics.median(times) for name, times in seconds.items()}
    found = {
        "batch": args.batch,
        "size": size,
        "threads": torch.get_num_threads(),
        "images_per_s": rates,
        "ratio": rates["graph"] / rates["plain"],
    }
    if args.json:
        print(json.dumps(found))
        return
    print(f"batch {args.batch} of {size} px, {found['threads']} threads, {args.rounds} rounds")
    for name, rate in rates.items():
        print(f"{name}: {rate:.1f} images/s")
    print(f"graph / plain: {found['ratio']:.2f}")


if __name__ == "__main__":
    main()
