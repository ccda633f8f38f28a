"""Fitting the head ``whitening`` of a run to its training photos."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from findalike.config import Run
from findalike.data.training.dataset import TrainingPictures
from findalike.data.training.draws import Draw
from findalike.data.training.mixture import Mixture
from findalike.errors import RecipeError
from findalike.models.network import EmbeddingNetwork
from findalike.models.whitening import Matrix, Rows, WhiteningHead, fit_whitening

BATCH = 64


def whiten(
    run: Run,
    network: EmbeddingNetwork,
    mixture: Mixture,
    *,
    turned: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Compute the head from the training photos as the encoder sees them, without augmentation.

    Args:
        run: names the head's settings.
        network: its head is changed in place.
        mixture: photos with ``split=val`` take no part.
        turned: turn the new embeddings as near as can be to those of the head before. A turn
            changes no cosine between them, but class weights were learnt beside the old ones.
        progress: called with (photos done, photos in all).

    Raises:
        RecipeError: if ``model.whitening.domains_of`` names no training set of this run.
        TrainingDataError: if there are too few photos.
    """
    section = run.model.whitening
    head = next(module for module in network.head if isinstance(module, WhiteningHead))
    ids = _photos(mixture, section.images, run.train.seed)
    rows = _features(network, TrainingPictures(mixture, run.input.spec()), ids, progress)
    sets, users = mixture.set_of[ids], mixture.users[ids]
    matrix, centre = fit_whitening(
        rows,
        section,
        size=network.embedding_size,
        labels=mixture.labels[ids],
        groups=2 * sets + users,
        sets=sets,
        shares=mixture.shares,
        domains=_domains(run, mixture, sets, users),
    )
    if turned:
        before = _units(rows) @ head.weight.double().numpy().T + head.bias.double().numpy()
        matrix = _turn(before, (_units(rows) - centre) @ matrix.T) @ matrix
    head.set(matrix, centre)


def _turn(before: Matrix, after: Matrix) -> Matrix:
    """The rotation Q (d, d) that brings ``after @ Q.T`` nearest to ``before``, both (n, d).

    The orthogonal Procrustes problem (Schönemann, Psychometrika 31, 1966), on unit lengths.
    """
    left, _, right = np.linalg.svd(_units(before).T @ _units(after))
    return np.asarray(left @ right)


def _units(rows: NDArray[np.floating]) -> Matrix:
    wide = rows.astype(np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True).clip(1e-12))


def _photos(mixture: Mixture, most: int, seed: int) -> Rows:
    """One image id for each photo trained on; at most so many, drawn by the seed."""
    ids = np.unique(mixture.photos[: mixture.size], return_index=True)[1]
    if len(ids) > most:
        ids = np.sort(np.random.default_rng(seed).permutation(ids)[:most])
    return ids.astype(np.int64)


@torch.inference_mode()
def _features(
    network: EmbeddingNetwork,
    pictures: TrainingPictures,
    ids: Rows,
    progress: Callable[[int, int], None] | None,
) -> NDArray[np.float32]:
    def read(start: int) -> Tensor:
        return torch.stack([pictures[Draw(int(i), 0)].pixels for i in ids[start : start + BATCH]])

    network.eval()
    rows = np.empty((len(ids), network.feature_size), dtype=np.float32)
    # The next batch is read while the network works.
    with ThreadPoolExecutor(1, "read") as reader:
        coming = reader.submit(read, 0)
        for start in range(0, len(ids), BATCH):
            pixels = coming.result()
            coming = reader.submit(read, start + BATCH) if start + BATCH < len(ids) else coming
            found = network.features(network.normalised(pixels))
            rows[start : start + len(pixels)] = found.float().numpy()
            if progress is not None:
                progress(start + len(pixels), len(ids))
    return rows


def _domains(
    run: Run, mixture: Mixture, sets: Rows, users: NDArray[np.bool_]
) -> list[tuple[Rows, Rows]]:
    names = [entry.name for entry in mixture.sets]
    wanted = run.model.whitening.domains_of
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise RecipeError(
            f"model.whitening.domains_of names {unknown[0]!r}: the training sets of run "
            f"{run.name!r} are {', '.join(names)}"
        )
    pairs = []
    for position, name in enumerate(names):
        inside = sets == position
        both = np.flatnonzero(inside & users), np.flatnonzero(inside & ~users)
        if len(both[0]) and len(both[1]) and (not wanted or name in wanted):
            pairs.append(both)
        elif name in wanted:
            raise RecipeError(
                f"model.whitening.domains_of names {name!r}, which has no photos of "
                f"{'sellers' if len(both[0]) else 'users'}: name a set with both"
            )
    return pairs
