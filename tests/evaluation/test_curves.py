from __future__ import annotations

import numpy as np
import pytest

from findalike.evaluation.curves import RECALL_LEVELS, draw_curves, interpolated_precision
from findalike.evaluation.matches import find_matches
from findalike.evaluation.relevance import Relevance

# Right answers of the first query at ranks 1 and 3 of two; of the second at rank 2 of four.
MATCHES = find_matches(
    np.array([[0, 1, 2, 3], [5, 4, 6, -1], [0, 1, 2, 3]]),
    Relevance.from_lists([[0, 2], [4, 7, 8, 9], []]),
)


def test_interpolated_precision_by_hand() -> None:
    levels = interpolated_precision(MATCHES, 10)
    assert levels[0].tolist() == pytest.approx([1.0] * 6 + [2 / 3] * 5)
    assert levels[1].tolist() == pytest.approx([0.5] * 3 + [0.0] * 8)
    assert np.isnan(levels[2]).all()
    assert interpolated_precision(MATCHES, 2)[0].tolist() == pytest.approx([1.0] * 6 + [0.0] * 5)


def test_precision_is_the_best_from_there_on() -> None:
    # Ranks 2, 3, 4: precision rises 1/2, 2/3, 3/4, so the last is the best at every level.
    late = find_matches(np.array([[9, 0, 1, 2]]), Relevance.from_lists([[0, 1, 2]]))
    assert interpolated_precision(late, 10)[0].tolist() == pytest.approx([0.75] * 11)


def test_curves_are_means_over_judged_queries() -> None:
    curves = draw_curves(MATCHES, 4)
    assert curves.ranks == (1, 2, 3, 4)
    assert curves.recall == (0.5, 1.0, 1.0, 1.0)
    assert curves.found_share == pytest.approx((0.25, 0.375, 0.625, 0.625))
    assert len(curves.precision) == len(RECALL_LEVELS)
    assert curves.precision[0] == pytest.approx(0.75)
    assert curves.scores is None
    zeroed = draw_curves(MATCHES, 4, empty="zero")
    assert zeroed.recall[1] == pytest.approx(2 / 3)


def test_ranks_end_at_k() -> None:
    assert draw_curves(MATCHES, 1000).ranks[-3:] == (500, 700, 1000)
    assert draw_curves(MATCHES, 1).ranks == (1,)
    assert draw_curves(MATCHES, 60).ranks == (1, 2, 3, 5, 7, 10, 20, 30, 50, 60)


def test_histogram_tells_right_from_wrong_first_matches() -> None:
    scores = np.array([0.9, 0.4, 0.8], dtype=np.float32)
    histogram = draw_curves(MATCHES, 4, first_scores=scores).scores
    assert histogram is not None
    # The third query has no right answer, so its first match is neither.
    assert sum(histogram.right) == 1
    assert sum(histogram.wrong) == 1
    assert histogram.right[-1] == 1
    assert histogram.wrong[0] == 1
    assert histogram.edges[0] == pytest.approx(0.4)
    assert histogram.edges[-1] == pytest.approx(0.9)


def test_histogram_of_equal_or_absent_scores() -> None:
    same = draw_curves(MATCHES, 4, first_scores=np.full(3, 0.5, np.float32)).scores
    assert same is not None
    assert sum(same.right) + sum(same.wrong) == 2
    none = draw_curves(MATCHES, 4, first_scores=np.full(3, -np.inf, np.float32)).scores
    assert none is not None
    assert sum(none.right) + sum(none.wrong) == 0
