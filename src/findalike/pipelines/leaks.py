"""Before a training: does it share pictures or products with what it will be judged by?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from findalike.data.training.mixture import Mixture
from findalike.data.training.print_store import PrintStore
from findalike.errors import TrainingDataError
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.pipelines.picture_matches import Comparer, PictureFile, match_pictures

Kind = Literal["image", "near-image", "product", "distractor"]

KINDS: Mapping[Kind, str] = {
    "image": "queries or right answers that are training pictures themselves",
    "near-image": "queries or right answers that are nearly training pictures",
    "product": "queries of products that are trained on",
    "distractor": "gallery pictures, right for no query, that are trained on",
}
"""Kinds of leak, the gravest first."""

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One thing that training and validation share.

    Attributes:
        training: file of the training picture.
        validation: file of the query or gallery picture.
        detail: how they are alike, in words.
    """

    training: Path
    validation: Path
    detail: str


@dataclass(frozen=True, slots=True)
class Leak:
    """What one validation set and one training set share, of one kind.

    Attributes:
        kind: one of ``KINDS``.
        validation: name of the validation set.
        training: name of the training set.
        count: queries and gallery pictures concerned.
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
        leaks: one for each kind, validation set and training set that have any.
        training_pictures, validation_pictures: how many were compared.
        unreadable: pictures that could not be, and why.
    """

    leaks: tuple[Leak, ...]
    training_pictures: int
    validation_pictures: int
    unreadable: tuple[str, ...]


