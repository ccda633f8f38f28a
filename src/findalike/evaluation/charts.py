"""Charts as inline SVG that follow the page's colours, in light, in dark and on paper.

Each has a text alternative; the numbers themselves stand in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from findalike.evaluation.curves import RECALL_LEVELS, Curves, Histogram

_WIDTH, _HEIGHT = 360, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 18, 14, 42


@dataclass(frozen=True, slots=True)
class _Line:
    """One curve: points within the unit square, and what each says when pointed at."""

    style: str
    points: Sequence[tuple[float, float]]
    labels: Sequence[str]


def recall_chart(curves: Curves) -> Markup:
    """Two lines over ranks, on a logarithmic scale: any right answer so far, and their share."""
    span = math.log10(max(curves.ranks[-1], 2))
    across = [math.log10(rank) / span for rank in curves.ranks]

    def line(style: str, values: Sequence[float], what: str) -> _Line:
        labels = [f"rank {r}: {what} {v:.3f}" for r, v in zip(curves.ranks, values, strict=True)]
        return _Line(style, list(zip(across, values, strict=True)), labels)

    lines = [line("accent", curves.recall, "any right")]
    # Where every query has one right image, both lines are one.
    if curves.found_share != curves.recall:
        lines.insert(0, line("second", curves.found_share, "share found"))
    powers = [10**power for power in range(10) if 10**power <= max(curves.ranks[-1], 2)]
    return _chart(
        "Recall by rank",
        f"First match right: {curves.recall[0]:.3f}; any right within {curves.ranks[-1]}: "
        f"{curves.recall[-1]:.3f}; share of right images found: {curves.found_share[-1]:.3f}.",
        lines=lines,
        ticks=[(math.log10(power) / span, f"{power:,}") for power in powers],
        axis="rank",
    )


def precision_chart(curves: Curves) -> Markup:
    """Mean interpolated precision at eleven levels of recall."""
    pairs = list(zip(RECALL_LEVELS, curves.precision, strict=True))
    return _chart(
        "Precision by recall",
        f"Interpolated precision falls from {curves.precision[0]:.3f} at recall 0 to "
        f"{curves.precision[-1]:.3f} at recall 1.",
        lines=[_Line("accent", pairs, [f"recall {r:.1f}: precision {p:.3f}" for r, p in pairs])],
        ticks=[(level, f"{level:.1f}") for level in RECALL_LEVELS[::2]],
        axis="recall",
    )


def score_chart(histogram: Histogram) -> Markup:
    """Scores of first matches, right ones growing upwards and wrong ones downwards."""
    most = max((*histogram.right, *histogram.wrong, 1))
    low, high = histogram.edges[0], histogram.edges[-1]
    bars = Markup("").join(
        _bar(index, len(histogram.right), count / most, name, _bin_label(histogram, index, name))
        for name, counts in (("right", histogram.right), ("wrong", histogram.wrong))
        for index, count in enumerate(counts)
        if count
    )
    ticks = [(step / 4, f"{low + (high - low) * step / 4:.2f}") for step in range(5)]
    middle = _y(0.5)
    body = Markup(
        '{}<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="side" x="{}" y="{}">right ↑</text><text class="side" x="{}" y="{}">wrong ↓'
        "</text>"
    ).format(
        bars, _LEFT, _WIDTH - _RIGHT, middle, middle, _LEFT + 2, _TOP + 12, _LEFT + 2,
        _HEIGHT - _BOTTOM - 6,
    )  # fmt: skip
    right, wrong = sum(histogram.right), sum(histogram.wrong)
    return _frame(
        "Scores of first matches",
        f"{right} right and {wrong} wrong first matches, with scores from {low:.3f} to {high:.3f}.",
        body + _across(ticks, "score of the first match"),
    )


def _chart(
    name: str,
    description: str,
    *,
    lines: Sequence[_Line],
    ticks: Sequence[tuple[float, str]],
    axis: str,
) -> Markup:
    grid = Markup("").join(
        Markup(
            '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
            '<text class="tick end" x="{}" y="{}">{}</text>'
        ).format(_LEFT, _WIDTH - _RIGHT, _y(v), _y(v), _LEFT - 6, _y(v) + 4, f"{v:.1f}")
        for v in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    )
    drawn = Markup("").join(_draw(line) for line in lines)
    return _frame(name, description, grid + drawn + _across(ticks, axis))


def _draw(line: _Line) -> Markup:
    path = " ".join(f"{_x(x)},{_y(y)}" for x, y in line.points)
    dots = Markup("").join(
        Markup('<circle class="dot {}" cx="{}" cy="{}" r="3"><title>{}</title></circle>').format(
            line.style, _x(x), _y(y), label
        )
        for (x, y), label in zip(line.points, line.labels, strict=True)
    )
    return Markup('<polyline class="line {}" points="{}"/>{}').format(line.style, path, dots)


def _bar(index: int, bins: int, share: float, name: str, label: str) -> Markup:
    left, right = _x(index / bins), _x((index + 1) / bins)
    height = max(share * (_HEIGHT - _TOP - _BOTTOM) / 2, 1)
    top = _y(0.5) - height if name == "right" else _y(0.5)
    return Markup(
        '<rect class="column {}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
    ).format(name, left, round(top, 1), round(right - left - 1, 1), round(height, 1), label)


def _bin_label(histogram: Histogram, index: int, name: str) -> str:
    count = (histogram.right if name == "right" else histogram.wrong)[index]
    low, high = histogram.edges[index], histogram.edges[index + 1]
    return f"{count} {name} at scores {low:.3f} to {high:.3f}"


def _across(ticks: Sequence[tuple[float, str]], axis: str) -> Markup:
    foot = _HEIGHT - _BOTTOM
    marks = Markup("").join(
        Markup('<text class="tick middle" x="{}" y="{}">{}</text>').format(_x(x), foot + 16, text)
        for x, text in ticks
    )
    return marks + Markup('<text class="tick middle name" x="{}" y="{}">{}</text>').format(
        (_LEFT + _WIDTH - _RIGHT) // 2, _HEIGHT - 6, axis
    )


def _frame(name: str, description: str, body: Markup) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}. {}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, name, description, body)


def _x(share: float) -> float:
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(share: float) -> float:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)
