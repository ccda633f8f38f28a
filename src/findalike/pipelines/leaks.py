"""Before a training: does it share pictures or products with what it will be judged by?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from findalike.data.training.mixture import Mixture
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.types import Embeddings, InputSpec, Pixels

Kind = Literal["image", "near-image", "product", "distractor"]


@dataclass(frozen=True, slots=True)
class Example:
    """One thing that training and validation share.

    Attributes:
        training: the training image's file.
        validation: the file of the query or gallery image.
        detail: how alike they are, in words.
    """

    training: Path
    validation: Path
    detail: str


@dataclass(frozen=True, slots=True)
class Leak:
    """What one validation set and one training set share, of one kind.

    Attributes:
        kind: see `check_leaks`.
        validation: name of the validation set.
        training: name of the training set.
        count: queries or gallery images concerned.
        examples: the first few.
        allowed: whether the recipe allows it.
    """

    kind: Kind
    validation: str
    training: str
    count: int
    examples: tuple[Example, ...]
    allowed: bool


@dataclass(frozen=True, slots=True)
class LeakReport:
    """All that was found, allowed or not.

    Attributes:
        unreadable: pictures that could not be compared.
    """

    leaks: tuple[Leak, ...]
    training_images: int
    validation_images: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparer:
    """An encoder that tells nearly the same pictures from others.

    Attributes:
        embed: batch of pictures, uint8 (n, s, s, 3), to rows of unit length.
        input: how its pictures are made.
        fingerprint: names it in the cache.
        threshold: cosine above which two pictures are nearly the same.
    """

    embed: Callable[[Pixels], Embeddings]
    input: InputSpec
    fingerprint: str
    threshold: float = 0.98


def check_leaks(
    mixture: Mixture,
    validation: Mapping[str, EvaluationSet],
    *,
    allow: Sequence[str] = (),
    comparer: Comparer | None = None,
    cache: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> LeakReport:
    """Compare; raises TrainingDataError for what is not allowed."""
    raise NotImplementedError
