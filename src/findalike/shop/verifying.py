"""The check-up of a shop: rows, vectors and photos."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from findalike.data.image_source import ImageSource
from findalike.errors import FindalikeError
from findalike.index.base import Index

FINDINGS_KEPT = 100
NORM_TOLERANCE = 1e-3


def verify_index(
    index: Index,
    *,
    roots: Sequence[Path],
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Check every row of one version of a shop.

    Args:
        roots: folders to look for the photos in; photos at URLs are not fetched.
        progress: called with (rows checked, rows in all).

    Returns:
        What is wrong, one sentence each, at most 100 of a kind and then a count.
    """
    total = index.count(None)
    columns = ["image_id", "product_id", "location", "sha256", "vector"]
    findings: list[str] = []
    missing = 0
    seen: set[int] = set()
    done = 0
    for batch in index.fetch(None, columns=columns):
        findings += _row_findings(batch, seen)
        for location, sha256 in zip(
            batch["location"].to_pylist(), batch["sha256"].to_pylist(), strict=True
        ):
            if not _is_url(location) and read_known_image(location, sha256, roots) is None:
                missing += 1
                if missing <= FINDINGS_KEPT:
                    findings.append(f"photo {location!r} is missing or changed since its import")
        done += batch.num_rows
        if progress is not None:
            progress(done, total)
    if missing > FINDINGS_KEPT:
        findings.append(f"... and {missing - FINDINGS_KEPT:,} more photos")
    if done != total:
        findings.append(f"the index counts {total:,} images but gives {done:,}")
    return findings


def read_known_image(location: str, sha256: str, roots: Sequence[Path]) -> bytes | None:
    """The bytes at ``location`` below the first root where they have this SHA-256, or None."""
    for root in roots:
        try:
            data: bytes = ImageSource(root, allow_urls=False).read(location)
        except FindalikeError:
            continue
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
    return None


def _is_url(location: str) -> bool:
    return location.lower().startswith(("http://", "https://"))


def _row_findings(batch: pa.RecordBatch, seen: set[int]) -> list[str]:
    ids = batch["image_id"].to_pylist()
    products = batch["product_id"].to_pylist()
    vectors = np.asarray(batch["vector"].flatten(), dtype=np.float32).reshape(len(ids), -1)
    norms = np.linalg.norm(vectors, axis=1)
    findings = []
    for image_id, product_id, norm in zip(ids, products, norms, strict=True):
        if hash(image_id) in seen:
            findings.append(f"image {image_id!r} is in the index twice")
        seen.add(hash(image_id))
        if not product_id:
            findings.append(f"image {image_id!r} has no product")
        if not abs(norm - 1.0) < NORM_TOLERANCE:
            findings.append(f"the embedding of image {image_id!r} has length {norm:g}, not 1")
    return findings
