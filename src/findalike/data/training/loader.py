"""The loaders of a run: worker processes that make batches of training pictures."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence

import torch
from torch.utils.data import DataLoader

from findalike.data.training.batch_sampler import InOrder, PlannedBatches
from findalike.data.training.dataset import Sample, TrainingPictures
from findalike.data.training.samplers import BatchPlan

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Pixels uint8 (n, 3, size, size), labels int64 (n,), image ids int64 (n,)."""


def training_loader(
    pictures: TrainingPictures, plan: BatchPlan, *, workers: int = 0, pin: bool = False
) -> DataLoader[Sample]:
    """Batches of an epoch; ``loader.batch_sampler.set_epoch`` says which, and from where.

    The batches are the same for any number of workers.

    Args:
        pictures: the pictures.
        plan: this device's batches.
        workers: processes that read; 0 reads in this one.
        pin: lock the batches in memory, for a GPU that copies them.
    """
    return _loader(pictures, PlannedBatches(plan), workers, pin)


def validation_loader(
    pictures: TrainingPictures,
    *,
    batch_size: int,
    rank: int = 0,
    world: int = 1,
    workers: int = 0,
    pin: bool = False,
) -> DataLoader[Sample]:
    """The images with ``split=val`` in order, for the validation loss.

    Args:
        pictures: without augmentation.
        batch_size: of one device.
        rank: number of this device; each takes every ``world``-th image.
        world: how many devices there are.
        workers: processes that read.
        pin: lock the batches in memory.
    """
    sampler = InOrder(pictures.mixture, batch_size=batch_size, rank=rank, world=world)
    return _loader(pictures, sampler, workers, pin)


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples as a batch."""
    return (
        torch.stack([sample.pixels for sample in samples]),
        torch.tensor([sample.label for sample in samples], dtype=torch.int64),
        torch.tensor([sample.image_id for sample in samples], dtype=torch.int64),
    )


def _loader(
    pictures: TrainingPictures, sampler: PlannedBatches | InOrder, workers: int, pin: bool
) -> DataLoader[Sample]:
    # Forked workers share the cache of pictures; where there is no fork, each has its own.
    forks = workers > 0 and sys.platform == "linux"
    return DataLoader(
        pictures,
        batch_sampler=sampler,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=pin,
        persistent_workers=workers > 0,
        worker_init_fn=_one_thread if workers else None,
        multiprocessing_context=multiprocessing.get_context("fork") if forks else None,
    )


def _one_thread(number: int) -> None:
    """There are as many workers as wanted; their libraries' own threads would be in the way."""
    import cv2  # noqa: PLC0415 - before this, no worker is there to need it

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
