"""Cursors: where a list goes on, opaque to the caller."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from findalike.server.problems import Problem

LONGEST = 4096


def cursor_of(last_id: str, *, asked: str) -> str:
    """The cursor after an item.

    Args:
        asked: what the list was asked for; the cursor is good for the same again only.
    """
    packed = json.dumps([last_id, _digest(asked)]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def last_id_of(cursor: str, *, asked: str) -> str:
    """The item a cursor stands after.

    Raises:
        Problem: 400 if it is no cursor, or one of another list.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        last_id, digest = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(last_id, str):
            raise TypeError
        last_id.encode()
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _wrong("this is no cursor of this service") from None
    if digest != _digest(asked):
        raise _wrong("the cursor is of a list with another filter")
    return last_id


def _digest(asked: str) -> str:
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _wrong(what: str) -> Problem:
    return Problem(
        400,
        "cursor",
        what,
        next_step="begin again without a cursor, or send next_cursor as it was given",
        title="The cursor cannot be used",
    )
