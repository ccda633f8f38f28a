from __future__ import annotations

import numpy as np
import pytest

from findalike.errors import EvaluationError
from findalike.evaluation.relevance import Relevance


def as_lists(relevance: Relevance) -> list[list[int]]:
    return [relevance[i].tolist() for i in range(len(relevance))]


def test_lists_are_sorted_and_repeats_dropped() -> None:
    relevance = Relevance.from_lists([[5, 2, 5], [], [0]])
    assert as_lists(relevance) == [[2, 5], [], [0]]
    assert relevance.counts.tolist() == [2, 0, 1]


@pytest.mark.parametrize("bad", [-1, 2**31 - 1])
def test_positions_outside_the_gallery_range_are_refused(bad: int) -> None:
    with pytest.raises(EvaluationError, match=f"query 1 has the relevant gallery position {bad}"):
        Relevance.from_lists([[0], [3, bad]])


def test_products_match_by_id_and_unknown_ones_match_nothing() -> None:
    relevance = Relevance.from_products(
        ["b", None, "zz", "a", "", "b"], ["a", "b", None, "a", "", "b"]
    )
    assert as_lists(relevance) == [[1, 5], [], [], [0, 3], [], [1, 5]]


def test_products_agree_with_a_plain_loop_on_random_cases() -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        names = [None, *(str(i) for i in range(int(rng.integers(1, 9))))]
        queries = [names[i] for i in rng.integers(0, len(names), int(rng.integers(0, 12)))]
        gallery = [names[i] for i in rng.integers(0, len(names), int(rng.integers(0, 30)))]
        exclude = rng.integers(-1, max(1, len(gallery)), len(queries))
        expected = [
            [j for j, p in enumerate(gallery) if q is not None and p == q and j != skipped]
            for q, skipped in zip(queries, exclude, strict=True)
        ]
        relevance = Relevance.from_products(queries, gallery, exclude=exclude)
        assert as_lists(relevance) == expected


def test_a_wrong_number_of_exclusions_is_refused() -> None:
    with pytest.raises(EvaluationError, match="2 excluded positions for 1 queries"):
        Relevance.from_products(["a"], ["a"], exclude=np.array([0, 1]))


def test_a_million_queries_take_megabytes() -> None:
    products = [str(i % 50_000) for i in range(1_000_000)]
    relevance = Relevance.from_products(products, products[:150_000])
    assert len(relevance) == 1_000_000
    assert set(relevance.counts.tolist()) == {3}
    assert relevance.positions.nbytes + relevance.offsets.nbytes < 40_000_000
