"""The filter language: ``category = 'Fruit' and (price < 20 or brand in ('A', 'B'))``.

::

    expression  any number of conditions joined by ``and``, ``or``, ``not`` and parentheses
    condition   field = != <> < <= > >= value      numbers, text, and = != for true and false
                field [not] in (value, ...)        any type; of a list, any entry is among them
                field contains 'text'              text, upper and lower case alike
                field under 'Men/Tops'             text: this path or one below it
                field has 'red'                    lists
                field is [not] missing             any type
                field                              boolean
    value       'text' or "text" (a quote inside is doubled), 12, -3.5, 1e6, true, false
    field       a name, upper and lower case alike; `in` backticks where it is also a keyword

``not`` binds tighter than ``and``, ``and`` tighter than ``or``. A comparison with a missing value
is false (also ``!=`` and ``not in``), and ``not`` of it is true. ``null`` is another word for
``missing``.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import cast

from findalike.errors import FilterError
from findalike.index.filter_tokens import MAX_LENGTH, Token, fault, tokenise
from findalike.index.filter_tree import (
    And,
    Comparison,
    Contains,
    Filter,
    Has,
    In,
    Missing,
    Not,
    Operator,
    Or,
    Scalar,
    Under,
    matches,
)
from findalike.types import FieldType

__all__ = [
    "MAX_DEPTH",
    "MAX_IN_VALUES",
    "MAX_LENGTH",
    "And",
    "Comparison",
    "Contains",
    "Filter",
    "Has",
    "In",
    "Missing",
    "Not",
    "Or",
    "Under",
    "matches",
    "parse_filter",
]

MAX_DEPTH = 50
"""Parentheses and ``not`` inside one another."""
MAX_IN_VALUES = 1000
"""Values in one list."""

_KEYWORDS = {"and", "or", "not", "in", "is", "has", "under", "contains"}
_OPERATORS = {"=", "!=", "<>", "<", "<=", ">", ">="}
_TYPE_NAMES: Mapping[FieldType, str] = {
    "text": "text",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
}
_EXAMPLES: Mapping[FieldType, str] = {
    "text": "{0} = 'text'",
    "number": "{0} < 20",
    "boolean": "{0} or not {0}",
    "list": "{0} has 'text'",
}


def parse_filter(text: str, fields: Mapping[str, FieldType]) -> Filter:
    """Read a filter expression.

    Args:
        text: the expression, at most ``MAX_LENGTH`` characters.
        fields: the names that may be used, with their types.

    Returns:
        A tree whose field names are those of ``fields`` and whose values fit their types.

    Raises:
        FilterError: at the first character that cannot be understood, names no field or gives a
            value that does not fit the field's type.
    """
    return _Parser(text, fields).parse()


class _Parser:
    """Recursive descent over the tokens; one method a rule of the grammar."""

    def __init__(self, text: str, fields: Mapping[str, FieldType]) -> None:
        self._text = text
        self._fields = fields
        self._tokens = tokenise(text)
        self._next = 0
        self._depth = 0

    def parse(self) -> Filter:
        tree = self._or()
        token = self._peek()
        if token.kind != "end":
            raise self._error(
                f"unexpected {token.text!r}: join conditions with 'and' or 'or'", token
            )
        return tree

    def _error(self, message: str, token: Token) -> FilterError:
        return fault(message, self._text, token.at)

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _accept(self, word: str) -> bool:
        token = self._peek()
        if token.kind in ("word", "symbol") and token.text.lower() == word:
            self._take()
            return True
        return False

    def _expect(self, symbol: str, why: str) -> None:
        if not self._accept(symbol):
            token = self._peek()
            found = repr(token.text) if token.text else "the end"
            raise self._error(f"expected {symbol!r} {why}, found {found}", token)

    def _or(self) -> Filter:
        parts = [self._and()]
        while self._accept("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Filter:
        parts = [self._unary()]
        while self._accept("and"):
            parts.append(self._unary())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _unary(self) -> Filter:
        token = self._peek()
        negated = self._accept("not")
        if not negated and not self._accept("("):
            return self._condition()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"nested too deep: at most {MAX_DEPTH} parentheses and 'not'", token)
        tree = Not(self._unary()) if negated else self._or()
        if not negated:
            self._expect(")", f"to close the parenthesis at character {token.at + 1}")
        self._depth -= 1
        return tree

    def _condition(self) -> Filter:
        token = self._take()
        field, kind = self._field(token)
        operator = self._peek()
        word = operator.text.lower() if operator.kind in ("word", "symbol") else ""
        if word in _OPERATORS:
            return self._comparison(field, kind)
        if word in ("in", "not"):
            return self._membership(field, kind)
        if word == "is":
            self._take()
            negated = self._accept("not")
            if not self._accept("missing") and not self._accept("null"):
                raise self._error("expected 'missing' or 'not missing' after 'is'", self._peek())
            return Not(Missing(field)) if negated else Missing(field)
        if word in ("has", "under", "contains"):
            return self._text_condition(field, kind)
        if kind == "boolean":
            return Comparison(field, "=", True)
        raise self._error(
            f"expected an operator after {field!r}, such as {_EXAMPLES[kind].format(field)}",
            operator,
        )

    def _field(self, token: Token) -> tuple[str, FieldType]:
        if token.kind not in ("word", "quoted") or (
            token.kind == "word" and token.text.lower() in _KEYWORDS
        ):
            found = repr(token.text) if token.text else "the end"
            raise self._error(f"expected the name of a field, found {found}", token)
        name = token.text.strip("`")
        for candidate in (name, name.lower()):
            if candidate in self._fields:
                return candidate, self._fields[candidate]
        near = difflib.get_close_matches(name.lower(), self._fields, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ":"
        known = ", ".join(sorted(self._fields))
        raise self._error(f"no field {name!r}{hint} the fields are {known}", token)

    def _comparison(self, field: str, kind: FieldType) -> Filter:
        token = self._take()
        op = cast(Operator, "!=" if token.text == "<>" else token.text)
        if kind == "list":
            raise self._error(f"{field!r} is a list: ask {field} has 'text'", token)
        if kind == "boolean" and op not in ("=", "!="):
            raise self._error(f"{field!r} is true or false: it has only = and !=", token)
        return Comparison(field, op, self._value(field, kind))

    def _membership(self, field: str, kind: FieldType) -> Filter:
        token = self._take()
        negated = token.text.lower() == "not"
        if negated and not self._accept("in"):
            raise self._error(f"expected 'in' after {field} not", self._peek())
        self._expect("(", f"after 'in', such as {field} in (...)")
        entry: FieldType = "text" if kind == "list" else kind
        values = [self._value(field, entry)]
        while self._accept(","):
            if len(values) == MAX_IN_VALUES:
                raise self._error(f"more than {MAX_IN_VALUES:,} values in one list", self._peek())
            values.append(self._value(field, entry))
        self._expect(")", "or ',' after a value of the list")
        inside = In(field, tuple(values))
        return And((Not(inside), Not(Missing(field)))) if negated else inside

    def _text_condition(self, field: str, kind: FieldType) -> Filter:
        token = self._take()
        word = token.text.lower()
        wanted: FieldType = "list" if word == "has" else "text"
        if kind != wanted:
            raise self._error(
                f"{word!r} is for {'lists' if word == 'has' else 'text'}, and {field!r} is "
                f"{_TYPE_NAMES[kind]}: ask {_EXAMPLES[kind].format(field)}",
                token,
            )
        at = self._peek()
        value = str(self._value(field, "text"))
        if word == "has":
            return Has(field, value)
        if word == "contains":
            return Contains(field, value)
        path = value.rstrip("/")
        if not path:
            raise self._error(f"name a path, such as {field} under 'Men/Tops'", at)
        return Under(field, path)

    def _value(self, field: str, kind: FieldType) -> Scalar:
        token = self._take()
        word = token.text.lower()
        if token.kind == "text" and kind == "text":
            quote = token.text[0]
            return token.text[1:-1].replace(quote * 2, quote)
        if token.kind == "number" and kind == "number":
            number = float(token.text)
            if not math.isfinite(number):
                raise self._error("this number is too large: it has no finite value", token)
            return number
        if token.kind == "word" and word in ("true", "false") and kind == "boolean":
            return word == "true"
        if token.kind == "word" and word in ("null", "missing"):
            raise self._error(f"a missing value is asked for with {field} is missing", token)
        found = token.text or "the end"
        quoted = f": write it in quotes, '{token.text}'" if token.kind == "word" else ""
        raise self._error(f"{field!r} is {_TYPE_NAMES[kind]}, found {found}{quoted}", token)
