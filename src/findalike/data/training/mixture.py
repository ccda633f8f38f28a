"""Several training sets as one: numbers for images and labels, never mixing their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from findalike.data.training.images import TrainingImage, TrainingSet
from findalike.errors import TrainingDataError

Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SetSummary:
    """What a plan says of one training set.

    Attributes:
        images: photos trained on; ``val_images`` those for the validation loss.
        user_images: of the photos trained on, those that shoppers took.
        classes: its labels.
        groups: how many groups its labels are in, 0 if unknown.
        smallest, largest: images of the rarest and of the most frequent label.
        share: its part of a batch, 0 to 1.
        refused, duplicates, unwanted, rare_labels: see `TrainingSet`.
        val_strangers: photos with ``split=val`` whose label is not trained on, which no loss knows.
    """

    name: str
    root: Path
    images: int
    val_images: int
    user_images: int
    classes: int
    groups: int
    smallest: int
    largest: int
    share: float
    refused: int
    duplicates: int
    unwanted: int
    rare_labels: int
    val_strangers: int


@dataclass(frozen=True, slots=True)
class MixtureSummary:
    """What a plan says of the training data.

    Attributes:
        images: an epoch's images; with ``labels: image`` each photo counts once a view.
        val_images: those of the validation loss.
        classes: labels of all sets together.
    """

    sets: tuple[SetSummary, ...]
    images: int
    val_images: int
    classes: int


class Mixture:
    """Training sets side by side.

    Images have the ids 0 to ``size - 1`` for training and ``size`` to ``size + val_size - 1`` for
    the validation loss. With ``labels: image`` every view of a photo has an id of its own, so that
    a loss takes two views for a pair and no view for its own partner. Photos are numbered apart
    from that, once each.

    Attributes:
        sets: in the order of the recipe.
        size: images to train on.
        val_size: images of the validation loss.
        classes: labels in all.
        counts: int64 (classes,), training images of each label.
        labels: int64 (size + val_size,), the label of each image.
        groups: int64 (classes,), the group of each label, numbered over all sets; -1 if unknown.
        users: bool (size + val_size,), whether a shopper took it.
        set_of: int64 (size + val_size,), position of its set in ``sets``.
        photos: int64 (size + val_size,), number of its photo.
        photo_count: how many photos there are.
        shares: float64 (sets,), part of a batch that each set makes, summing to 1.
        stated_shares: whether any set states its share.
    """

    def __init__(self, sets: Sequence[TrainingSet], *, classes: int | None = None) -> None:
        """Number everything.

        Args:
            classes: how many labels there should be; not checked if None.

        Raises:
            TrainingDataError: if there are more or fewer labels, or only one.
        """
        self.sets = tuple(sets)
        numbering = _Numbering()
        for position, entry in enumerate(self.sets):
            numbering.train(position, entry)
        self.size = len(numbering.labels)
        for position, entry in enumerate(self.sets):
            numbering.validation(position, entry)
        self.val_size = len(numbering.labels) - self.size
        self._images = numbering.images
        self._names = numbering.names
        self.classes = len(numbering.names)
        self.labels: Integers = np.array(numbering.labels, np.int64)
        self.set_of: Integers = np.array(numbering.set_of, np.int64)
        self.photos: Integers = np.array(numbering.photos, np.int64)
        self.photo_count = len(numbering.images)
        domains = np.array([image.domain == "user" for _, image in self._images], np.bool_)
        self.users: NDArray[np.bool_] = domains[self.photos]
        self.groups: Integers = np.array(numbering.groups, np.int64)
        self.counts: Integers = np.bincount(
            self.labels[: self.size], minlength=self.classes
        ).astype(np.int64)
        self._strangers = numbering.strangers
        sizes = np.bincount(self.set_of[: self.size], minlength=len(self.sets))
        self.shares = _shares(self.sets, sizes / max(self.size, 1))
        self.stated_shares = any(entry.share is not None for entry in self.sets)
        if classes is not None and classes != self.classes:
            parts = ", ".join(f"{s.name} {s.classes:,}" for s in self.describe().sets)
            raise TrainingDataError(
                f"data.classes is {classes:,}, and {self.classes:,} labels were found ({parts}): "
                f"correct it, or leave it out"
            )
        if self.classes < 2:
            raise TrainingDataError(
                "the training data has one label, and nothing can be told from it: add data, or "
                "use labels: image"
            )

    @property
    def val_ids(self) -> range:
        """Ids of the images of the validation loss."""
        return range(self.size, self.size + self.val_size)

    def image(self, image_id: int) -> TrainingImage:
        """The image of an id."""
        return self._images[int(self.photos[image_id])][1]

    def photo(self, number: int) -> tuple[int, TrainingImage]:
        """A photo: the position of its set, and what is known of it."""
        return self._images[number]

    def label_name(self, label: int) -> tuple[str, str]:
        """The set's name and the label as the set has it."""
        return self._names[label]

    def describe(self) -> MixtureSummary:
        """The figures of a plan."""
        summaries = tuple(self._summary(position) for position in range(len(self.sets)))
        return MixtureSummary(summaries, self.size, self.val_size, self.classes)

    def _summary(self, position: int) -> SetSummary:
        entry = self.sets[position]
        inside = self.set_of[: self.size] == position
        labels = np.unique(self.labels[: self.size][inside])
        counts = self.counts[labels]
        groups = self.groups[labels]
        photos = np.unique(self.photos[: self.size][inside])
        users = [self._images[number][1].domain == "user" for number in photos.tolist()]
        return SetSummary(
            name=entry.name,
            root=entry.root,
            images=len(photos),
            val_images=int((self.set_of[self.size :] == position).sum()),
            user_images=sum(users),
            classes=len(labels),
            groups=len(np.unique(groups[groups >= 0])),
            smallest=int(counts.min(initial=self.size)),
            largest=int(counts.max(initial=0)),
            share=float(self.shares[position]),
            refused=len(entry.refused),
            duplicates=entry.duplicates,
            unwanted=entry.unwanted,
            rare_labels=entry.rare_labels,
            val_strangers=self._strangers.get(position, 0),
        )


