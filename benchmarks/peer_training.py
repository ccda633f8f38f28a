"""Trains a backbone as the peers' own documentation does; the other half of ``peers.py``.

    PEERS_PYTHON benchmarks/peer_training.py JOB.json

Runs in an environment of its own, which needs no findalike: ``open-metric-learning`` wants
NumPy 1. JOB.json is written by ``peers.py``: the method, the weights to start with, photos and
labels, and how long to train. Written are the weights after the last step, and what happened.

Nothing is changed in the recipes but what the comparison fixes: backbone, data, picture size,
images of a batch, steps. The backbone's features are the embedding, as for everyone; the example
of pytorch-metric-learning puts a linear map to 64 numbers on top, random at the start, which would
be a handicap on products that were never seen.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

PER_LABEL = 4
ARCHITECTURE = "tf_efficientnet_lite0"
NORMALISED = (transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3))
Transform = Callable[[Image.Image], Tensor]


def framed(size: int) -> Transform:
    """The picture every encoder here is judged on: the whole photo on a white square."""

    def frame(image: Image.Image) -> Image.Image:
        return ImageOps.pad(image, (size, size), color="white")

    return transforms.Compose([frame, *NORMALISED])


def open_metric_learning(model: nn.Module, job: dict[str, Any]) -> list[float]:
    """The example "images" in the README of OML 4: all triplets, margin 0.1, Adam 1e-4.

    The photos are not augmented there.
    """
    import pandas as pd
    from oml import datasets
    from oml.interfaces.models import IExtractor
    from oml.losses import TripletLossWithMiner
    from oml.miners import AllTripletsMiner
    from oml.samplers import BalanceSampler

    class Extractor(IExtractor):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        @property
        def feat_dim(self) -> int:
            return int(model.num_features)

        def forward(self, x: Tensor) -> Tensor:
            features: Tensor = self.model(x)
            return features

    table = pd.DataFrame({"path": job["paths"], "label": job["labels"]})
    train = datasets.ImageLabeledDataset(table, transform=framed(job["size"]))
    extractor = Extractor().train()
    optimizer = torch.optim.Adam(extractor.parameters(), lr=1e-4)
    criterion = TripletLossWithMiner(0.1, AllTripletsMiner(), need_logs=True)
    labels = job["batch"] // PER_LABEL
    sampler = BalanceSampler(train.get_labels(), n_labels=labels, n_instances=PER_LABEL)
    losses: list[float] = []
    while True:
        for batch in DataLoader(train, batch_sampler=sampler):
            loss = criterion(extractor(batch["input_tensors"]), batch["labels"])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(loss.detach()))
            if len(losses) == job["steps"]:
                return losses


class Photos(Dataset[tuple[Tensor, int]]):
    """Photos and labels as torchvision's data sets have them."""

    def __init__(self, paths: Sequence[str], labels: Sequence[int], transform: Transform) -> None:
        self.paths = paths
        self.targets = labels
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.open(self.paths[index]).convert("RGB")
        return self.transform(image), self.targets[index]


def pytorch_metric_learning(model: nn.Module, job: dict[str, Any], *, rate: float) -> list[float]:
    """The notebook MetricLossOnly of PML 2: triplets with the multi-similarity miner.

    Its Adam moves the trunk at 1e-5, and decays weights by 1e-4.
    """
    from pytorch_metric_learning import losses, miners, samplers, trainers

    size = job["size"]
    crop = transforms.RandomResizedCrop(scale=(0.16, 1), ratio=(0.75, 1.33), size=size)
    flip = transforms.RandomHorizontalFlip(0.5)
    seen = transforms.Compose([transforms.Resize(size), crop, flip, *NORMALISED])
    train = Photos(job["paths"], job["labels"], seen)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=1e-4)
    told: list[float] = []
    trainer = trainers.MetricLossOnly(
        models={"trunk": model},
        optimizers={"trunk_optimizer": optimizer},
        batch_size=job["batch"],
        loss_funcs={"metric_loss": losses.TripletMarginLoss(margin=0.1)},
        dataset=train,
        mining_funcs={"tuple_miner": miners.MultiSimilarityMiner(epsilon=0.1)},
        iterations_per_epoch=job["steps"],
        data_device=torch.device("cpu"),
        sampler=samplers.MPerClassSampler(
            train.targets, m=PER_LABEL, length_before_new_iter=len(train)
        ),
        dataloader_num_workers=0,
        end_of_iteration_hook=lambda it: told.append(float(it.losses["metric_loss"].detach())),
    )
    trainer.train(num_epochs=1)
    return told


METHODS: dict[str, Callable[[nn.Module, dict[str, Any]], list[float]]] = {
    "oml": open_metric_learning,
    "pml": lambda model, job: pytorch_metric_learning(model, job, rate=1e-5),
    "pml-1e-4": lambda model, job: pytorch_metric_learning(model, job, rate=1e-4),
}
LIBRARIES = ("torch", "timm", "open-metric-learning", "pytorch-metric-learning", "numpy")


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(job["threads"])
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(job["seed"])
    model = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0)
    model.load_state_dict(torch.load(job["start"], weights_only=True))
    began = time.perf_counter()
    losses = METHODS[job["method"]](model, job)
    seconds = time.perf_counter() - began
    torch.save(model.state_dict(), job["weights"])
    told = {
        "seconds": seconds,
        "steps": len(losses),
        "losses": losses,
        "versions": {name: version(name) for name in LIBRARIES},
    }
    Path(job["told"]).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
