"""Whether JSON can be parsed at little cost, found out without parsing it.

What parsing costs is what lies outside of texts: each bracket, comma and number becomes an object.
A text, such as a photo in base64, is one object whatever its length. So the bytes outside of texts
are bounded, and with them the time of this look and of the parsing after it.
"""

from __future__ import annotations

import re

MOST_DEPTH = 16
"""Brackets within brackets."""

MOST_OUTSIDE = 65_536
"""Bytes outside of texts, and quotes within them. A search has some hundred."""

_MARK = re.compile(rb'["\[\]{}]')
_OPENING = b"[{"
_QUOTE, _BACKSLASH = b'"\\'


def shape_problem(body: bytes, *, depth: int = MOST_DEPTH, outside: int = MOST_OUTSIDE) -> str:
    """What is wrong with the shape of a body that should be JSON; empty if nothing is.

    >>> shape_problem(b'{"box": [1, 2, 3, 4]}'), shape_problem(b"[[]]", depth=1)
    ('', 'it has brackets more than 1 deep')
    """
    at = level = used = 0
    while at < len(body):
        mark = _MARK.search(body, at, at + outside - used + 1)
        end = mark.end() if mark else len(body)
        used += end - at
        if used > outside:
            return f"it has more than {outside:,} bytes beside its texts"
        at = end
        if mark is None:
            break
        found = body[mark.start()]
        if found == _QUOTE:
            at, quotes = _after_text(body, at, outside - used)
            used += quotes
        elif found in _OPENING:
            level += 1
            if level > depth:
                return f"it has brackets more than {depth} deep"
        else:
            level -= 1
    return ""


def _after_text(body: bytes, at: int, most: int) -> tuple[int, int]:
    """Where the text that begins at ``at`` ends, and its quotes, counted no further than needed."""
    for quotes in range(1, most + 2):
        end = body.find(b'"', at)
        if end < 0:  # never closed: the parser says so
            return len(body), quotes
        before = body[at:end] if end > at and body[end - 1] == _BACKSLASH else b""
        at = end + 1
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            return at, quotes
    return at, most + 1