def check_leaks(
    mixture: Mixture,
    validation: Mapping[str, EvaluationSet],
    *,
    allow: Sequence[str] = (),
    comparer: Comparer | None = None,
    cache: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> LeakReport:
    """Compare what is trained on with what the training will be judged by.

    The pictures are compared by the SHA-256 of their files, by a perceptual hash, and if an
    encoder is given by their embeddings, whatever the boxes on them. A picture in the gallery that
    is the right answer to a query counts as that query does; one that is right for none is a
    ``distractor``: a network that has learnt it knows one wrong answer better.

    Product ids mean something within their source only, so they are compared where a training set
    and a validation set have their pictures in one folder, or one's folder is in the other's.
    Only the queries' products count: a gallery may sell what was trained on. Sets with
    ``labels: image`` are compared too, for they show the products all the same. What is meant to be
    shared, as in protocols of seen products, is allowed by name.

    Args:
        mixture: the training data; images with ``split=val`` are not trained on and not compared.
        validation: name → set.
        allow: ``data.allow_leaks``: names of validation sets, kinds of ``KINDS``, or NAME/KIND.
        comparer: an encoder for the third comparison.
        cache: file that keeps prints and embeddings for the next time.
        progress: called with what is done, pictures done and pictures in all.

    Raises:
        TrainingDataError: if something is shared that is not allowed, or ``allow`` has a name that
            is neither a validation set nor a kind.
        StorageError: if the cache cannot be used.
    """
    _check_allowed(allow, validation)
    if not validation:
        return LeakReport((), 0, 0, ())
    found = _Findings()
    training = list(_training_files(mixture))
    judged = [item for name, data in validation.items() for item in _judged_files(name, data)]
    with PrintStore(cache) as store:
        matches = match_pictures(
            [file for _, file in training],
            [item.file for item in judged],
            store=store,
            comparer=comparer,
            progress=progress,
        )
    for match in matches.found:
        item = judged[match.second]
        grave: Kind = "image" if match.same_file else "near-image"
        found.add(
            item.kind or grave,
            item.validation,
            mixture.sets[training[match.first][0]].name,
            (item.query, item.number),
            Example(training[match.first][1].path, item.file.path, match.detail),
        )
    for name, data in validation.items():
        _products(mixture, name, data, found)
    report = LeakReport(
        leaks=found.leaks(allow),
        training_pictures=len(training),
        validation_pictures=len(judged),
        unreadable=matches.unreadable,
    )
    refused = [leak for leak in report.leaks if not leak.allowed]
    if refused:
        raise TrainingDataError(_message(refused))
    return report


@dataclass(frozen=True, slots=True)
class _Judged:
    """A picture of a validation set.

    Attributes:
        kind: ``distractor``, or None where the kind depends on how alike the pictures are.
        query: whether it is a query; otherwise of the gallery.
        number: which one.
    """

    validation: str
    file: PictureFile
    kind: Kind | None
    query: bool
    number: int


@dataclass(slots=True)
class _Findings:
    """Findings by kind, validation set and training set; each query or picture counted once."""

    _items: dict[tuple[Kind, str, str], set[tuple[bool, int]]] = field(default_factory=dict)
    _examples: dict[tuple[Kind, str, str], list[Example]] = field(default_factory=dict)

    def add(
        self, kind: Kind, validation: str, training: str, item: tuple[bool, int], example: Example
    ) -> None:
        key = (kind, validation, training)
        items = self._items.setdefault(key, set())
        examples = self._examples.setdefault(key, [])
        if item not in items and len(examples) < EXAMPLES:
            examples.append(example)
        items.add(item)

    def leaks(self, allow: Sequence[str]) -> tuple[Leak, ...]:
        order = list(KINDS)
        keys = sorted(self._items, key=lambda key: (order.index(key[0]), key[1:]))
        return tuple(
            Leak(
                kind,
                validation,
                training,
                count=len(self._items[kind, validation, training]),
                examples=tuple(self._examples[kind, validation, training]),
                allowed=not {validation, kind, f"{validation}/{kind}"}.isdisjoint(allow),
            )
            for kind, validation, training in keys
        )


def _training_files(mixture: Mixture) -> Iterator[tuple[int, PictureFile]]:
    """The position of its set and the file of every photo that is trained on."""
    for photo in np.unique(mixture.photos[: mixture.size]).tolist():
        position, image = mixture.photo(photo)
        entry = mixture.sets[position]
        yield position, PictureFile(entry.root, image.location, entry.name)


def _judged_files(name: str, data: EvaluationSet) -> Iterator[_Judged]:
    root = data.source.root
    if root is None:
        return
    for number, query in enumerate(data.queries):
        file = PictureFile(root, query.location, name)
        yield _Judged(name, file, None, query=True, number=number)
    right = set(np.unique(data.relevance.positions).tolist())
    for number, image in enumerate(data.gallery):
        kind: Kind | None = None if number in right else "distractor"
        file = PictureFile(root, image.location, name)
        yield _Judged(name, file, kind, query=False, number=number)


def _products(mixture: Mixture, name: str, data: EvaluationSet, found: _Findings) -> None:
    """Queries of products that are trained on, where ids can be compared."""
    judged = data.source.root
    for entry in mixture.sets:
        root = entry.root.resolve()
        if judged is None or not (root.is_relative_to(judged) or judged.is_relative_to(root)):
            continue
        shown = {
            image.label: image.location
            for image in entry.images
            if image.split == "train" and image.label
        }
        for number, query in enumerate(data.queries):
            if query.product_id in shown:
                example = Example(
                    root / shown[query.product_id],
                    judged / query.location,
                    f"both show the product {query.product_id!r}",
                )
                found.add("product", name, entry.name, (True, number), example)


def _check_allowed(allow: Sequence[str], validation: Mapping[str, EvaluationSet]) -> None:
    kinds = get_args(Kind)
    known = [*validation, *kinds, *(f"{name}/{kind}" for name in validation for kind in kinds)]
    for entry in allow:
        if entry not in known:
            near = get_close_matches(entry, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise TrainingDataError(
                f"data.allow_leaks has {entry!r}: {hint}allowed are the validation sets "
                f"({', '.join(validation) or 'none'}), the kinds ({', '.join(kinds)}), and "
                f"NAME/KIND"
            )


def _message(refused: Sequence[Leak]) -> str:
    lines = ["the training data shares with what it is judged by:"]
    for leak in refused:
        lines.append(
            f"  {leak.count:,} {KINDS[leak.kind]} ({leak.kind}), in {leak.validation!r} from "
            f"{leak.training!r}, such as"
        )
        lines += [f"    {e.training} and {e.validation}: {e.detail}" for e in leak.examples]
    entries = list(dict.fromkeys(f"{leak.validation}/{leak.kind}" for leak in refused))
    lines.append(
        f"leave them out of the training (`where` of data.train), or, where the protocol means it "
        f"so, allow them: data.allow_leaks: [{', '.join(entries)}]"
    )
    return "\n".join(lines)
