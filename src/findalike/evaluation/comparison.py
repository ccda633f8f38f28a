"""Two runs over the same queries: is one really better?"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from findalike.errors import EvaluationError
from findalike.evaluation.result import EvaluationResult
from findalike.evaluation.significance import PairedTest, paired_permutation_test


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a second run differs from a first, over the queries both have judged.

    Attributes:
        first: encoder of the first run; ``second`` that of the second.
        queries: number of queries compared.
        only_first: judged queries of the first run that the second hasn't; ``only_second`` the
            other way round.
        map_first: mAP@k of the first run over the compared queries; ``map_second`` likewise.
        map_test: test of the difference of the two, second minus first.
        recall_at_1_test: the same for the share of right first matches.
        better: queries whose AP rose; ``worse`` those whose AP fell; the rest is equal.
        notes: what makes the two runs less than comparable, in words; often empty.
    """

    first: str
    second: str
    queries: int
    only_first: int
    only_second: int
    map_first: float
    map_second: float
    map_test: PairedTest
    recall_at_1_test: PairedTest
    better: int
    worse: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for :func:`json.dumps`."""
        return asdict(self)

    def sentence(self) -> str:
        """The outcome in one line."""
        change = self.map_test.difference
        verdict = (
            f"{self.second} is {'better' if change.mean > 0 else 'worse'} than {self.first}"
            if self.map_test.p_value < 0.05
            else f"no difference between {self.first} and {self.second} can be told from chance"
        )
        return (
            f"{verdict}: mAP {self.map_first:.4f} → {self.map_second:.4f}, difference "
            f"{change.mean:+.4f} (95 % interval {change.low:+.4f} to {change.high:+.4f}), "
            f"p = {self.map_test.p_value:.2g} over {self.queries:,} shared queries"
        )


def compare(first: EvaluationResult, second: EvaluationResult, *, seed: int = 0) -> Comparison:
    """Pair two runs by query id and test the difference of their mAP and R@1.

    Signs are flipped a product at a time where queries share products, as the intervals of
    :func:`~findalike.evaluation.judging.judge` are drawn.

    Raises:
        EvaluationError: if the runs judged at different k, or share no judged query.
    """
    if first.figures.k != second.figures.k:
        raise EvaluationError(
            f"{first.encoder} was judged at k = {first.figures.k}, {second.encoder} at "
            f"k = {second.figures.k}: evaluate both at the same k"
        )
    rows_first, rows_second = _judged(first), _judged(second)
    shared = [query for query in rows_first if query in rows_second]
    if not shared:
        raise EvaluationError(
            f"{first.encoder} and {second.encoder} share none of their {len(rows_first)} and "
            f"{len(rows_second)} judged queries: compare runs over the same queries.csv"
        )
    a = np.array([rows_first[query] for query in shared])
    b = np.array([rows_second[query] for query in shared])
    products = [first.outcomes.product_ids[row] for row in a.tolist()]
    groups: list[Hashable] = [p or ("query", row) for row, p in enumerate(products)]
    ap_first = first.outcomes.average_precision[a]
    ap_second = second.outcomes.average_precision[b]
    hit_first = (first.outcomes.first_relevant_rank[a] == 1).astype(np.float64)
    hit_second = (second.outcomes.first_relevant_rank[b] == 1).astype(np.float64)
    return Comparison(
        first=first.encoder,
        second=second.encoder,
        queries=len(shared),
        only_first=len(rows_first) - len(shared),
        only_second=len(rows_second) - len(shared),
        map_first=float(ap_first.mean()),
        map_second=float(ap_second.mean()),
        map_test=paired_permutation_test(ap_first, ap_second, groups=groups, seed=seed),
        recall_at_1_test=paired_permutation_test(hit_first, hit_second, groups=groups, seed=seed),
        better=int((ap_second > ap_first).sum()),
        worse=int((ap_second < ap_first).sum()),
        notes=tuple(_notes(first, second, a, b)),
    )


def _judged(result: EvaluationResult) -> dict[str, int]:
    """Row of each query that has a relevant image, by its id."""
    outcomes = result.outcomes
    return {
        query: row for row, query in enumerate(outcomes.query_ids) if outcomes.relevant[row] > 0
    }


def _notes(
    first: EvaluationResult,
    second: EvaluationResult,
    a: np.typing.NDArray[np.int64],
    b: np.typing.NDArray[np.int64],
) -> list[str]:
    notes = []
    sizes = first.figures.gallery_images, second.figures.gallery_images
    if sizes[0] != sizes[1]:
        notes.append(f"the galleries differ: {sizes[0]:,} and {sizes[1]:,} images")
    changed = int((first.outcomes.relevant[a] != second.outcomes.relevant[b]).sum())
    if changed:
        notes.append(f"{changed:,} shared queries have other numbers of relevant images")
    if first.protocol != second.protocol:
        notes.append("the protocols differ: read both")
    return notes
