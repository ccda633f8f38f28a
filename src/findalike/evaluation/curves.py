"""The curves of a report: recall by rank, precision by recall, and scores of first matches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from findalike.evaluation.matches import Matches
from findalike.evaluation.metrics import (
    EmptyPolicy,
    PerQuery,
    found_share_at_k,
    mean_over_queries,
    recall_at_k,
)

RECALL_LEVELS = tuple(step / 10 for step in range(11))
HISTOGRAM_BINS = 30


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often a first match had a score, apart for right and wrong ones.

    Attributes:
        edges: bin edges, ascending, one more than the bins.
        right: first matches that are relevant, a count for each bin.
        wrong: first matches that are not.
    """

    edges: tuple[float, ...]
    right: tuple[int, ...]
    wrong: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """What a report draws, small enough to be kept beside the figures.

    Attributes:
        ranks: the ranks at which the next two are given, ascending, the last being k.
        recall: mean of :func:`~findalike.evaluation.metrics.recall_at_k`, a value each rank.
        found_share: mean of :func:`~findalike.evaluation.metrics.found_share_at_k`.
        precision: mean interpolated precision at the recall levels 0, 0.1, … 1.
        scores: scores of the first matches; None where a ranking came without scores.
    """

    ranks: tuple[int, ...]
    recall: tuple[float, ...]
    found_share: tuple[float, ...]
    precision: tuple[float, ...]
    scores: Histogram | None = None


def draw_curves(
    matches: Matches,
    k: int,
    *,
    empty: EmptyPolicy = "skip",
    first_scores: NDArray[np.float32] | None = None,
) -> Curves:
    """Work out all curves of a run.

    Args:
        matches: where the right answers stand.
        k: the deepest rank looked at.
        empty: what queries without relevant images do to the means.
        first_scores: float32 (q,), score of each query's first match, -inf for no match.
    """
    ranks = _ranks_up_to(k)
    precision = interpolated_precision(matches, k)
    return Curves(
        ranks=ranks,
        recall=tuple(mean_over_queries(recall_at_k(matches, r), empty=empty) for r in ranks),
        found_share=tuple(
            mean_over_queries(found_share_at_k(matches, r), empty=empty) for r in ranks
        ),
        precision=tuple(mean_over_queries(column, empty=empty) for column in precision.T),
        scores=None if first_scores is None else _histogram(matches, first_scores),
    )


def interpolated_precision(matches: Matches, k: int) -> PerQuery:
    """Precision at eleven levels of recall, float64 (q, 11), as trec_eval's ``iprec_at_recall``.

    At level r it is the highest precision at any rank ≤ k where at least the share r of all
    relevant gallery images has been found, and 0 where that share is never reached. NaN for a
    query without relevant images.
    """
    # Appended: reduceat wants every index, the end of the last row too, inside the array.
    within = matches.ranks <= k
    values = np.append(np.where(within, matches.ordinals / matches.ranks, 0.0), 0.0)
    starts, ends = matches.offsets[:-1], matches.offsets[1:]
    levels = np.full((len(matches), len(RECALL_LEVELS)), np.nan)
    for column, level in enumerate(RECALL_LEVELS):
        # The small term keeps 0.3 * 10 from being rounded up to 4.
        needed = np.maximum(np.ceil(level * matches.relevant - 1e-9).astype(np.int64), 1)
        first = starts + needed - 1
        reached = (first < ends) & (matches.relevant > 0)
        levels[matches.relevant > 0, column] = 0.0
        if reached.any():
            bounds = np.stack([first[reached], ends[reached]], axis=1).ravel()
            levels[reached, column] = np.maximum.reduceat(values, bounds)[::2]
    return levels


def _ranks_up_to(k: int) -> tuple[int, ...]:
    steps = (step * 10**power for power in range(10) for step in (1, 2, 3, 5, 7))
    return (*(rank for rank in steps if rank < k), k)


def _histogram(matches: Matches, first_scores: NDArray[np.float32]) -> Histogram:
    right = np.zeros(len(matches), dtype=np.bool_)
    right[matches.queries[matches.ranks == 1]] = True
    judged = np.isfinite(first_scores) & (matches.relevant > 0)
    scores = first_scores[judged].astype(np.float64)
    low, high = (scores.min(), scores.max()) if len(scores) else (0.0, 1.0)
    if low == high:
        low, high = low - 0.05, high + 0.05
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    counts = [np.histogram(scores[mask], edges)[0] for mask in (right[judged], ~right[judged])]
    return Histogram(
        edges=tuple(float(edge) for edge in edges),
        right=tuple(int(n) for n in counts[0]),
        wrong=tuple(int(n) for n in counts[1]),
    )
