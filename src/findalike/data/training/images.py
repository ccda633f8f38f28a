"""What a training learns from: images with their labels, and the sets they come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from findalike.types import Box, Domain, Refusal

Split = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """One photo and what is known of it.

    Attributes:
        location: path below the root of its set.
        label: the product it shows, as its source names it; "" where the source does not say.
        box: the product in pixels of the upright photo; None for the whole photo.
        domain: who took it.
        group: what the label belongs to, such as its category; None if unknown.
        split: ``val`` keeps it out of training, for the validation loss.
    """

    location: str
    label: str
    box: Box | None = None
    domain: Domain = "seller"
    group: str | None = None
    split: Split = "train"


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """One data set as it was read.

    Attributes:
        name: of the set.
        root: folder that the locations are below.
        images: those taken, of both splits.
        labels: ``product`` where images of one label are alike; ``image`` where each photo is a
            class of its own.
        views: how often a photo counts, 1 for ``product``.
        share: part of a batch relative to other sets; None for its part of all images.
        refused: rows that could not be taken, and why.
        rows: how many rows the source has.
        duplicates: rows that repeated an earlier one.
        unwanted: rows that the conditions left out.
        rare_labels: labels left out for having too few images, and
        rare_images: the images they had.
    """

    name: str
    root: Path
    images: Sequence[TrainingImage]
    labels: Literal["product", "image"] = "product"
    views: int = 1
    share: float | None = None
    refused: Sequence[Refusal] = ()
    rows: int = 0
    duplicates: int = 0
    unwanted: int = 0
    rare_labels: int = 0
    rare_images: int = 0
