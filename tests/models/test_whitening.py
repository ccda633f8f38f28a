from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from findalike.config import WhiteningSection  # noqa: E402
from findalike.errors import TrainingDataError  # noqa: E402
from findalike.models.whitening import WhiteningHead, fit_whitening  # noqa: E402


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


def fit(rows, labels, users, size=8, sets=None, shares=(1.0,), **settings):
    sets = np.zeros(len(rows), np.int64) if sets is None else sets
    return fit_whitening(
        rows,
        WhiteningSection(**settings),
        size=size,
        labels=labels,
        groups=2 * sets + users,
        sets=sets,
        shares=np.asarray(shares),
        domains=[(np.flatnonzero(users & (sets == 0)), np.flatnonzero(~users & (sets == 0)))],
    )


def test_hardly_shrunk_it_makes_every_direction_count_the_same():
    rows, labels, _ = photos()
    matrix, centre = fit_whitening(
        rows,
        WhiteningSection(within=0.0, shrink=1e-9),
        size=8,
        labels=labels,
        groups=np.zeros(len(rows), np.int64),
        sets=np.zeros(len(rows), np.int64),
        shares=np.ones(1),
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
        sets=np.zeros(len(rows), np.int64),
        shares=np.ones(1),
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


def two_sets(seed=2):
    """A set spread along the first axes, and another along the last."""
    rows, labels, users = photos(seed)
    other, other_labels, other_users = photos(seed + 1)
    return (
        np.concatenate([rows, other[:, ::-1]]),
        np.concatenate([labels, other_labels + labels.max() + 1]),
        np.concatenate([users, other_users]),
        np.repeat([0, 1], [len(rows), len(other)]),
    )


def test_a_set_counts_by_its_share_and_not_by_its_photos():
    rows, labels, users, sets = two_sets()
    again = np.concatenate([np.arange(len(rows)), *[np.flatnonzero(sets == 1)] * 9])
    for within in (0.0, 0.5):
        few, _ = fit(rows, labels, users, sets=sets, shares=(0.5, 0.5), within=within)
        # The same photos ten times, each time as products of their own.
        round_ = np.repeat(np.arange(10), [len(rows), *[(sets == 1).sum()] * 9])
        copies = labels[again] + 1000 * round_
        many, _ = fit(
            rows[again], copies, users[again], sets=sets[again], shares=(0.5, 0.5), within=within
        )
        # A map is known up to a rotation of what comes out.
        assert np.allclose(few.T @ few, many.T @ many, rtol=1e-6, atol=1e-9)


def test_a_larger_share_brings_the_map_nearer_to_that_of_the_set_alone():
    rows, labels, users, sets = two_sets()

    def form(shares):
        found = fit(rows, labels, users, sets=sets, shares=shares)[0]
        return found.T @ found

    alone = form((1.0, 0.0))
    distances = [np.abs(form((share, 1.0 - share)) - alone).max() for share in (0.1, 0.5, 0.9)]
    assert distances[0] > distances[1] > distances[2] > 0.0


def test_a_set_without_pairs_takes_no_part_in_the_covariance_within_labels():
    rows, labels, users, sets = two_sets()
    single = np.where(sets == 1, np.arange(len(rows)) + 1000, labels)
    with_both = fit(rows, single, users, sets=sets, shares=(0.5, 0.5), within=1.0)[0]
    one = fit(rows, single, users, sets=sets, shares=(1.0, 0.0), within=1.0)[0]
    assert np.allclose(with_both.T @ with_both, one.T @ one, rtol=1e-6, atol=1e-9)


def test_too_few_photos():
    with pytest.raises(TrainingDataError, match="fewer than two"):
        fit(np.ones((1, 4)), np.zeros(1, np.int64), np.zeros(1, bool), size=2)
    rows = np.random.default_rng(0).normal(size=(5, 4))
    with pytest.raises(TrainingDataError, match="within to 0"):
        fit(rows, np.arange(5), np.arange(5) > 2, size=2)


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
