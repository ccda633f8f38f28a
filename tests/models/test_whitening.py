from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from findalike.config import WhiteningSection  # noqa: E402
from findalike.errors import TrainingDataError  # noqa: E402
from findalike.models.whitening import WhiteningHead, fit_whitening  # noqa: E402

ZERO = np.zeros(0, np.int64)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def photos(seed=0, labels=40, each=6, width=8):
    """Photos of labels, on one wide axis, with a shift between shoppers' and sellers' ones."""
    rng = np.random.default_rng(seed)
    spread = np.linspace(2.0, 0.2, width)
    centres = rng.normal(size=(labels, width)) * spread
    rows = np.repeat(centres, each, axis=0) + 0.3 * rng.normal(size=(labels * each, width))
    users = np.tile(np.arange(each) > 0, labels)
    rows[users] += np.array([3.0] + [0.0] * (width - 1))
    return rows + 5.0, np.repeat(np.arange(labels), each), users


def fit(rows, labels, users, size=8, **settings):
    return fit_whitening(
        rows,
        WhiteningSection(**settings),
        size=size,
        labels=labels,
        groups=users.astype(np.int64),
        domains=[(np.flatnonzero(users), np.flatnonzero(~users))],
    )


def test_hardly_shrunk_it_makes_every_direction_count_the_same():
    rows, labels, _ = photos()
    matrix, centre = fit_whitening(
        rows,
        WhiteningSection(within=0.0, shrink=1e-9),
        size=8,
        labels=labels,
        groups=np.zeros(len(rows), np.int64),
        domains=[],
    )
    found = (unit(rows) - centre) @ matrix.T
    covariance = np.cov(found.T, bias=True)
    values = np.linalg.eigvalsh(covariance)
    # Unit rows lie on a sphere, so all eight directions are there, and equal.
    assert values.max() / values.min() < 1.001
    assert np.allclose(centre, unit(rows).mean(axis=0))


def test_much_shrunk_it_keeps_the_angles():
    rows, labels, users = photos()
    matrix, centre = fit_whitening(
        rows,
        WhiteningSection(within=0.0, shrink=1e9),
        size=8,
        labels=labels,
        groups=users.astype(np.int64),
        domains=[],
    )
    before = unit(unit(rows) - centre)
    after = unit((unit(rows) - centre) @ matrix.T)
    assert np.allclose(before @ before.T, after @ after.T, atol=1e-6)


def test_the_direction_between_the_domains_is_taken_out():
    rows, labels, users = photos()
    matrix, centre = fit(rows, labels, users)
    found = (unit(rows) - centre) @ matrix.T
    by_label = [found[users & (labels == label)].mean(axis=0) for label in np.unique(labels)]
    gap = np.mean(by_label, axis=0) - found[~users].mean(axis=0)
    assert np.linalg.norm(gap) < 1e-9


def test_what_differs_within_labels_counts_less():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(50), 4)
    rows = np.repeat(rng.normal(size=(50, 4)), 4, axis=0)
    rows[:, 0] = rng.normal(size=200)  # says nothing of the label
    users = np.tile([True, True, False, False], 50)
    low = fit(rows, labels, users, size=4, within=0.0, shrink=0.1)[0]
    high = fit(rows, labels, users, size=4, within=1.0, shrink=0.1)[0]

    def share(matrix):
        gains = np.linalg.norm(matrix, axis=0)
        return gains[0] / gains.mean()

    assert share(high) < 0.7 * share(low)


def test_a_smaller_size_keeps_nearly_all_of_the_length():
    rows, labels, users = photos()
    whole, centre = fit(rows, labels, users, within=0.0, shrink=10.0)
    part, _ = fit(rows, labels, users, size=4, within=0.0, shrink=10.0)
    assert part.shape == (4, 8)
    long = np.linalg.norm((unit(rows) - centre) @ whole.T, axis=1) ** 2
    short = np.linalg.norm((unit(rows) - centre) @ part.T, axis=1) ** 2
    drawn = np.random.default_rng(1).permutation(8)[:4]
    any_four = np.linalg.norm(((unit(rows) - centre) @ whole.T)[:, drawn], axis=1) ** 2
    assert short.sum() / long.sum() > any_four.sum() / long.sum()
    assert (short <= long + 1e-12).all()


def test_too_few_photos():
    with pytest.raises(TrainingDataError, match="fewer than two"):
        fit_whitening(
            np.ones((1, 4)), WhiteningSection(), size=2, labels=ZERO, groups=ZERO, domains=[]
        )
    rows = np.random.default_rng(0).normal(size=(5, 4))
    with pytest.raises(TrainingDataError, match="within to 0"):
        fit_whitening(
            rows,
            WhiteningSection(),
            size=2,
            labels=np.arange(5),
            groups=np.zeros(5, np.int64),
            domains=[],
        )


def test_the_head_does_what_was_computed():
    rows, labels, users = photos()
    matrix, centre = fit(rows, labels, users, size=5)
    head = WhiteningHead(8, 5)
    pixels = torch.from_numpy(rows).float()
    # Before it is fitted it passes the first numbers on.
    assert torch.allclose(head(pixels), torch.nn.functional.normalize(pixels)[:, :5])
    head.set(matrix, centre)
    expected = (unit(rows) - centre) @ matrix.T
    assert np.allclose(head(pixels).numpy(), expected, atol=1e-5)
    assert not list(head.parameters())
    assert set(head.state_dict()) == {"weight", "bias"}
