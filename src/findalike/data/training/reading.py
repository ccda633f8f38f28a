"""Reading a training set: rows to images that are there, with a report of what was not taken."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from findalike.config.data import DataSection, TrainingData
from findalike.config.paths import resolve_path
from findalike.data.catalogue.locations import is_url
from findalike.data.near_names import near_name
from findalike.data.training.conditions import Conditions
from findalike.data.training.images import TrainingImage, TrainingSet
from findalike.data.training.mixture import Mixture
from findalike.data.training.sources import (
    SourceRow,
    catalogue_rows,
    challenge_rows,
    table_rows,
)
from findalike.errors import TrainingDataError
from findalike.types import Box, Refusal

_PROGRESS_ROWS = 1000
_HINTS = 20


def read_mixture(
    section: DataSection, *, base: Path, progress: Callable[[str, int], None] | None = None
) -> Mixture:
    """Read every training set of a run; see `read_training_set`.

    Raises:
        TrainingDataError: also if ``section.classes`` is given and is not what was found.
    """
    sets = [read_training_set(entry, base=base, progress=progress) for entry in section.train]
    return Mixture(sets, classes=section.classes)


def read_training_set(
    entry: TrainingData, *, base: Path, progress: Callable[[str, int], None] | None = None
) -> TrainingSet:
    """Read one training set, and look whether its files are there.

    Rows that cannot be used are in ``refused`` of the result, those that repeat an earlier one are
    counted. No picture is opened: what cannot be decoded is found when it is read.

    Args:
        entry: of the recipe.
        base: folder of the recipe.
        progress: called now and then with the set's name and the rows read.

    Raises:
        TrainingDataError: if no image is left, or a column or folder is not there.
        CatalogueError: if the source cannot be read as a whole.
        RecipeError: if the path cannot be resolved.
    """
    path = resolve_path(entry.path, base=base)
    default = path if path.is_dir() else path.parent
    root = default if entry.root is None else resolve_path(entry.root, base=base)
    if not root.is_dir():
        raise TrainingDataError(
            f"data.train {entry.name!r}: there is no folder {root}: correct path or root"
        )
    if entry.labels == "image" and entry.min_images > 1:
        raise TrainingDataError(
            f"data.train {entry.name!r}: min_images is {entry.min_images}, and with labels: image "
            f"every label has one photo: leave min_images out"
        )
    conditions = Conditions(entry.where, where=f"data.train {entry.name!r}, where")
    told = None if entry.root is None else root
    rows = _rows(entry, path, conditions, told)
    taken = _Taken(root, needs_label=entry.labels == "product")
    for item in rows:
        taken.add(item)
        if progress is not None and taken.rows % _PROGRESS_ROWS == 0:
            progress(entry.name, taken.rows)
    images, rare_labels, rare_images = taken.images, 0, 0
    if entry.labels == "product":
        counts = Counter(image.label for image in images if image.split == "train")
        rare = {image.label for image in images if counts[image.label] < entry.min_images}
        kept = [image for image in images if image.label not in rare]
        rare_labels, rare_images = len(rare), len(images) - len(kept)
        images = kept
    if not any(image.split == "train" for image in images):
        raise TrainingDataError(_nothing_left(entry, path, conditions, taken, rare_labels))
    return TrainingSet(
        name=entry.name,
        root=root,
        images=tuple(images),
        labels=entry.labels,
        views=entry.views if entry.labels == "image" else 1,
        share=entry.share,
        refused=tuple(taken.refused),
        rows=taken.rows,
        duplicates=taken.duplicates,
        unwanted=taken.unwanted,
        rare_labels=rare_labels,
        rare_images=rare_images,
    )


def _rows(
    entry: TrainingData, path: Path, conditions: Conditions, root: Path | None
) -> Iterator[SourceRow | Refusal]:
    if entry.reader == "table":
        return table_rows(path, conditions, domain=entry.domain)
    if entry.reader == "challenge":
        return challenge_rows(path, conditions, root=root)
    return catalogue_rows(path, conditions, root=root)


@dataclass(slots=True)
class _Taken:
    """What was taken so far, and why the rest was not."""

    root: Path
    needs_label: bool
    images: list[TrainingImage] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    rows: int = 0
    duplicates: int = 0
    unwanted: int = 0
    missing: int = 0
    _seen: dict[tuple[str, Box | None], tuple[str, int]] = field(default_factory=dict)

    def add(self, item: SourceRow | Refusal) -> None:
        self.rows += 1
        if isinstance(item, Refusal):
            self.refused.append(item)
            return
        if not item.wanted:
            self.unwanted += 1
            return
        image = item.image
        key = (image.location, image.box)
        if earlier := self._seen.get(key):
            if earlier[0] == image.label:
                self.duplicates += 1
            else:
                reason = f"row {earlier[1]} has this picture with the label {earlier[0]!r}"
                self._refuse(item, "label", image.label, reason, "one label a picture")
            return
        if self.needs_label and not image.label:
            self._refuse(item, "label", "", "no label", "any text or number, or labels: image")
        elif fault := self._fault(image.location):
            self._refuse(item, "image", image.location, *fault)
        else:
            self._seen[key] = (image.label, item.row)
            self.images.append(image)

    def _fault(self, location: str) -> tuple[str, str] | None:
        """Why a file cannot be trained on, and what is allowed, as far as its path tells."""
        allowed = f"a file below {self.root}"
        if is_url(location):
            return "a URL", f"{allowed}: load the pictures down first"
        if location.startswith("/") or ".." in location.split("/"):
            return "a path that leaves the root", allowed
        # Not pathlib, which would take a third of the time of reading a large table.
        if os.path.isfile(f"{self.root}/{location}"):  # noqa: PTH113
            return None
        self.missing += 1
        parts = PurePosixPath(location).parts
        hint = near_name(self.root, parts) if self.missing <= _HINTS else None
        return "there is no such file", f"did you mean {hint!r}?" if hint else allowed

    def _refuse(self, item: SourceRow, column: str, value: str, reason: str, allowed: str) -> None:
        shown = value if len(value) <= 200 else value[:199] + "…"
        self.refused.append(
            Refusal(
                file=item.file,
                row=item.row,
                item=item.image.location[:200],
                column=column,
                value=shown,
                reason=reason,
                allowed=allowed,
            )
        )


def _nothing_left(
    entry: TrainingData, path: Path, conditions: Conditions, taken: _Taken, rare: int
) -> str:
    """Why there is nothing to train on, in words."""
    start = f"data.train {entry.name!r}: none of the {taken.rows:,} rows of {path} can be used"
    reasons = []
    if taken.unwanted:
        reasons.append(f"{taken.unwanted:,} have not {conditions}")
    if rare:
        reasons.append(f"{rare:,} labels have fewer than {entry.min_images} images")
    if taken.refused:
        first = taken.refused[0]
        reasons.append(
            f"{len(taken.refused):,} are refused, such as row {first.row}: {first.column} "
            f"{first.value!r}: {first.reason}; allowed is {first.allowed}"
        )
    if taken.images and not reasons:
        reasons.append("every row has split=val")
    return f"{start}: {'; '.join(reasons) or 'it has no rows'}"
