"""A score in words."""

from __future__ import annotations

from typing import Literal, TypeAlias

Likeness: TypeAlias = Literal["same", "very similar", "similar", "unlike"]

_STEPS: tuple[tuple[float, Likeness], ...] = (
    (0.85, "same"),
    (0.7, "very similar"),
    (0.5, "similar"),
)


def likeness_of(score: float) -> Likeness:
    """What a cosine means to a shopper."""
    return next((word for least, word in _STEPS if score >= least), "unlike")
