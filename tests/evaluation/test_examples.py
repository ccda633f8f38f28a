from __future__ import annotations

import numpy as np

from findalike.evaluation.examples import Showcase, choose_examples, example
from findalike.evaluation.relevance import Relevance
from findalike.evaluation.result import QueryOutcomes


def outcomes(precision: list[float], products: list[str], ranks: list[int]) -> QueryOutcomes:
    count = len(precision)
    values = np.array(precision)
    return QueryOutcomes(
        query_ids=tuple(str(i) for i in range(count)),
        product_ids=tuple(products),
        relevant=np.where(np.isnan(values), 0, 1),
        average_precision=values,
        first_relevant_rank=np.array(ranks),
        top_image_ids=("",) * count,
        top_scores=np.full(count, np.nan),
    )


def test_worst_median_best() -> None:
    precision = [i / 20 for i in range(21)]
    ranks = [0, *[5] * 20]
    chosen = choose_examples(outcomes(precision, [str(i) for i in range(21)], ranks), count=2)
    assert list(chosen) == ["worst", "median", "best"]
    assert chosen["worst"] == [0, 1]
    assert chosen["median"] == [10, 9]
    assert chosen["best"] == [20, 19]


def test_products_appear_once_while_others_are_left() -> None:
    precision = [0.0, 0.1, 0.2, 0.3] + [0.6] * 8
    products = ["a", "a", "a", "b"] + [str(i) for i in range(8)]
    chosen = choose_examples(outcomes(precision, products, [1] * 12), count=2)
    assert chosen["worst"] == [0, 3]
    only = choose_examples(outcomes([0.0, 0.1, 0.2] * 3, ["a"] * 9, [1] * 9), count=2)
    assert len(only["worst"]) == 2


def test_a_lower_first_rank_is_worse_and_none_is_worst() -> None:
    ranks = [3, 40, 0, 9, 9, 9, 9, 9, 9]
    chosen = choose_examples(
        outcomes([0.01] * 3 + [0.5] * 6, [str(i) for i in range(9)], ranks), count=3
    )
    assert chosen["worst"] == [2, 1, 0]


def test_no_query_is_shown_twice_and_unjudged_ones_never() -> None:
    for count in range(1, 8):
        precision = [0.5] * count + [np.nan] * 3
        chosen = choose_examples(
            outcomes(precision, [""] * (count + 3), [1] * (count + 3)), count=5
        )
        rows = [row for group in chosen.values() for row in group]
        assert len(rows) == len(set(rows))
        assert all(row < count for row in rows)
    assert choose_examples(outcomes([np.nan], [""], [0]), count=5) == {
        "worst": [],
        "median": [],
        "best": [],
    }


def showcase(ranked: list[int], relevant: list[int]) -> Showcase:
    return Showcase(
        ranked=np.array([ranked]),
        relevance=Relevance.from_lists([relevant]),
        query_picture=lambda _: None,
        query_box=lambda _: None,
        gallery_picture=lambda _: None,
        gallery_title=str,
        scores=np.linspace(1, 0, len(ranked), dtype=np.float32)[None],
    )


def test_matches_and_the_first_right_one_further_down() -> None:
    shown = example(showcase([5, 6, 7, 8, 9], [8, 9]), 0, shown=2)
    assert [(m.position, m.rank, m.right) for m in shown.matches] == [(5, 1, False), (6, 2, False)]
    assert shown.first_right is not None
    assert (shown.first_right.position, shown.first_right.rank) == (8, 4)
    assert shown.first_right.score == 0.25


def test_no_further_one_where_a_right_one_is_shown_or_none_exists() -> None:
    assert example(showcase([5, 6, 7], [6]), 0, shown=2).first_right is None
    assert example(showcase([5, 6, 7], [1]), 0, shown=2).first_right is None
    short = example(showcase([5, -1, -1], [1]), 0, shown=3)
    assert len(short.matches) == 1
