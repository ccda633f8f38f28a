"""Filters as the SQL that Lance understands.

SQL has three truth values and the filter language two. ``not`` is pushed down to the leaves, and
a negated leaf also accepts NULL; above the leaves only AND and OR remain, for which NULL and false
lead to the same rows. Names and texts are quoted, numbers printed from floats: no character of a
caller's text is ever read as SQL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from findalike.errors import SettingError
from findalike.index.filter_tree import (
    And,
    Comparison,
    Contains,
    Filter,
    Has,
    In,
    Leaf,
    Missing,
    Not,
    Or,
    Scalar,
    Under,
)
from findalike.types import FieldType

_SURROGATE = re.compile("[\ud800-\udfff]")
_Binding: TypeAlias = Literal["AND", "OR", ""]


def lance_sql(where: Filter, fields: Mapping[str, FieldType]) -> str:
    """Compile a filter.

    Args:
        where: the tree, parsed or built in code.
        fields: columns that may be named, with their types.

    Raises:
        SettingError: if a tree built in code names an unknown field, or a value or condition does
            not fit the type of its field. Parsed trees never do.
    """
    return _compile(where, fields, negated=False)[0]


def _compile(
    where: Filter, fields: Mapping[str, FieldType], *, negated: bool
) -> tuple[str, _Binding]:
    """The SQL of a tree, or of its negation, and what holds it together."""
    match where:
        case Not(part):
            return _compile(part, fields, negated=not negated)
        case And(parts) | Or(parts):
            word: _Binding = "AND" if isinstance(where, And) != negated else "OR"
            if not parts:
                return ("TRUE" if word == "AND" else "FALSE"), ""
            terms = [_compile(part, fields, negated=negated) for part in parts]
            if len(terms) == 1:
                return terms[0]
            # The SQL parser counts parentheses against its recursion limit: none that AND's
            # binding tighter than OR makes needless.
            joined = (f"({sql})" if word == "AND" and held == "OR" else sql for sql, held in terms)
            return f" {word} ".join(joined), word
        case _:
            return _leaf(where, fields, negated=negated)


def _leaf(where: Leaf, fields: Mapping[str, FieldType], *, negated: bool) -> tuple[str, _Binding]:
    kind = fields.get(where.field)
    if kind is None:
        known = ", ".join(sorted(fields))
        raise SettingError(f"no field {where.field!r} in the index: the fields are {known}")
    name = _name(where.field)
    if isinstance(where, Missing):
        parts = [f"{name} IS NULL"]
        if kind == "list":
            parts.append(f"array_length({name}) = 0")
        if not negated:
            return " OR ".join(parts), "OR"
        return f"NOT ({' OR '.join(parts)})", ""
    sql, held = _condition(where, name, kind)
    # True also for NULL: the row does not pass the condition, so it passes the negation.
    return (f"NOT ({sql}) OR {name} IS NULL", "OR") if negated else (sql, held)


def _condition(
    where: Comparison | In | Has | Under | Contains, name: str, kind: FieldType
) -> tuple[str, _Binding]:
    """The SQL of a leaf that is NULL or false where the value is missing."""
    match where:
        case Comparison(_, op, value) if kind != "list" and (
            kind != "boolean" or op in ("=", "!=")
        ):
            return f"{name} {'<>' if op == '!=' else op} {_literal(value, kind)}", ""
        case In(_, ()):
            return "FALSE", ""
        case In(_, values) if kind == "list":
            entries = ", ".join(_literal(value, "text") for value in values)
            return f"array_has_any({name}, [{entries}])", ""
        case In(_, values):
            return f"{name} IN ({', '.join(_literal(value, kind) for value in values)})", ""
        case Has(_, entry) if kind == "list":
            return f"array_has({name}, {_literal(entry, 'text')})", ""
        case Under(_, path) if kind == "text":
            below = _literal(path + "/", "text")
            return f"{name} = {_literal(path, 'text')} OR starts_with({name}, {below})", "OR"
        case Contains(_, text) if kind == "text":
            return f"contains(lower({name}), {_literal(text.lower(), 'text')})", ""
    raise SettingError(f"{type(where).__name__} does not fit the field {where.field!r}: {kind}")


def _name(field: str) -> str:
    return "`" + field.replace("`", "``") + "`"


def _literal(value: Scalar, kind: FieldType) -> str:
    if kind == "boolean" and isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number):
            # Lance tells -0.0 from 0.0; adding 0.0 leaves one zero.
            return repr(number + 0.0)
    if kind == "text" and isinstance(value, str):
        if _SURROGATE.search(value):
            raise SettingError(f"the text {value!r} has a character that is not valid Unicode")
        return "'" + value.replace("'", "''") + "'"
    raise SettingError(f"the value {value!r} does not fit a field of type {kind}")
