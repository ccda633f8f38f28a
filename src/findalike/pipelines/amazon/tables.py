"""The fourth stage: a table of the pictures that show their product, for each threshold."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from findalike.data.datasets.pair_filter import PairRules, judge_product
from findalike.data.datasets.pair_store import PairPicture, PairStore
from findalike.errors import StorageError
from findalike.pipelines.embedding_store import EmbeddingStore
from findalike.types import Embeddings

_TABLE_COLUMNS = ("image_path", "label", "domain")
_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
_DROPPED_COLUMNS = (*_TABLE_COLUMNS, "url", "mean_cosine", "reason")


class _Writer(Protocol):
    """What `csv.writer` returns."""

    def writerow(self, row: Iterable[object], /) -> object: ...


@dataclass(frozen=True, slots=True)
class PairTable:
    """A table of kept pictures.

    Attributes:
        path: CSV with ``image_path, label, domain``.
        dropped_path: CSV of the pictures that are not in it, each with its reason.
        dropped: how many of these there are by reason.
        quantiles: mean cosines with the seller's pictures that 10, 25, 50, 75 and 90 % of the
            buyers' photos do not reach, to choose a threshold by; none if there was no photo.
    """

    min_cosine: float
    path: Path
    dropped_path: Path
    products: int
    seller_images: int
    user_images: int
    dropped: dict[str, int]
    quantiles: tuple[float, ...]


def write_pairs(
    store: PairStore, vectors: EmbeddingStore, out: Path, rules: PairRules
) -> PairTable:
    """Write the table of one threshold, and that of the pictures that are not in it."""
    name = f"{rules.min_cosine:g}"
    path, dropped_path = out / f"pairs_{name}.csv", out / f"dropped_{name}.csv"
    kept: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    means: list[float] = []
    with _table(path, _TABLE_COLUMNS) as keep, _table(dropped_path, _DROPPED_COLUMNS) as drop:
        for label, pictures in store.products():
            before = sum(kept.values())
            for picture, reason, detail, mean in _judged(pictures, vectors, rules):
                row = (picture.file or "", label, picture.domain)
                if picture.domain == "user" and mean is not None:
                    means.append(mean)
                if not reason:
                    keep.writerow(row)
                    kept[picture.domain] += 1
                    continue
                dropped[reason] += 1
                told = "" if mean is None else f"{mean:.4f}"
                drop.writerow((*row, picture.url, told, f"{reason}{detail}"))
            kept["products"] += sum(kept.values()) > before
    return PairTable(
        min_cosine=rules.min_cosine,
        path=path,
        dropped_path=dropped_path,
        products=kept["products"],
        seller_images=kept["seller"],
        user_images=kept["user"],
        dropped=dict(sorted(dropped.items())),
        quantiles=tuple(np.quantile(means, _SHARES).round(4).tolist()) if means else (),
    )


def _judged(
    pictures: Sequence[PairPicture], vectors: EmbeddingStore, rules: PairRules
) -> Iterator[tuple[PairPicture, str, str, float | None]]:
    """Each picture of a product, why it is dropped ("" if not) and in detail, and its mean."""
    judged: list[tuple[PairPicture, Embeddings]] = []
    for picture in pictures:
        if picture.sha256 is None:
            yield picture, "could not be had", f": {picture.reason or 'not asked for'}", None
        elif picture.shared:
            yield picture, "another product has the same picture", "", None
        elif isinstance(vector := vectors.get(picture.sha256), str):
            yield picture, "cannot be read", f": {vector}", None
        else:
            judged.append((picture, vector))
    if not judged:
        return
    embeddings = np.stack([vector for _, vector in judged])
    sellers = np.array([picture.domain == "seller" for picture, _ in judged])
    verdicts = judge_product(embeddings, sellers, rules)
    for (picture, _), (reason, mean) in zip(judged, verdicts, strict=True):
        yield picture, reason, "", mean


@contextmanager
def _table(path: Path, columns: Sequence[str]) -> Iterator[_Writer]:
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            yield writer
        part.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
