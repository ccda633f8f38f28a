"""The first stage: from the two files to the pictures of all products that have both kinds."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

from findalike.data.datasets.amazon_reviews import (
    buyer_photos,
    product_of,
    seller_pictures,
    sized,
)
from findalike.data.datasets.json_lines import JsonObject, json_lines
from findalike.data.datasets.pair_store import PairStore
from findalike.errors import CatalogueError
from findalike.pipelines.amazon.settings import AmazonSettings, Progress
from findalike.types import Domain, Refusal

REFUSALS_KEPT = 100


def read_pairs(
    store: PairStore, metadata: Path, reviews: Path, settings: AmazonSettings, show: Progress
) -> None:
    """Read both files into the store; done once for a folder.

    Raises:
        CatalogueError: if a file cannot be read, or names no pictures.
        SettingError: if the folder was made from other files or with other sizes.
    """
    made_from = {
        "metadata": _identity(metadata),
        "reviews": _identity(reviews),
        "image_side": settings.side,
        "min_side": settings.min_side,
        "max_bytes": settings.limits.max_bytes,
        "per_product": settings.per_product,
        # What was refused as private is not asked for again.
        "allow_network": list(settings.allow_networks),
    }
    if store.require_same(made_from):
        return
    refusals: list[Refusal] = []
    with store.reading():
        refused = _read_file(store, reviews, "user", settings, refusals=refusals, show=show)
        refused += _read_file(store, metadata, "seller", settings, refusals=refusals, show=show)
    store.tell("refused", refused)
    store.tell("refusals", [asdict(refusal) for refusal in refusals])
    store.tell("made_from", made_from)


def _read_file(
    store: PairStore,
    path: Path,
    domain: Domain,
    settings: AmazonSettings,
    *,
    refusals: list[Refusal],
    show: Progress,
) -> int:
    """Read one file; returns how many of its lines were refused."""
    keys, lines, found, refused = "", 0, 0, 0
    for item in json_lines(path, partial(show, f"reading {path.name}")):
        lines += 1
        if isinstance(item, Refusal):
            refused += 1
            if len(refusals) < REFUSALS_KEPT:
                refusals.append(item)
            continue
        keys = keys or ", ".join(list(item)[:12])
        found += _take(store, item, domain, settings)
    if not found:
        raise _nothing(path, domain, lines, keys)
    return refused


def _take(store: PairStore, item: JsonObject, domain: Domain, settings: AmazonSettings) -> bool:
    """Add the pictures of a line; says whether it names any."""
    label = product_of(item)
    named = buyer_photos(item) if domain == "user" else seller_pictures(item)
    urls = [] if label is None else [sized(url, settings.side) for url in named]
    # Most products have no photo by a buyer: their pictures would never be looked at.
    if label is not None and urls and (domain == "user" or store.has(label)):
        store.add(label, domain, urls, most=settings.per_product)
    return bool(urls)


def _nothing(path: Path, domain: Domain, lines: int, keys: str) -> CatalogueError:
    if not keys:
        return CatalogueError(
            f"none of the {lines:,} lines of {path} is a JSON object: give the release of 2018 or "
            f"2023, whose files have one a line"
        )
    what = "review has a photo" if domain == "user" else "product has a picture"
    return CatalogueError(
        f"no {what} in {path}, whose first line has {keys}: are the two files the wrong way round? "
        f"METADATA comes first, then REVIEWS"
    )


def _identity(path: Path) -> str:
    """Name and size: what tells the published files apart without reading gigabytes."""
    try:
        return f"{path.name} ({path.stat().st_size:,} bytes)"
    except OSError as error:
        raise CatalogueError(f"cannot read {path}: {error.strerror or error}") from error
