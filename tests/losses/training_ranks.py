"""One rank of a small training under DDP: ``training_ranks.py RANK RANKS MEETING_FILE OUT``.

Every loss trains a network of its own on the same batches, of which each rank takes its part. What
came of it is saved to OUT: losses, weights, and all that the loss holds.
"""

from __future__ import annotations

import inspect
import sys
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from findalike.losses import (
    ArcFaceLoss,
    ContrastiveLoss,
    CrossEntropyLoss,
    EmbeddingDistillation,
    MetricLearningLoss,
    RelationalDistillation,
    SupervisedContrastiveLoss,
    XbmContrastiveLoss,
)

STEPS, ROWS, CLASSES, IMAGES, PIXELS, DIMENSION = 5, 12, 4, 25, 7, 6

# Rows of a batch for rank 0; rank 1 has the others. Losses over pairs allow unequal parts.
PARTS = {"even": 6, "uneven": 5}

MAKERS = {
    "arcface": lambda: ArcFaceLoss(CLASSES, DIMENSION, subcentres=2),
    "cross-entropy": lambda: CrossEntropyLoss(CLASSES, DIMENSION),
    "contrastive": ContrastiveLoss,
    "xbm-contrastive": lambda: XbmContrastiveLoss(DIMENSION, size=31, warm_up_batches=1),
    "xbm of the paper": lambda: XbmContrastiveLoss(DIMENSION, size=31, reduction="anchors"),
    "supervised-contrastive": lambda: SupervisedContrastiveLoss(
        across=0.5, users=torch.arange(IMAGES) % 3 == 0
    ),
    "triplet": lambda: MetricLearningLoss("triplet", CLASSES, DIMENSION, miner="batch-hard"),
    "multi-similarity": lambda: MetricLearningLoss("multi-similarity", CLASSES, DIMENSION),
    "proxy-anchor": lambda: MetricLearningLoss("proxy-anchor", CLASSES, DIMENSION),
    "soft-triple": lambda: MetricLearningLoss("soft-triple", CLASSES, DIMENSION),
    "embedding": lambda: EmbeddingDistillation(DIMENSION, PIXELS),
    "relational": RelationalDistillation,
}
DISTILLATIONS = ("embedding", "relational")
OVER_ALL_RANKS = sorted({*MAKERS} - {"arcface", "cross-entropy", "embedding"})


class Trained(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.distils = name in DISTILLATIONS
        self.network = nn.Sequential(nn.Linear(PIXELS, 9), nn.Tanh(), nn.Linear(9, DIMENSION))
        self.loss = MAKERS[name]().double()
        self.double()

    def forward(self, pictures: Tensor, labels: Tensor, ids: Tensor) -> Tensor:
        embeddings = self.network(pictures)
        loss: Tensor = (
            self.loss(embeddings, pictures) if self.distils else self.loss(embeddings, labels, ids)
        )
        return loss


def batches() -> list[tuple[Tensor, Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    made = []
    for _ in range(STEPS):
        # Few enough images that some are on both ranks at once, and come back from memory.
        ids = torch.randint(IMAGES, (ROWS,), generator=generator)
        pictures = torch.randn(ROWS, PIXELS, generator=generator, dtype=torch.float64)
        made.append((pictures, ids % CLASSES, ids))
    return made


def unsynced() -> dict[str, bool]:
    """Each rank keeps its own buffers, or equal memories would prove nothing."""
    names = inspect.signature(DistributedDataParallel).parameters
    # torch 2.15 has a new name for it and warns of the old one.
    new = "forward_sync_buffers"
    return {new if new in names else "broadcast_buffers": False}


def train(name: str, rows: slice, *, wrapped: bool, micro_batches: int = 1) -> dict:
    """Losses of each step and the state after the last."""
    bare = Trained(name)
    module = DistributedDataParallel(bare, **unsynced()) if wrapped else bare
    optimiser = torch.optim.SGD(module.parameters(), lr=0.2, momentum=0.9)
    losses = []
    for number, batch in enumerate(batches()):
        if number % micro_batches == 0:
            optimiser.zero_grad()
        last = number % micro_batches == micro_batches - 1
        # DDP exchanges gradients only at the last micro-batch of a step, as Lightning has it.
        with nullcontext() if last or not wrapped else module.no_sync():
            loss = module(*(part[rows] for part in batch))
            loss.backward()
        if last:
            optimiser.step()
        losses.append(loss.item())
    return {"losses": losses, "state": bare.state_dict()}


def main(rank: int, ranks: int, meeting: Path, out: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=meeting.as_uri(), rank=rank, world_size=ranks
    )
    found = {}
    for part, first in PARTS.items():
        rows = slice(0, first) if rank == 0 else slice(first, None)
        for name in MAKERS if part == "even" else OVER_ALL_RANKS:
            found[name, part, 1] = train(name, rows, wrapped=True)
        found["xbm-contrastive", part, 2] = train(
            "xbm-contrastive", rows, wrapped=True, micro_batches=2
        )
    torch.save({"/".join(map(str, key)): value for key, value in found.items()}, out)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
