"""Retrieval metrics of single queries, each a pure function of where the right answers stand.

Every function returns float64 (q,), larger is better, within [0, 1]. A query without any relevant
gallery image has no value: its entry is NaN, and :func:`mean_over_queries` says what becomes of
it. Libraries differ here and in the divisors, so each definition is spelt out.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError, SettingError
from findalike.evaluation.matches import Matches

EmptyPolicy: TypeAlias = Literal["skip", "zero", "error"]
"""What a query without relevant images does to a mean: left out, counted as 0, or refused."""

PerQuery: TypeAlias = NDArray[np.float64]


def average_precision_at_k(matches: Matches, k: int) -> PerQuery:
    """AP@k: the sum over ranks r ≤ k of P@r · rel@r, divided by ALL relevant gallery images.

    The divisor counts relevant images beyond rank k too, as in the AIcrowd Visual Product
    Recognition challenge of 2023 and in trec_eval's ``map_cut``. Others divide by
    min(relevant, k), which is larger when a product has more than k images.

    Raises:
        SettingError: if k is below 1.
    """
    within = _within(matches, k)
    gains = matches.ordinals[within] / matches.ranks[within]
    return _ratio(_sums(matches, within, gains), matches.relevant)


def recall_at_k(matches: Matches, k: int) -> PerQuery:
    """R@k as the field quotes it on SOP and In-shop: 1 if any of the first k is relevant, else 0.

    Elsewhere this is called hit rate or success; for the share of the relevant images that is
    within the first k see :func:`found_share_at_k`.

    Raises:
        SettingError: if k is below 1.
    """
    hit = (_sums(matches, _within(matches, k)) > 0).astype(np.float64)
    return _defined(hit, matches)


def found_share_at_k(matches: Matches, k: int) -> PerQuery:
    """The share of all relevant gallery images that is within the first k; trec_eval's ``recall``.

    Raises:
        SettingError: if k is below 1.
    """
    return _ratio(_sums(matches, _within(matches, k)), matches.relevant)


def precision_at_k(matches: Matches, k: int) -> PerQuery:
    """The relevant images within the first k, divided by k, also where a ranking is shorter.

    Raises:
        SettingError: if k is below 1.
    """
    return _defined(_sums(matches, _within(matches, k)) / k, matches)


def reciprocal_rank(matches: Matches, k: int) -> PerQuery:
    """1 / rank of the first relevant image, 0 if none is within the first k.

    Raises:
        SettingError: if k is below 1.
    """
    ranks = first_relevant_rank(matches, k)
    values = np.divide(1.0, ranks, out=np.zeros(len(matches)), where=ranks > 0)
    return _defined(values, matches)


def r_precision(matches: Matches) -> PerQuery:
    """Precision at rank R, where R is the query's own number of relevant gallery images."""
    within = matches.ranks <= np.repeat(matches.relevant, np.diff(matches.offsets))
    return _ratio(_sums(matches, within), matches.relevant)


def ndcg_at_k(matches: Matches, k: int) -> PerQuery:
    """Discounted cumulative gain with relevance 0 or 1 and discount log2(rank + 1), over the best.

    The best possible ranking has min(k, relevant) right answers first (Järvelin and Kekäläinen,
    "Cumulated gain-based evaluation of IR techniques", 2002, in the log2(rank + 1) form).

    Raises:
        SettingError: if k is below 1.
    """
    within = _within(matches, k)
    gained = _sums(matches, within, 1.0 / np.log2(matches.ranks[within] + 1))
    deepest = int(min(k, matches.relevant.max(initial=0)))
    ideal = np.concatenate(([0.0], np.cumsum(1.0 / np.log2(np.arange(deepest) + 2))))
    return _ratio(gained, ideal[np.minimum(matches.relevant, k)])


def first_relevant_rank(matches: Matches, k: int) -> NDArray[np.int64]:
    """Rank of the first relevant image, int64 (q,); 0 if none is within the first k.

    Raises:
        SettingError: if k is below 1.
    """
    _check_k(k)
    ranks = np.zeros(len(matches), dtype=np.int64)
    some = np.diff(matches.offsets) > 0
    ranks[some] = matches.ranks[matches.offsets[:-1][some]]
    ranks[ranks > k] = 0
    return ranks


def apply_policy(values: PerQuery, empty: EmptyPolicy) -> PerQuery:
    """Drop, zero or refuse the entries that are NaN for want of a relevant image.

    Raises:
        EvaluationError: under ``error``, naming the first such queries; and under any policy if
            no query at all has a relevant image.
        SettingError: for an unknown policy.
    """
    missing = np.isnan(values)
    if empty not in ("skip", "zero", "error"):
        raise SettingError(f"unknown policy {empty!r} for empty queries: skip, zero or error")
    if len(values) == 0:
        raise EvaluationError("there are no queries to judge: give at least one")
    if missing.all():
        raise EvaluationError(
            f"none of the {len(values)} queries has a relevant gallery image: check that the "
            f"product ids of queries and gallery are written alike"
        )
    if empty == "error" and missing.any():
        rows = np.flatnonzero(missing)
        shown = ", ".join(str(row) for row in rows[:5])
        raise EvaluationError(
            f"{len(rows)} of {len(values)} queries have no relevant gallery image (rows {shown}"
            f"{', …' if len(rows) > 5 else ''}): add their products to the gallery, drop them, or "
            f"choose the policy skip or zero"
        )
    return values[~missing] if empty == "skip" else np.where(missing, 0.0, values)


def mean_over_queries(values: PerQuery, *, empty: EmptyPolicy = "skip") -> float:
    """The mean of a per-query metric; for :func:`average_precision_at_k` this is mAP@k.

    Raises:
        EvaluationError: as :func:`apply_policy`.
    """
    return float(apply_policy(values, empty).mean())


def _check_k(k: int) -> None:
    if k < 1:
        raise SettingError(f"k is {k}: give a number of ranks of at least 1")


def _within(matches: Matches, k: int) -> NDArray[np.bool_]:
    _check_k(k)
    return matches.ranks <= k


def _sums(matches: Matches, chosen: NDArray[np.bool_], gains: PerQuery | None = None) -> PerQuery:
    """Sum ``gains`` (one for each chosen rank; 1 each if None) within each query."""
    sums = np.bincount(matches.queries[chosen], weights=gains, minlength=len(matches))
    return sums.astype(np.float64)


def _ratio(values: PerQuery, divisors: NDArray[np.int64] | PerQuery) -> PerQuery:
    ratios = np.full(len(values), np.nan)
    np.divide(values, divisors, out=ratios, where=divisors > 0)
    return ratios


def _defined(values: PerQuery, matches: Matches) -> PerQuery:
    return np.where(matches.relevant > 0, values, np.nan)
