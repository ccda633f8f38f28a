"""Queries worth looking at: the worst, the median and the best, with their matches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from findalike.evaluation.relevance import Ranking, Relevance
from findalike.evaluation.result import QueryOutcomes
from findalike.types import Box, Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Showcase:
    """What it takes to show a query: its ranking, the truth, and where pictures come from.

    Attributes:
        ranked: signed integers (q, n), gallery positions in rank order, -1 after the last.
        relevance: the right answers of the same queries.
        scores: float32 (q, n), the score of each ranked image; None if unknown.
        query_picture: the whole photo of a query, by row; None where it can't be read.
        query_box: the box that was searched, in pixels of that photo; None for all of it.
        gallery_picture: the picture of a gallery image, by position; None where it can't be read.
        gallery_title: what to write under it, by position.
    """

    ranked: Ranking
    relevance: Relevance
    query_picture: Callable[[int], Pixels | None]
    query_box: Callable[[int], Box | None]
    gallery_picture: Callable[[int], Pixels | None]
    gallery_title: Callable[[int], str]
    scores: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class ExampleMatch:
    """One picture beside a query; ``position`` is its place in the gallery."""

    position: int
    rank: int
    score: float | None
    right: bool


@dataclass(frozen=True, slots=True)
class Example:
    """One query with its first matches.

    Attributes:
        row: the query's row.
        matches: best first.
        first_right: the first right match, where it is ranked below those shown; else None.
    """

    row: int
    matches: tuple[ExampleMatch, ...]
    first_right: ExampleMatch | None


def choose_examples(outcomes: QueryOutcomes, *, count: int) -> dict[str, list[int]]:
    """Rows of the worst, the median and the best judged queries, by average precision.

    Within a group each product appears once as long as others are left, since ten photos of one
    product fail for one reason. No query is in two groups.

    Args:
        outcomes: what became of each query.
        count: queries a group, fewer where there aren't enough.
    """
    precision = outcomes.average_precision
    judged = np.flatnonzero(outcomes.relevant > 0)
    ranks = outcomes.first_relevant_rank.astype(np.float64)
    ranks[ranks == 0] = np.inf
    worst = judged[np.lexsort((judged, -ranks[judged], precision[judged]))]
    median = float(np.median(precision[judged])) if len(judged) else 0.0
    centre = judged[np.lexsort((judged, np.abs(precision[judged] - median)))]
    best = judged[np.lexsort((judged, -outcomes.relevant[judged], -precision[judged]))]
    count = min(count, -(-len(judged) // 3))
    taken: set[int] = set()
    groups = {}
    for name, order in (("worst", worst), ("best", best), ("median", centre)):
        free = [row for row in order.tolist() if row not in taken]
        groups[name] = _one_a_product(free, outcomes.product_ids, count)
        taken.update(groups[name])
    return {name: groups[name] for name in ("worst", "median", "best")}


def example(showcase: Showcase, row: int, *, shown: int) -> Example:
    """The first ``shown`` matches of a query, and its first right one if that's further down."""
    ranking = showcase.ranked[row]
    right = np.isin(ranking, showcase.relevance[row]) & (ranking >= 0)

    def match(place: int) -> ExampleMatch:
        score = None if showcase.scores is None else float(showcase.scores[row, place])
        return ExampleMatch(int(ranking[place]), place + 1, score, bool(right[place]))

    length = int((ranking >= 0).sum())
    found = np.flatnonzero(right)
    below = len(found) > 0 and found[0] >= shown
    return Example(
        row=row,
        matches=tuple(match(place) for place in range(min(shown, length))),
        first_right=match(int(found[0])) if below else None,
    )


def _one_a_product(rows: list[int], products: Sequence[str], count: int) -> list[int]:
    seen: set[str] = set()
    first: list[int] = []
    further: list[int] = []
    for row in rows:
        (further if products[row] and products[row] in seen else first).append(row)
        seen.add(products[row])
    chosen = set((first + further)[:count])
    return [row for row in rows if row in chosen]
