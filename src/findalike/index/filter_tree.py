"""What a filter is once it is parsed: a tree of frozen values, and what it means for one row.

Meaning is two-valued. A comparison with a missing value is false, whatever the operator, so
``brand != 'A'`` does not keep a row without a brand, and ``not brand = 'A'`` does. ``matches`` is
the definition; an engine that compiles the tree to its own language must agree with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]
Scalar: TypeAlias = str | float | bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field op value``; text is compared by code point, case counts."""

    field: str
    op: Operator
    value: Scalar


@dataclass(frozen=True, slots=True)
class In:
    """``field in (values)``: the value, or any entry of a list, is among them; none for none."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """``field has value``: a list with this very entry."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Under:
    """``field under path``: the category path itself, or one below it."""

    field: str
    path: str


@dataclass(frozen=True, slots=True)
class Contains:
    """``field contains text``: text with this part, upper and lower case alike."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Missing:
    """``field is missing``: no value; for a list, no entry either."""

    field: str


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts; with no parts it keeps everything."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of the parts; with no parts it keeps nothing."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What the part does not keep, rows with missing values included."""

    part: Filter


Leaf: TypeAlias = Comparison | In | Has | Under | Contains | Missing
Filter: TypeAlias = Leaf | And | Or | Not

_COMPARE: Mapping[Operator, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(where: Filter, row: Mapping[str, object]) -> bool:
    """Whether a row passes a filter.

    Args:
        where: a tree whose fields and types are right for the row.
        row: field name to value; an absent name and None both mean missing.
    """
    match where:
        case And(parts):
            return all(matches(part, row) for part in parts)
        case Or(parts):
            return any(matches(part, row) for part in parts)
        case Not(part):
            return not matches(part, row)
        case Missing(field):
            return row.get(field) in (None, (), [])
    value: Any = row.get(where.field)
    if value is None:
        return False
    match where:
        case Comparison(_, op, expected):
            return _COMPARE[op](value, expected)
        case In(_, values):
            if isinstance(value, (list, tuple)):
                return any(entry in values for entry in value)
            return value in values
        case Has(_, entry):
            return entry in value
        case Under(_, path):
            return bool(value == path or value.startswith(path + "/"))
        case Contains(_, text):
            return text.lower() in value.lower()
