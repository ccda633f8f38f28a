from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest

from findalike.errors import EvaluationError, SettingError
from findalike.evaluation.significance import bootstrap_mean, paired_permutation_test


def test_interval_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for seed, values in enumerate(
        (np.random.default_rng(1).beta(0.5, 0.4, 200), np.random.default_rng(2).beta(0.2, 2, 60))
    ):
        theirs = stats.bootstrap(
            (values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(9)
        ).confidence_interval
        ours = bootstrap_mean(values, resamples=20_000, seed=seed)
        width = theirs.high - theirs.low
        assert ours.mean == pytest.approx(values.mean())
        assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
        assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_confidence_widens_the_interval() -> None:
    values = np.random.default_rng(0).random(100)
    narrow, wide = (bootstrap_mean(values, confidence=c) for c in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_same_seed_same_interval_other_seed_nearly() -> None:
    values = np.random.default_rng(0).random(300)
    first, again, other = (bootstrap_mean(values, seed=s) for s in (4, 4, 5))
    assert first == again
    assert first != other
    assert other.low == pytest.approx(first.low, abs=0.005)


@pytest.mark.parametrize("values", [[0.7], [0.5, 0.5, 0.5], [1.0] * 40])
def test_without_spread_the_interval_is_the_mean(values: list[float]) -> None:
    interval = bootstrap_mean(np.array(values))
    assert (interval.low, interval.high) == pytest.approx((values[0], values[0]))


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    truth, held = 0.1, 0
    for seed in range(300):
        interval = bootstrap_mean(rng.beta(0.2, 1.8, 300), resamples=500, seed=seed)
        held += interval.low <= truth <= interval.high
    assert 0.90 <= held / 300 <= 0.985


def clustered(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Forty products of mean difficulty 0.5, each with 30 photos that hardly differ."""
    levels = rng.random(40)
    return (levels[:, None] + rng.normal(0, 0.02, (40, 30))).ravel(), np.repeat(np.arange(40), 30)


def test_photos_of_one_product_are_no_independent_draws() -> None:
    rng = np.random.default_rng(8)
    by_product, by_query = 0, 0
    for seed in range(200):
        values, products = clustered(rng)
        grouped = bootstrap_mean(values, groups=products.tolist(), resamples=500, seed=seed)
        single = bootstrap_mean(values, resamples=100, seed=seed)
        by_product += grouped.low <= 0.5 <= grouped.high
        by_query += single.low <= 0.5 <= single.high
        assert grouped.units == 40
    assert by_product / 200 > 0.88
    assert by_query / 200 < 0.5


def test_groups_of_one_are_no_groups() -> None:
    values = np.random.default_rng(3).random(50)
    assert bootstrap_mean(values, groups=list(range(50))) == bootstrap_mean(values)


def test_groups_of_unequal_size_weigh_by_their_queries() -> None:
    interval = bootstrap_mean(np.array([1.0, 1.0, 1.0, 0.0]), groups=["a", "a", "a", "b"])
    assert interval.mean == 0.75
    assert interval.units == 2


def test_memory_is_bounded() -> None:
    values = np.random.default_rng(0).random(200_000)
    tracemalloc.start()
    bootstrap_mean(values, resamples=200)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All draws at once would be 320 MB.
    assert peak < 60_000_000


def test_samples_larger_than_the_scratch_space(monkeypatch: pytest.MonkeyPatch) -> None:
    from findalike.evaluation import significance

    values = np.random.default_rng(0).random(1000)
    whole = bootstrap_mean(values)
    monkeypatch.setattr(significance, "_DRAWS", 300)
    pieces = bootstrap_mean(values, resamples=2_000)
    assert pieces.low == pytest.approx(whole.low, abs=0.004)
    assert pieces.high == pytest.approx(whole.high, abs=0.004)


def test_misuse_is_refused() -> None:
    good = np.array([0.1, 0.2])
    with pytest.raises(EvaluationError, match="no values"):
        bootstrap_mean(np.array([]))
    with pytest.raises(EvaluationError, match="value 1 is not finite"):
        bootstrap_mean(np.array([0.1, np.nan]))
    with pytest.raises(EvaluationError, match="1 groups for 2 values"):
        bootstrap_mean(good, groups=["a"])
    with pytest.raises(SettingError, match="confidence is 95"):
        bootstrap_mean(good, confidence=95)
    with pytest.raises(SettingError, match="resamples is 3"):
        bootstrap_mean(good, resamples=3)
    with pytest.raises(EvaluationError, match="2 and 1 queries"):
        paired_permutation_test(good, good[:1])


def by_enumeration(differences: list[float]) -> float:
    observed = abs(sum(differences))
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(s >= observed - 1e-12 for s in sums) / len(sums)


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_few_queries_are_enumerated(count: int) -> None:
    rng = np.random.default_rng(count)
    first, second = rng.random(count), rng.random(count)
    test = paired_permutation_test(first, second)
    assert test.exact
    assert test.p_value == pytest.approx(by_enumeration((second - first).tolist()))
    assert test.difference.mean == pytest.approx((second - first).mean())


def test_sampling_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(5)
    first = rng.random(80)
    second = first + rng.normal(0.02, 0.1, 80)
    theirs = stats.permutation_test(
        (second, first),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=np.random.default_rng(6),
    )
    ours = paired_permutation_test(first, second, permutations=20_000)
    assert not ours.exact
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=0.012)


def test_p_values_are_uniform_where_nothing_differs() -> None:
    rng = np.random.default_rng(10)
    values = [
        paired_permutation_test(rng.random(30), rng.random(30), permutations=200, seed=i).p_value
        for i in range(300)
    ]
    assert 0.02 <= np.mean(np.array(values) < 0.05) <= 0.09
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


def test_a_clear_difference_never_has_p_zero() -> None:
    first = np.random.default_rng(0).random(500)
    test = paired_permutation_test(first, first + 0.1, permutations=1000)
    assert test.p_value == pytest.approx(1 / 1000)
    assert test.difference.low == pytest.approx(0.1)


def test_equal_runs_have_p_one() -> None:
    values = np.random.default_rng(0).random(50)
    test = paired_permutation_test(values, values)
    assert test.p_value == 1
    assert test.difference.mean == 0


def test_signs_of_a_group_flip_together() -> None:
    # Three products whose photos all gained: by product 2 of 8 patterns are as extreme.
    first = np.zeros(30)
    second = np.full(30, 0.1)
    groups = [i // 10 for i in range(30)]
    assert paired_permutation_test(first, second, groups=groups).p_value == 0.25
    assert paired_permutation_test(first, second).p_value < 0.001
