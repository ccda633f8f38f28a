"""Counts of values: right, complete and readable."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from findalike.shop.facets import MOST_VALUES, NumberFacet, ValueCount, count_facets


def test_values_by_falling_count_then_by_value() -> None:
    rows = [{"a": "x"}, {"a": "y"}, {"a": "y"}, {"a": None}, {}, {"a": "w"}]
    assert count_facets(rows, {"a": "text"})["a"] == (
        ValueCount("y", 2),
        ValueCount("w", 1),
        ValueCount("x", 1),
    )


def test_a_list_counts_once_for_each_entry() -> None:
    rows = [{"a": ["S", "M", "S"]}, {"a": ("M",)}]
    assert count_facets(rows, {"a": "list"})["a"] == (ValueCount("M", 2), ValueCount("S", 1))


def test_booleans() -> None:
    rows = [{"a": True}, {"a": False}, {"a": True}]
    assert count_facets(rows, {"a": "boolean"})["a"] == (ValueCount(True, 2), ValueCount(False, 1))


def test_the_most_frequent_of_many_values() -> None:
    rows = [{"a": f"{n:03d}"} for n in range(200)]
    assert len(count_facets(rows, {"a": "text"})["a"]) == MOST_VALUES


def test_nothing_to_count() -> None:
    assert count_facets([], {"a": "text", "p": "number"}) == {"a": ()}


def test_ranges_are_round() -> None:
    facet = count_facets([{"p": p} for p in (3.2, 7.9, 12.0, 48.9)], {"p": "number"})["p"]
    assert isinstance(facet, NumberFacet)
    assert (facet.min, facet.max) == (3.2, 48.9)
    assert [(c.low, c.high, c.count) for c in facet.counts] == [
        (0, 10, 2),
        (10, 20, 1),
        (20, 30, 0),
        (30, 40, 0),
        (40, 50, 1),
    ]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
@example([0.0, 5e-13])
@example([1e68, -6e-257])
def test_every_number_is_counted_in_its_range(numbers: list[float]) -> None:
    facet = count_facets([{"p": p} for p in numbers], {"p": "number"})["p"]
    assert isinstance(facet, NumberFacet)
    assert sum(c.count for c in facet.counts) == len(numbers)
    assert len(facet.counts) <= 8
    last = facet.counts[-1]
    for c in facet.counts:
        assert math.isfinite(c.low)
        inside = [p for p in numbers if c.low <= p < c.high or (c is last and p >= c.low)]
        assert len(inside) == c.count


@pytest.mark.parametrize("number", [0.0, -5.0, 1e300])
def test_one_number_is_one_range(number: float) -> None:
    facet = count_facets([{"p": number}], {"p": "number"})["p"]
    assert isinstance(facet, NumberFacet)
    assert [(c.low, c.high, c.count) for c in facet.counts] == [(number, number, 1)]
