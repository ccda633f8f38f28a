"""What `benchmarks/soak.py` measures of each life of a service, and whether it grows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
from soak_caller import Soak

from findalike.index.embedded import EmbeddedIndex
from findalike.index.schema import ADDED_AT, VECTOR, image_rows, vectors_of
from findalike.shop import caretaker
from findalike.shop.shop import Shop

MEMORY_FACTOR = 1.2
MEMORY_SLACK_MB = 40.0
FILES_SLACK = 40
THREADS_SLACK = 12
INDEX_FACTOR = 1.5
INDEX_SLACK_MB = 1.0
MOST_VERSIONS = caretaker.MOST_VERSIONS + 2 * caretaker.CHECK_VERSIONS


@dataclass
class Epoch:
    """One life of the service.

    Attributes:
        ready_s: from its start until it was ready.
        strays_s: until the processes that the kill before left were gone.
        taken, dropped: changes without an answer that turned out to be there, or not.
        at_mark, at_end: memory, open files and threads after the same number of requests, and
            before the kill.
        bytes: of the shop's folders, in MB.
    """

    number: int
    ready_s: float = 0.0
    strays: int = 0
    strays_s: float = 0.0
    taken: int = 0
    dropped: int = 0
    products: int = 0
    requests: int = 0
    at_mark: dict[str, float] = field(default_factory=dict)
    at_end: dict[str, float] = field(default_factory=dict)
    versions: int = 0
    megabytes: dict[str, float] = field(default_factory=dict)
    ended_by: str = ""


def growth(epochs: list[Epoch], soak: Soak) -> dict[str, object]:
    """Sizes after the same number of requests, first third against last."""
    marked = [epoch.at_mark for epoch in epochs if epoch.at_mark]
    third = max(1, len(marked) // 3)
    figures: dict[str, object] = {}
    allowed = {
        "memory_mb": (MEMORY_FACTOR, MEMORY_SLACK_MB),
        "open_files": (1.0, FILES_SLACK),
        "threads": (1.0, THREADS_SLACK),
    }
    for name, (factor, slack) in allowed.items():
        if not marked:
            break
        first = float(np.median([sizes[name] for sizes in marked[:third]]))
        last = float(np.median([sizes[name] for sizes in marked[-third:]]))
        figures[name] = (first, last)
        if last > first * factor + slack:
            soak.violation("growth", name, first=first, last=last)
    most = max(epoch.versions for epoch in epochs)
    if most > MOST_VERSIONS:
        soak.violation("growth", "versions", most=most, allowed=MOST_VERSIONS)
    return figures


def against_new(shop: Path, soak: Soak) -> dict[str, float]:
    """The index against that of a shop made anew of the same products."""
    tidy, new = shop.with_name("tidy"), shop.with_name("new")
    for folder in (tidy, new):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shop, tidy)
    index = EmbeddedIndex.open(tidy / "index")
    index.optimise()
    index.prune(min_age=timedelta(0))
    Shop.create(new)
    made = EmbeddedIndex.open(new / "index")
    for batch in index.fetch(columns=[*index.fields, ADDED_AT, VECTOR]):
        rows = [{k: v for k, v in row.items() if k != VECTOR} for row in batch.to_pylist()]
        made.upsert(image_rows(rows, vectors_of(batch), dict(index.attributes)))
    made.optimise()
    made.prune(min_age=timedelta(0))
    kept = {row["location"] for b in index.fetch(columns=["location"]) for row in b.to_pylist()}
    uploads = [f for f in (shop / "uploads").rglob("*") if f.is_file()]
    used = [f for f in uploads if str(f.relative_to(shop / "uploads")) in kept]
    figures = {
        "served_mb": megabytes(shop / "index"),
        "tidy_mb": megabytes(tidy / "index"),
        "new_mb": megabytes(new / "index"),
        "uploads_mb": sum(f.stat().st_size for f in uploads) / 1e6,
        "uploads_used_mb": sum(f.stat().st_size for f in used) / 1e6,
        "drafts_left": float(sum(f.name.startswith(".new-") for f in uploads)),
    }
    if figures["tidy_mb"] > INDEX_FACTOR * figures["new_mb"] + INDEX_SLACK_MB:
        soak.violation("growth", "index", **figures)
    return figures


def megabytes(folder: Path) -> float:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6
