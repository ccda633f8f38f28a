"""Whitening: the affine map after which no direction of the features counts more than another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from findalike.config import WhiteningSection
from findalike.errors import TrainingDataError

Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]


class WhiteningHead(nn.Module):
    """Unit length, then an affine map that is computed and not trained.

    Until it is fitted it keeps the first numbers as they are.

    Attributes:
        weight: (d, f), a buffer, as is
        bias: (d,).
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(size, features))
        self.register_buffer("bias", torch.zeros(size))

    def forward(self, features: Tensor) -> Tensor:
        """(n, f) → (n, d), not of unit length."""
        return functional.linear(functional.normalize(features, dim=1), self.weight, self.bias)

    @torch.no_grad()
    def set(self, matrix: Matrix, centre: NDArray[np.float64]) -> None:
        """Become ``x → matrix @ (x - centre)``."""
        self.weight.copy_(torch.from_numpy(matrix))
        self.bias.copy_(torch.from_numpy(-matrix @ centre))


def fit_whitening(
    features: NDArray[np.floating],
    section: WhiteningSection,
    *,
    size: int,
    labels: Rows,
    groups: Rows,
    sets: Rows,
    shares: NDArray[np.float64],
    domains: Sequence[tuple[Rows, Rows]],
) -> tuple[Matrix, NDArray[np.float64]]:
    """Compute the map and the centre from features of training photos.

    Whitening for retrieval is Jégou and Chum's (ECCV 2012); with the covariance within labels it is
    the learnt whitening of Mikolajczyk and Matas (ICCV 2007), which Radenović et al. use for
    retrieval (arXiv:1711.02512). Here both covariances are mixed, each brought to a mean
    eigenvalue of 1. Each is that of the data sets one by one, counted by their shares, so that the
    set with the most photos does not rule; every group of photos is centred by itself first, so
    that what tells data sets and cameras apart is not whitened for; and the direction from seller
    to user photos is taken out, for a search goes across it.

    Args:
        features: (n, f), brought to unit length here.
        section: see `WhiteningSection`.
        size: d, numbers that are kept: the directions in which the embeddings, brought to unit
            length, have most of it.
        labels: (n,), label of each photo.
        groups: (n,), photos of one data set and domain have one number.
        sets: (n,), number of the data set of each photo.
        shares: (s,), how much each data set counts; in the covariance within labels only sets that
            have a label with two photos do.
        domains: rows of the user photos and of the seller photos of each set whose domains count;
            none for the mean of the sets as the centre, and no direction taken out.

    Returns:
        The map (d, f), and the centre (f,): an embedding is ``map @ (feature - centre)``.

    Raises:
        TrainingDataError: if no label has two photos though ``within`` asks for them, or there are
            fewer photos than two.
    """
    rows = features.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12)
    if len(rows) < 2:
        raise TrainingDataError("whitening needs photos to train on: there are fewer than two")
    inside = [(float(shares[number]), sets == number) for number in np.unique(sets)]
    centred = rows.copy()
    for group in np.unique(groups):
        centred[groups == group] -= rows[groups == group].mean(axis=0)
    covariance = (1.0 - section.within) * _shared(
        [(share, centred[chosen].T @ centred[chosen]) for share, chosen in inside]
    )
    if section.within:
        scatters = [
            (share, _within(rows[chosen], labels[chosen]))
            for share, chosen in inside
            if np.unique(labels[chosen]).size < chosen.sum()
        ]
        if not scatters:
            raise TrainingDataError(
                "whitening within labels needs a label with two photos: there is none; set "
                "model.whitening.within to 0"
            )
        covariance += section.within * _shared(scatters)
    values, vectors = np.linalg.eigh(covariance)
    matrix = (vectors / np.sqrt(values.clip(0.0) + section.shrink)) @ vectors.T
    counts = shares[sets] / np.bincount(sets)[sets]
    centre = np.average(rows, axis=0, weights=counts)
    if domains:
        means = [
            (_by_label(rows, labels, users), rows[sellers].mean(axis=0))
            for users, sellers in domains
        ]
        across = np.linalg.qr(np.stack([user - seller for user, seller in means], axis=1))[0]
        matrix -= (matrix @ across) @ across.T
        centre = np.mean([(user + seller) / 2.0 for user, seller in means], axis=0)
    return _largest(matrix, rows - centre, counts, size), centre


def _largest(matrix: Matrix, rows: Matrix, counts: Matrix, size: int) -> Matrix:
    """The map followed by a rotation, of which only the first ``size`` numbers are kept."""
    embeddings = rows @ matrix.T
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-12)
    vectors = np.linalg.eigh((embeddings * counts[:, None]).T @ embeddings)[1][:, ::-1]
    return np.asarray(vectors[:, :size].T @ matrix)


def _by_label(rows: Matrix, labels: Rows, chosen: Rows) -> NDArray[np.float64]:
    """Mean over labels of the mean photo of each, so that frequent labels do not rule."""
    means = [
        rows[chosen[labels[chosen] == label]].mean(axis=0) for label in np.unique(labels[chosen])
    ]
    return np.asarray(np.mean(means, axis=0))


def _within(rows: Matrix, labels: Rows) -> Matrix:
    """Scatter of photos around the mean of their label.

    A label of n photos counts as √n does: between one vote a label and one vote a photo.
    """
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), rows.shape[1]))
    np.add.at(means, inverse, rows)
    means /= counts[:, None]
    several = counts[inverse] > 1
    apart = (rows - means[inverse])[several] / np.sqrt(counts[inverse][several])[:, None]
    # The weights above are applied on one side only: 1/√n a photo makes √n a label.
    return np.asarray(apart.T @ (rows - means[inverse])[several])


def _shared(covariances: Sequence[tuple[float, Matrix]]) -> Matrix:
    """Mean of covariances, weighted, to a mean eigenvalue of 1."""
    return _unit_mean(np.sum([share * _unit_mean(found) for share, found in covariances], axis=0))


def _unit_mean(covariance: Matrix) -> Matrix:
    return covariance * (len(covariance) / max(float(np.trace(covariance)), 1e-12))