class _Numbering:
    """Lists that grow as the sets are walked through."""

    def __init__(self) -> None:
        self.images: list[tuple[int, TrainingImage]] = []
        self.labels: list[int] = []
        self.set_of: list[int] = []
        self.photos: list[int] = []
        self.names: list[tuple[str, str]] = []
        self.groups: list[int] = []
        self.strangers: dict[int, int] = {}
        self._classes: dict[tuple[int, str], int] = {}
        self._groups: dict[tuple[int, str], int] = {}

    def train(self, position: int, entry: TrainingSet) -> None:
        for number, image in enumerate(entry.images):
            if image.split != "train":
                continue
            # A photo that is its own class needs a name that no other photo has.
            own = entry.labels == "image"
            key = (position, f"{image.location}#{number}" if own else image.label)
            label = self._classes.get(key)
            if label is None:
                label = self._classes[key] = len(self.names)
                self.names.append((entry.name, image.location if own else image.label))
                self.groups.append(self._group(position, image.group))
            photo = len(self.images)
            self.images.append((position, image))
            for _ in range(entry.views):
                self._add(label, position, photo)

    def validation(self, position: int, entry: TrainingSet) -> None:
        for image in entry.images:
            if image.split != "val":
                continue
            label = self._classes.get((position, image.label)) if entry.labels != "image" else None
            if label is None:
                self.strangers[position] = self.strangers.get(position, 0) + 1
                continue
            self.images.append((position, image))
            self._add(label, position, len(self.images) - 1)

    def _add(self, label: int, position: int, photo: int) -> None:
        self.labels.append(label)
        self.set_of.append(position)
        self.photos.append(photo)

    def _group(self, position: int, group: str | None) -> int:
        if group is None:
            return -1
        return self._groups.setdefault((position, group), len(self._groups))


def _shares(sets: Sequence[TrainingSet], parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stated shares, and its part of all images for each set that states none; summing to 1."""
    stated = [part if s.share is None else s.share for s, part in zip(sets, parts, strict=True)]
    shares = np.array(stated, np.float64)
    return np.asarray(shares / shares.sum())
