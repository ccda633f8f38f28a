from __future__ import annotations

import math

import numpy as np
import pytest

from findalike.errors import EvaluationError, SettingError
from findalike.evaluation.matches import Matches, find_matches
from findalike.evaluation.metrics import (
    apply_policy,
    average_precision_at_k,
    first_relevant_rank,
    found_share_at_k,
    mean_over_queries,
    ndcg_at_k,
    precision_at_k,
    r_precision,
    recall_at_k,
    reciprocal_rank,
)
from findalike.evaluation.relevance import Relevance


def one(ranked: list[int], relevant: list[int]) -> Matches:
    return find_matches(np.array([ranked], dtype=np.int64), Relevance.from_lists([relevant]))


# Ranking 10, 11, 12, 13, 14 with right answers at ranks 1, 3 and one never found.
WORKED = one([10, 11, 12, 13, 14], [10, 12, 99])


def test_average_precision_divides_by_all_relevant_images() -> None:
    assert average_precision_at_k(WORKED, 5)[0] == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert average_precision_at_k(WORKED, 2)[0] == pytest.approx((1 / 1) / 3)


def test_average_precision_counts_relevant_images_beyond_k() -> None:
    # Four right answers, all ranked first, but k = 2: at best 2 / 4, not 1.
    assert average_precision_at_k(one([0, 1, 2, 3], [0, 1, 2, 3]), 2)[0] == pytest.approx(0.5)


def test_the_other_metrics_by_hand() -> None:
    assert [recall_at_k(WORKED, k)[0] for k in (1, 2, 5)] == [1, 1, 1]
    assert [found_share_at_k(WORKED, k)[0] for k in (1, 2, 3, 5)] == pytest.approx(
        [1 / 3, 1 / 3, 2 / 3, 2 / 3]
    )
    assert [precision_at_k(WORKED, k)[0] for k in (1, 2, 3, 5)] == pytest.approx(
        [1, 1 / 2, 2 / 3, 2 / 5]
    )
    assert reciprocal_rank(WORKED, 5)[0] == 1
    assert r_precision(WORKED)[0] == pytest.approx(2 / 3)
    dcg = 1 / math.log2(2) + 1 / math.log2(4)
    best = dcg + 1 / math.log2(3)
    assert ndcg_at_k(WORKED, 5)[0] == pytest.approx(dcg / best)


def test_first_right_answer_low_down() -> None:
    late = one([5, 6, 7, 8], [8])
    assert reciprocal_rank(late, 4)[0] == 0.25
    assert reciprocal_rank(late, 3)[0] == 0
    assert first_relevant_rank(late, 4)[0] == 4
    assert first_relevant_rank(late, 3)[0] == 0
    assert recall_at_k(late, 3)[0] == 0
    assert ndcg_at_k(late, 4)[0] == pytest.approx(1 / math.log2(5))


def test_k_beyond_the_ranking_is_fine_and_precision_still_divides_by_k() -> None:
    assert precision_at_k(WORKED, 1000)[0] == pytest.approx(2 / 1000)
    assert average_precision_at_k(WORKED, 1000)[0] == average_precision_at_k(WORKED, 5)[0]


def test_an_empty_ranking_scores_nothing() -> None:
    empty = one([-1, -1], [0])
    for value in (average_precision_at_k(empty, 5), recall_at_k(empty, 5), ndcg_at_k(empty, 5)):
        assert value.tolist() == [0]


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_is_refused(k: int) -> None:
    for metric in (average_precision_at_k, recall_at_k, precision_at_k, ndcg_at_k):
        with pytest.raises(SettingError, match=f"k is {k}"):
            metric(WORKED, k)


class TestEmptyPolicy:
    VALUES = np.array([1.0, np.nan, 0.5, np.nan])

    def test_every_metric_is_nan_without_a_relevant_image(self) -> None:
        nothing = one([1, 2], [])
        for values in (
            average_precision_at_k(nothing, 2),
            recall_at_k(nothing, 2),
            found_share_at_k(nothing, 2),
            precision_at_k(nothing, 2),
            reciprocal_rank(nothing, 2),
            r_precision(nothing),
            ndcg_at_k(nothing, 2),
        ):
            assert np.isnan(values).all()

    def test_skip_and_zero(self) -> None:
        assert mean_over_queries(self.VALUES) == 0.75
        assert mean_over_queries(self.VALUES, empty="zero") == 0.375

    def test_error_names_the_rows(self) -> None:
        with pytest.raises(EvaluationError, match=r"2 of 4 queries .* \(rows 1, 3\)"):
            apply_policy(self.VALUES, "error")
        assert apply_policy(np.array([0.5]), "error").tolist() == [0.5]

    @pytest.mark.parametrize("empty", ["skip", "zero", "error"])
    def test_no_judgeable_query_is_an_error(self, empty) -> None:
        with pytest.raises(EvaluationError, match="none of the 2 queries has a relevant"):
            mean_over_queries(np.array([np.nan, np.nan]), empty=empty)
        with pytest.raises(EvaluationError, match="no queries"):
            mean_over_queries(np.array([]), empty=empty)

    def test_unknown_policy(self) -> None:
        with pytest.raises(SettingError, match="unknown policy 'drop'"):
            apply_policy(self.VALUES, "drop")  # type: ignore[arg-type]


def test_everything_found_first_is_one() -> None:
    perfect = one([3, 1, 0, 2], [1, 3])
    for values in (
        average_precision_at_k(perfect, 4),
        recall_at_k(perfect, 4),
        found_share_at_k(perfect, 4),
        reciprocal_rank(perfect, 4),
        r_precision(perfect),
        ndcg_at_k(perfect, 4),
    ):
        assert values.tolist() == [1.0]
