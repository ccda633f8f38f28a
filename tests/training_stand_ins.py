"""A run small enough to be trained in a second: pictures of coloured squares, a tiny network."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from findalike.config import Run
from findalike.errors import RecipeError
from findalike.losses import ArcFaceLoss, ContrastiveLoss, CrossEntropyLoss, XbmContrastiveLoss
from findalike.models.network import EmbeddingNetwork, build_network
from findalike.training import Feed, FitResult, RunFolder, fit

CLASSES = 6
SIZE = 32
IMAGES = 48
DIMENSION = 8

BASE: dict[str, Any] = {
    "name": "tiny",
    "start": "random",
    "model": {"backbone": "timm/test_resnet", "embedding_size": DIMENSION, "dropout": 0.2},
    "input": {"size": SIZE},
    "data": {
        "train": [{"name": "squares", "path": "nowhere.csv"}],
        "validation": [{"name": "squares", "gallery": "nowhere.csv", "queries": "nowhere.csv"}],
    },
    "losses": [{"name": "arcface"}],
    "optimizer": {"lr": 0.003},
    "train": {"epochs": 2, "batch_size": 8, "seed": 3},
    "logging": {"every_steps": 1},
}


def make_run(**changes: Any) -> Run:
    """The tiny run; each argument is a section whose keys are merged into it, or a value."""
    content = json.loads(json.dumps(BASE))
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(content.get(key), dict):
            content[key] |= value
        else:
            content[key] = value
    return Run.model_validate_json(json.dumps(content))


class Squares(Dataset[tuple[Tensor, int, int]]):
    """Entry (image id, seed) → noise in the colour of its label."""

    def __getitem__(self, draw: Any) -> tuple[Tensor, int, int]:
        image_id, seed = draw
        label = image_id % CLASSES
        colour = np.random.default_rng(label).integers(40, 216, (3, 1, 1))
        noise = np.random.default_rng((image_id, seed)).integers(-40, 40, (3, SIZE, SIZE))
        return torch.from_numpy((colour + noise).astype(np.uint8)), label, image_id


class SquaresPlan:
    """Every image once an epoch, in an order that follows from the epoch alone."""

    def __init__(self, rank: int, world: int, *, batch_size: int) -> None:
        self.rank, self.world, self.batch_size = rank, world, batch_size
        self.length = IMAGES // (batch_size * world)

    def iterate(self, epoch: int, *, start: int = 0) -> Iterator[list[tuple[int, int]]]:
        order = np.random.default_rng(epoch).permutation(IMAGES)
        for number in range(start, self.length):
            first = (number * self.world + self.rank) * self.batch_size
            yield [(int(i), epoch) for i in order[first : first + self.batch_size]]


def make_feed(run: Run, *, validation: bool = False) -> Feed:
    plan = functools.partial(SquaresPlan, batch_size=run.train.batch_size)
    if not validation:
        return Feed(Squares(), plan)
    batches = [[(IMAGES + i, 0) for i in range(start, start + 6)] for start in (0, 6)]
    return Feed(Squares(), plan, Squares(), batches)


def make_network(run: Run) -> EmbeddingNetwork:
    return build_network(run.model, run.input, start="random", seed=run.train.seed)


def make_losses(run: Run) -> nn.ModuleList:
    torch.manual_seed(run.train.seed)
    return nn.ModuleList(_loss(run, section.name) for section in run.losses)


def _loss(run: Run, name: str) -> nn.Module:
    dimension = run.model.embedding_size or 64
    if name == "arcface":
        return ArcFaceLoss(CLASSES, dimension)
    if name == "cross-entropy":
        return CrossEntropyLoss(CLASSES, dimension)
    if run.memory.size:
        return XbmContrastiveLoss(
            dimension,
            size=run.memory.size,
            warm_up_batches=run.memory.warm_up_steps * run.train.accumulate,
        )
    return ContrastiveLoss()


def agreement(embed: Any) -> dict[str, float]:
    """A stand-in for a validation set: how often the nearest picture has the same label."""
    pictures = [Squares()[(1000 + i, 0)] for i in range(24)]
    pixels = np.stack([p.permute(1, 2, 0).numpy() for p, _, _ in pictures])
    labels = np.array([label for _, label, _ in pictures])
    rows = embed(pixels)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -2.0)
    value = float((labels[cosines.argmax(axis=1)] == labels).mean())
    return {"squares/map": value, "map": value}


def train(run: Run, path: Path, **changes: Any) -> FitResult:
    """Train ``run`` in the folder ``path``, or go on with it."""
    options: dict[str, Any] = {"validate": agreement, "devices": "cpu"} | changes
    feed = options.pop("feed", None) or make_feed(run)
    network = options.pop("network", None) or make_network(run)
    losses = options.pop("losses", None) or make_losses(run)
    with RunFolder.open(path, run, fingerprint="f" * 64, start="random") as folder:
        return fit(run, network=network, losses=losses, feed=feed, folder=folder, **options)


def train_alone(run: Run, path: Path, devices: str = "cpu") -> None:
    """The work of a process that tests may kill."""
    torch.set_num_threads(1)
    train(run, path, devices=devices)


class BreaksOff:
    """Judges a network, but raises the second time, as long as there is a file."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag
        self.calls = 0

    def __call__(self, embed: Any) -> dict[str, float]:
        self.calls += 1
        if self.calls == 2 and self.flag.exists():
            raise RecipeError("the disk fell off")
        return agreement(embed)
