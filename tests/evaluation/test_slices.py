from __future__ import annotations

import numpy as np
import pytest

from findalike.errors import EvaluationError
from findalike.evaluation.slices import MISSING, OTHERS, slice_by


def test_text_values_by_size_with_the_rest_and_the_missing_last() -> None:
    cells = ["fruit"] * 12 + ["milk"] * 20 + ["soap"] * 3 + ["rice"] * 4 + [None] * 5 + [""] * 6
    ap = np.linspace(0, 1, len(cells))
    found = slice_by({"category": cells}, ap)
    assert [(s.value, s.queries) for s in found] == [
        ("milk", 20),
        ("fruit", 12),
        (OTHERS, 7),
        (MISSING, 11),
    ]
    assert found[1].map_at_k == pytest.approx(ap[:12].mean())
    assert all(s.ci95[0] <= s.map_at_k <= s.ci95[1] for s in found)
    assert sum(s.queries for s in found) == len(cells)


def test_min_queries_is_the_limit() -> None:
    cells = ["a"] * 4 + ["b"] * 3
    assert [s.value for s in slice_by({"c": cells}, np.ones(7), min_queries=4)] == ["a", OTHERS]
    assert [s.value for s in slice_by({"c": cells}, np.ones(7), min_queries=3)] == ["a", "b"]


def test_many_numbers_become_quartiles() -> None:
    values = np.random.default_rng(0).permutation(100)
    cells = [str(v / 10) for v in values]
    found = slice_by({"blur": [*cells, ""]}, np.append(values / 100, 0.5))
    assert [s.queries for s in found] == [25, 25, 25, 25, 1]
    assert [s.value for s in found] == [
        "0 to 2.4",
        "2.5 to 4.9",
        "5 to 7.4",
        "7.5 to 9.9",
        MISSING,
    ]
    assert np.all(np.diff([s.map_at_k for s in found[:4]]) > 0.2)


def test_a_number_most_queries_have_gets_its_own_slice() -> None:
    cells = ["0"] * 80 + [str(i) for i in range(1, 21)]
    found = slice_by({"n": cells}, np.ones(100))
    assert [(s.value, s.queries) for s in found] == [("0", 80), ("1 to 20", 20)]


def test_few_numbers_are_grades_in_order() -> None:
    cells = ["10", "2", "1"] * 15
    found = slice_by({"difficulty": cells}, np.ones(45))
    assert [s.value for s in found] == ["1", "2", "10"]


@pytest.mark.parametrize("odd", ["n/a", "nan", "inf"])
def test_one_word_among_numbers_makes_a_text_column(odd: str) -> None:
    cells = [str(i % 12) for i in range(240)] + [odd] * 20
    found = slice_by({"c": cells}, np.ones(260))
    assert sorted(s.value for s in found) == sorted([*map(str, range(12)), odd])


def test_columns_that_split_nothing_give_no_slice() -> None:
    columns = {"same": ["x"] * 30, "path": [f"{i}.jpg" for i in range(30)], "none": [None] * 30}
    assert slice_by(columns, np.ones(30)) == ()


def test_queries_without_a_value_are_left_out() -> None:
    ap = np.array([1.0, np.nan] * 10 + [0.0] * 10)
    found = slice_by({"c": ["a"] * 20 + ["b"] * 10}, ap)
    assert [(s.value, s.queries, s.map_at_k) for s in found] == [("a", 10, 1.0), ("b", 10, 0.0)]


def test_groups_widen_the_intervals() -> None:
    rng = np.random.default_rng(0)
    ap = np.repeat(rng.random(10), 20)
    cells = ["a", "b"] * 100
    single = slice_by({"c": cells}, ap)
    grouped = slice_by({"c": cells}, ap, groups=np.repeat(np.arange(10), 20).tolist())
    for one, many in zip(single, grouped, strict=True):
        assert many.ci95[1] - many.ci95[0] > 2 * (one.ci95[1] - one.ci95[0])


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(EvaluationError, match="column 'c' has 2 cells for 3 queries"):
        slice_by({"c": ["a", "b"]}, np.ones(3))
