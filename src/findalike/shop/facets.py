"""Counts of values over the products of an answer, for the filters beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from findalike.types import FieldType

MOST_VALUES = 50
"""Values told of a field, the most frequent; a filter with more is no longer read."""

RANGES = 5
"""Ranges a number is counted in, about: their edges are round."""

LARGEST = 1e300
"""Numbers beyond it are in one range: its round edges could be infinite."""


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many products have a value."""

    value: str | bool
    count: int


@dataclass(frozen=True, slots=True)
class RangeCount:
    """How many products have a number from ``low`` up to, without, ``high``."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class NumberFacet:
    """The numbers of a field: the smallest and the largest, and counts by range."""

    min: float
    max: float
    counts: tuple[RangeCount, ...]


Facet: TypeAlias = tuple[ValueCount, ...] | NumberFacet


def count_facets(
    rows: Sequence[Mapping[str, Any]], fields: Mapping[str, FieldType]
) -> dict[str, Facet]:
    """Count the values of fields over products.

    Args:
        rows: one a product; an absent name and None both mean missing.
        fields: what to count, with the types.

    Returns:
        For numbers a ``NumberFacet``, absent where no product has one; for other fields the
        values by falling count, then by value. A product with a list counts once for each entry.
    """
    facets: dict[str, Facet] = {}
    for name, kind in fields.items():
        values = [row[name] for row in rows if row.get(name) is not None]
        if kind == "number":
            if values:
                facets[name] = _number_facet(values)
            continue
        if kind == "list":
            values = [entry for value in values for entry in set(value)]
        ordered = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
        facets[name] = tuple(ValueCount(*item) for item in ordered[:MOST_VALUES])
    return facets


def _number_facet(values: Sequence[float]) -> NumberFacet:
    low, high = min(values), max(values)
    edges = _round_edges(low, high)
    counts = [0] * (len(edges) - 1)
    for value in values:
        # The number of edges at or below it says its range; the last one holds its own end.
        at = sum(edge <= value for edge in edges) - 1
        counts[min(at, len(counts) - 1)] += 1
    ranges = zip(pairwise(edges), counts, strict=True)
    return NumberFacet(low, high, tuple(RangeCount(a, b, count) for (a, b), count in ranges))


def _round_edges(low: float, high: float) -> list[float]:
    """Edges that people would choose: multiples of 1, 2 or 5 times a power of ten."""
    if not high - low > 0:
        return [low, high]
    rough = (high - low) / RANGES
    size = max(abs(low), abs(high))
    if size > LARGEST or rough < max(size * 1e-12, 1e-9):  # edges are rounded to 1e-12
        return [low, high]
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(nice for nice in (1, 2, 5, 10) if nice * power >= rough * 0.999)
    first = math.floor(low / step)
    if first * step > low:  # the quotient was rounded up, to nothing below zero
        first -= 1
    count = max(1, math.ceil(high / step - 1e-9) - first)
    edges = [round((first + i) * step, 12) for i in range(count + 1)]
    if edges[-1] <= high and count < RANGES + 2:
        edges.append(round((first + count + 1) * step, 12))
    return edges
