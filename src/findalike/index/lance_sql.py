"""Filters as the SQL that Lance understands.

SQL has three truth values and the filter language two. ``not`` is pushed down to the leaves, and
a negated leaf also accepts NULL; above the leaves only AND and OR remain, for which NULL and false
lead to the same rows. Names and texts are quoted, numbers printed from floats: no character of a
caller's text is ever read as SQL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

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


def lance_sql(where: Filter, fields: Mapping[str, FieldType]) -> str:
    """Compile a filter.

    Args:
        where: the tree, parsed or built in code.
        fields: columns that may be named, with their types.

    Raises:
        SettingError: if a tree built in code names an unknown field, or a value or condition does
            not fit the type of its field. Parsed trees never do.
    """
    return _compile(where, fields, negated=False, inside="")


def _compile(where: Filter, fields: Mapping[str, FieldType], *, negated: bool, inside: str) -> str:
    match where:
        case Not(part):
            return _compile(part, fields, negated=not negated, inside=inside)
        case And(parts) | Or(parts):
            word = "AND" if isinstance(where, And) != negated else "OR"
            if not parts:
                return "TRUE" if word == "AND" else "FALSE"
            terms = [_compile(p, fields, negated=negated, inside=word) for p in parts]
            sql = f" {word} ".join(terms)
            # The SQL parser counts parentheses against its recursion limit, hence none to spare.
            return f"({sql})" if word == "OR" and inside == "AND" and len(parts) > 1 else sql
        case _:
            sql, null_safe = _leaf(where, fields)
            if not negated:
                return f"({sql})" if inside == "AND" and " OR " in sql else sql
            return _negated(where, sql, inside, null_safe)


def _negated(where: Leaf, sql: str, inside: str, null_safe: bool) -> str:
    if null_safe:
        return f"NOT ({sql})"
    sql = f"NOT ({sql}) OR {_name(where.field)} IS NULL"
    return f"({sql})" if inside == "AND" else sql


def _leaf(where: Leaf, fields: Mapping[str, FieldType]) -> tuple[str, bool]:
    """The SQL of a leaf, and whether it is never NULL."""
    kind = fields.get(where.field)
    if kind is None:
        known = ", ".join(sorted(fields))
        raise SettingError(f"no field {where.field!r} in the index: the fields are {known}")
    name = _name(where.field)
    match where:
        case Missing():
            if kind == "list":
                return f"{name} IS NULL OR array_length({name}) = 0", True
            return f"{name} IS NULL", True
        case Comparison(_, op, value) if kind != "list" and (kind != "boolean" or op in "!="):
            return f"{name} {'<>' if op == '!=' else op} {_literal(value, kind)}", False
        case In(_, values) if kind in ("text", "number"):
            listed = ", ".join(_literal(value, kind) for value in values)
            return (f"{name} IN ({listed})", False) if values else ("FALSE", True)
        case Has(_, entry) if kind == "list":
            return f"array_has({name}, {_literal(entry, 'text')})", False
        case Under(_, path) if kind == "text":
            below = _literal(path + "/", "text")
            return f"{name} = {_literal(path, 'text')} OR starts_with({name}, {below})", False
        case Contains(_, text) if kind == "text":
            return f"contains(lower({name}), {_literal(text.lower(), 'text')})", False
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
        return "'" + value.replace("'", "''") + "'"
    raise SettingError(f"the value {value!r} does not fit a field of type {kind}")
