"""How sure a mean over queries is: bootstrap intervals and a paired permutation test.

Photos of one product stand or fall together, so queries are no independent draws wherever a
product has several. Both functions take the product of each query as its *group*, and then
draw or flip whole groups: the answer holds for other products of this kind. Without groups it
holds for other photos of just these products, and is usually narrower than it should be.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError, SettingError

RESAMPLES = 10_000
# Draws made at once: 16 MB of indexes and as much of gathered values.
_DRAWS = 2**21
# With so few units all sign patterns are tried instead of a sample of them.
_EXACT_UNITS = 13


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        units: what was drawn: the number of groups, or of values where there were none.
    """

    mean: float
    low: float
    high: float
    units: int


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Whether two runs over the same queries differ.

    Attributes:
        difference: mean of second minus first, with its bootstrap interval.
        p_value: probability of a mean difference this large in either direction if it were
            chance which run is called first, a group at a time.
        exact: whether all sign patterns were tried, rather than a sample.
    """

    difference: Interval
    p_value: float
    exact: bool


def bootstrap_mean(
    values: NDArray[np.float64],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Give the mean of ``values`` a bias-corrected and accelerated bootstrap interval.

    BCa follows Efron, "Better bootstrap confidence intervals" (1987), with the jackknife over
    groups. Where it isn't defined (every resample has the same mean) the plain percentiles are
    taken, which then are the mean itself. Memory is bounded, whatever the number of values.

    Args:
        values: float64 (q,), finite.
        groups: one label a value; whole groups are drawn. None: every value is its own group.
        confidence: share of such intervals that should hold the truth, between 0 and 1.
        resamples: number of bootstrap samples, at least 100.
        seed: the same seed gives the same interval.

    Raises:
        EvaluationError: if there are no values, one isn't finite, or groups are not as many.
        SettingError: if ``confidence`` or ``resamples`` is out of range.
    """
    if not 0 < confidence < 1:
        raise SettingError(
            f"confidence is {confidence}: give a share between 0 and 1, such as 0.95"
        )
    if resamples < 100:
        raise SettingError(f"resamples is {resamples}: give at least 100")
    sums, sizes = _units(values, groups)
    mean = float(sums.sum() / sizes.sum())
    means = _resampled_means(sums, sizes, resamples, seed)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = np.quantile(means, _corrected(tails, means, sums, sizes))
    return Interval(mean=mean, low=float(low), high=float(high), units=len(sums))


def paired_permutation_test(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    *,
    groups: Sequence[Hashable] | None = None,
    permutations: int = RESAMPLES,
    seed: int = 0,
) -> PairedTest:
    """Test by flipping signs whether ``second`` differs from ``first`` in its mean.

    With up to 13 groups that differ, all sign patterns are tried. Beyond that a random sample is,
    and the given labelling counts as one of it, so that the p-value never is 0.

    Args:
        first: float64 (q,), a metric of each query in one run.
        second: float64 (q,), the same queries in the other run, in the same order.
        groups: one label a query; the signs of a group flip together.
        permutations: size of the sample, at least 100.
        seed: the same seed gives the same answer.

    Raises:
        EvaluationError: if the runs differ in length, are empty or not finite.
        SettingError: if ``permutations`` is out of range.
    """
    if len(first) != len(second):
        raise EvaluationError(
            f"the runs hold {len(first)} and {len(second)} queries: give the same queries in the "
            f"same order"
        )
    difference = bootstrap_mean(second - first, groups=groups, resamples=permutations, seed=seed)
    sums, _ = _units(second - first, groups)
    # A group without a difference adds nothing under either sign.
    sums = sums[sums != 0]
    observed = abs(sums.sum())
    # Sums of the same numbers in another order may differ in their last digits.
    limit = observed - 1e-12 * np.abs(sums).sum()
    exact = len(sums) <= _EXACT_UNITS
    if exact:
        patterns = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        p_value = float((np.abs((1.0 - 2.0 * patterns) @ sums) >= limit).mean())
    else:
        extreme = 1
        for signs in _random_signs(permutations - 1, len(sums), seed):
            extreme += int((np.abs(signs @ sums) >= limit).sum())
        p_value = extreme / permutations
    return PairedTest(difference=difference, p_value=p_value, exact=exact)


def _units(
    values: NDArray[np.float64], groups: Sequence[Hashable] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and size of each group, in the order the groups first appear."""
    if len(values) == 0:
        raise EvaluationError("there are no values to judge: give at least one query")
    if not np.isfinite(values).all():
        raise EvaluationError(
            f"value {int(np.flatnonzero(~np.isfinite(values))[0])} is not finite: drop queries "
            f"without a value first"
        )
    if groups is None:
        return values.astype(np.float64), np.ones(len(values))
    if len(groups) != len(values):
        raise EvaluationError(f"{len(groups)} groups for {len(values)} values: give one each")
    numbers: dict[Hashable, int] = {}
    owner = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    sums = np.bincount(owner, weights=values).astype(np.float64)
    return sums, np.bincount(owner).astype(np.float64)


def _resampled_means(
    sums: NDArray[np.float64], sizes: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    count = len(sums)
    even = bool((sizes == sizes[0]).all())
    means = np.empty(resamples)
    # A sample larger than the scratch space is drawn in several goes.
    rows, width = max(1, _DRAWS // count), min(count, _DRAWS)
    for top in range(0, resamples, rows):
        height = min(rows, resamples - top)
        total, size = np.zeros(height), np.zeros(height)
        for left in range(0, count, width):
            drawn = rng.integers(0, count, (height, min(width, count - left)), dtype=np.uint32)
            total += sums[drawn].sum(axis=1)
            size += sizes[0] * drawn.shape[1] if even else sizes[drawn].sum(axis=1)
        means[top : top + height] = total / size
    return means


def _corrected(
    tails: NDArray[np.float64],
    means: NDArray[np.float64],
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Shift the two percentiles for bias and skewness."""
    normal = NormalDist()
    mean = sums.sum() / sizes.sum()
    # Ties count half, or means of few distinct values would look biased.
    below = float((means < mean).mean() + (means == mean).mean() / 2)
    if len(sums) < 2 or not 0 < below < 1:
        return tails
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    away = left_out.mean() - left_out
    spread = float((away**2).sum())
    if spread == 0:
        return tails
    acceleration = float((away**3).sum()) / (6 * spread**1.5)
    bias = normal.inv_cdf(below)
    shifted = [bias + normal.inv_cdf(float(tail)) for tail in tails]
    return np.array([normal.cdf(bias + z / (1 - acceleration * z)) for z in shifted])


def _random_signs(count: int, units: int, seed: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    rows = max(1, _DRAWS // units)
    for top in range(0, count, rows):
        height = min(rows, count - top)
        bits = np.frombuffer(rng.bytes(height * ((units + 7) // 8)), dtype=np.uint8)
        flips = np.unpackbits(bits.reshape(height, -1), axis=1, count=units)
        yield 1.0 - 2.0 * flips.astype(np.float64)
