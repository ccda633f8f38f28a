"""The same metric on parts of the queries: which category, box size or kind of photo is hard."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError
from findalike.evaluation.significance import bootstrap_mean

MISSING = "(missing)"
OTHERS = "(others)"
# More distinct numbers than this are cut into quartiles; fewer are grades and keep their values.
_GRADES = 10
# The intervals of a slice only need two digits; a tenth of the resamples gives them.
_RESAMPLES = 2_000
# Resamples of fewer products than this repeat the same few photos: an interval from them looks
# certain where nothing is known.
FEWEST_UNITS = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """One value of one column.

    Attributes:
        column: name of the column.
        value: its value, a range of numbers such as ``0.1 to 0.25``, :data:`MISSING` for
            empty cells, or :data:`OTHERS` for the values with too few queries of their own.
        queries: number of queries the mean is over.
        products: number of groups among them; the same as ``queries`` where there are no groups.
        map_at_k: mean average precision of them.
        ci95: 95 % bootstrap interval, drawn as that of the whole run; None below 5 products.
    """

    column: str
    value: str
    queries: int
    products: int
    map_at_k: float
    ci95: tuple[float, float] | None


def slice_by(
    columns: Mapping[str, Sequence[str | None]],
    average_precision: NDArray[np.float64],
    *,
    groups: Sequence[Hashable] | None = None,
    min_queries: int = 10,
    seed: int = 0,
) -> tuple[Slice, ...]:
    """Cut the queries by each column and judge every part.

    A column whose filled cells are all numbers, more than ten different ones, is cut into
    quarters; a text column by value, values with fewer than ``min_queries`` queries being
    taken together. A column that leaves the queries in one piece, or only in pieces smaller than
    ``min_queries`` (a column of file names), gives no slice.

    Args:
        columns: cells by column name, one a query; None or "" for an empty one.
        average_precision: float64 (q,); NaN entries (no relevant image) are left out.
        groups: one label a query, as in :func:`~findalike.evaluation.significance.bootstrap_mean`.
        min_queries: the smallest slice shown on its own.
        seed: of the bootstrap.

    Returns:
        Columns in the given order; text values by number of queries, then name; ranges
        ascending; the rest and the empty cells last.

    Raises:
        EvaluationError: if a column hasn't one cell a query.
    """
    judged: list[int] = np.flatnonzero(~np.isnan(average_precision)).tolist()
    values = average_precision[judged]
    labels = None if groups is None else [groups[i] for i in judged]
    slices: list[Slice] = []
    for column, cells in columns.items():
        if len(cells) != len(average_precision):
            raise EvaluationError(
                f"column {column!r} has {len(cells)} cells for {len(average_precision)} queries: "
                f"give one each"
            )
        parts = _parts([cells[i] for i in judged], min_queries)
        if len(parts) < 2 or all(value in (OTHERS, MISSING) for value, _ in parts):
            continue
        for value, rows in parts:
            interval = bootstrap_mean(
                values[rows],
                groups=None if labels is None else [labels[i] for i in rows.tolist()],
                resamples=_RESAMPLES,
                seed=seed,
            )
            ci95 = (interval.low, interval.high) if interval.units >= FEWEST_UNITS else None
            slices.append(Slice(column, value, len(rows), interval.units, interval.mean, ci95))
    return tuple(slices)


def _parts(cells: Sequence[str | None], min_queries: int) -> list[tuple[str, NDArray[np.int64]]]:
    """The values of one column in the order shown, each with the rows that have it."""
    texts = [(cell or "").strip() for cell in cells]
    numbers = _numbers(texts)
    filled = numbers[~np.isnan(numbers)]
    if len(filled) and len(np.unique(filled)) > _GRADES:
        return _quartiles(numbers)
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        rows.setdefault(text or MISSING, []).append(row)
    missing = rows.pop(MISSING, [])
    large = [value for value in rows if len(rows[value]) >= min_queries]
    rest = sorted(row for value in rows if len(rows[value]) < min_queries for row in rows[value])
    large.sort(key=lambda value: (-len(rows[value]), value))
    if len(filled):
        large.sort(key=float)
    parts = [(value, rows[value]) for value in large] + [(OTHERS, rest), (MISSING, missing)]
    return [(value, np.array(found, dtype=np.int64)) for value, found in parts if found]


def _numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    """The cells as numbers, NaN for empty ones; all NaN if any filled cell is no number."""
    numbers = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        if not text:
            continue
        try:
            numbers[row] = float(text)
        except ValueError:
            numbers[row] = math.nan
        if not math.isfinite(numbers[row]):
            return np.full(len(texts), np.nan)
    return numbers


def _quartiles(numbers: NDArray[np.float64]) -> list[tuple[str, NDArray[np.int64]]]:
    """Four parts of about the same size; equal numbers always share one."""
    filled = numbers[~np.isnan(numbers)]
    values, counts = np.unique(filled, return_counts=True)
    # The place of a number's middle copy decides, so that a number most queries have gets a part
    # to itself instead of swallowing its neighbours.
    middles = (np.cumsum(counts) - counts / 2) / len(filled)
    quarters = np.minimum((4 * middles).astype(np.int64), 3)
    parts = []
    for quarter in np.unique(quarters):
        inside = values[quarters == quarter]
        low, high = f"{inside[0]:.4g}", f"{inside[-1]:.4g}"
        rows = np.flatnonzero((numbers >= inside[0]) & (numbers <= inside[-1]))
        parts.append((low if low == high else f"{low} to {high}", rows))
    parts.append((MISSING, np.flatnonzero(np.isnan(numbers))))
    return [(value, rows) for value, rows in parts if len(rows)]
