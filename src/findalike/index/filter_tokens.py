"""The words of a filter expression, and how a fault in one is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from findalike.errors import FilterError

MAX_LENGTH = 4096
"""Characters in an expression."""

TokenKind: TypeAlias = Literal["number", "text", "quoted", "word", "symbol", "end"]

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<quoted>`[^`]+`)
    |(?P<word>[^\W\d]\w*)
    |(?P<symbol><>|!=|<=|>=|[=<>(),])""",
    re.VERBOSE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, its kind, and where it starts; the last token is of kind "end"."""

    kind: TokenKind
    text: str
    at: int


def tokenise(text: str) -> list[Token]:
    """Split an expression.

    Raises:
        FilterError: if it is too long, or at a character that starts no token.
    """
    if len(text) > MAX_LENGTH:
        message = f"the filter has {len(text):,} characters: give at most {MAX_LENGTH:,}"
        raise fault(message, text[:60], 0)
    if lone := _SURROGATE.search(text):
        message = "this is not a character: the text is not valid Unicode"
        raise fault(message, text, lone.start())
    tokens = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise fault(_unreadable(text[at]), text, at)
        if found.lastgroup != "space":
            tokens.append(Token(cast(TokenKind, found.lastgroup), found.group(), at))
        at = found.end()
    tokens.append(Token("end", "", at))
    return tokens


def fault(message: str, text: str, at: int) -> FilterError:
    """The error that points at a character of an expression."""
    # The pointer has to stand under its character: one line, one column a character.
    shown = "".join(c if c.isprintable() else " " for c in text)
    return FilterError(message, expression=shown, position=at)


def _unreadable(character: str) -> str:
    if character in "'\"`":
        return f"this {character} is never closed: end the text with {character}"
    if character.isdigit() or character in "+-.":
        return "not a number: write it like 12, -3.5 or 1e6"
    return f"unexpected {character!r}: a filter looks like category = 'Fruit' and price < 20"
