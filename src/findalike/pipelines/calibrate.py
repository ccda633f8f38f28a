"""The use case of `findalike models calibrate`: what cosines mean, from known answers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError, StorageError
from findalike.models.bundle import Bundle
from findalike.models.calibration import Calibration, fit_calibration
from findalike.models.embedder import Embedder
from findalike.models.encoder import Encoder
from findalike.models.manifest import MANIFEST_NAME, Manifest
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.pipelines.ranking import rank_by_embedding

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class FirstHits:
    """The nearest product of each search of a set, made twice.

    Photos that cannot be read, or whose product the gallery has not got, are left out.

    Attributes:
        rises: (n,) cosines, less the mean over the gallery that was searched.
        right: (n,) whether it is the product in the photo.
        present: (n,) whether that was in the gallery: the first half of the searches. For the
            second half it is taken out, and all variants of it.
    """

    rises: NDArray[np.float64]
    right: NDArray[np.bool_]
    present: NDArray[np.bool_]


def first_hits(
    data: EvaluationSet,
    encoder: Embedder,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> FirstHits:
    """Search with each photo, with its product in the gallery and without.

    Raises:
        EvaluationError: if no photo's product is in the gallery, or nothing else is.
    """
    ranked = rank_by_embedding(data, encoder, k=len(data.gallery), progress=progress)
    family = {p.product_id: p.variant_of or p.product_id for p in data.products}
    families = np.array([family[product.product_id] for product in data.products])
    products = np.array([product.product_id for product in data.products])
    found: list[tuple[float, bool]] = []
    without: list[float] = []
    for row, query in enumerate(data.queries):
        order = ranked.positions[row][ranked.positions[row] >= 0]
        if query.product_id not in family or not len(order) or ranked.scores is None:
            continue
        scores = ranked.scores[row, : len(order)]
        others = scores[families[order] != family[query.product_id]]
        if len(others) in (0, len(scores)):
            continue
        right = bool(products[order[0]] == query.product_id)
        found.append((float(scores[0] - scores.mean()), right))
        without.append(float(others[0] - others.mean()))
    if not found:
        raise EvaluationError(
            "no photo shows a product of the gallery that has other products too: give queries "
            "with the product_id of gallery images"
        )
    return FirstHits(
        rises=np.array([rise for rise, _ in found] + without),
        right=np.array([right for _, right in found] + [False] * len(without)),
        present=np.arange(2 * len(found)) < len(found),
    )


def joined(parts: Sequence[FirstHits]) -> FirstHits:
    """Several sets as one, each repeated until it counts about as much as the largest."""
    largest = max(len(part.rises) for part in parts)
    repeated = [part for part in parts for _ in range(round(largest / len(part.rises)))]
    return FirstHits(
        rises=np.concatenate([part.rises for part in repeated]),
        right=np.concatenate([part.right for part in repeated]),
        present=np.concatenate([part.present for part in repeated]),
    )


def calibrate(
    folder: Path,
    sets: Sequence[tuple[str, EvaluationSet]],
    *,
    command: str,
    stand_in: Path | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Fit a calibration to sets of photos and write it into the bundle's description.

    The encoder stays what it is: neither its hashes nor its fingerprint cover the calibration.

    Args:
        folder: the bundle.
        sets: names and photos; each counts about as much as the others.
        command: what is noted as having made it.
        stand_in: bundle that is asked instead: an encoder made in the same way, but without these
            products, where the bundle's own has learnt them and would be surer of them than of
            others.
        progress: called with (name of the set, photos done, photos in all).

    Raises:
        BundleError: if there is no such encoder.
        EvaluationError: if the photos cannot teach a calibration.
        StorageError: if the description cannot be written.
    """
    bundle = Bundle.load(folder)
    encoder = Encoder(bundle) if stand_in is None else Encoder.load(stand_in)
    parts = []
    for name, data in sets:

        def show(done: int, total: int, name: str = name) -> None:
            if progress is not None:
                progress(name, done, total)

        parts.append(first_hits(data, encoder, progress=show))
    hits = joined(parts)
    said = ", ".join(
        f"{name} ({len(part.rises) // 2:,} photos)"
        for (name, _), part in zip(sets, parts, strict=True)
    )
    fitted = fit_calibration(hits.rises, hits.right, hits.present, fitted_on=said, command=command)
    photos = sum(len(part.rises) // 2 for part in parts)
    calibration = fitted.model_copy(update={"queries": photos})
    _write(bundle, calibration)
    return calibration


def _write(bundle: Bundle, calibration: Calibration) -> None:
    values = bundle.manifest.model_dump() | {"calibration": calibration.model_dump()}
    described = Manifest.model_validate(values).model_dump_json(indent=2) + "\n"
    draft: str | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=bundle.folder, prefix=".", delete=False
        ) as file:
            draft = file.name
            file.write(described)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(bundle.folder / MANIFEST_NAME)
    except OSError as error:
        if draft is not None:
            Path(draft).unlink(missing_ok=True)
        raise StorageError(
            f"cannot write {bundle.folder / MANIFEST_NAME}: {error.strerror or error}; free space "
            f"or mend the folder's rights, then try again"
        ) from error
