"""The ids of answers, as feedback brings them back: only what the shop's services gave out counts.

::

    6922f1c3-5f0c2a6e1b9d4c3e-0123456789abcdef
    when     which            mark

Nothing is kept of an answer; the mark says that a service of this shop gave it, and when.
"""

from __future__ import annotations

import re
import secrets
import time

from findalike.server.problems import Problem
from findalike.server.signatures import Signatures

LIFETIME_DAYS = 7
"""How long feedback on an answer is taken: what was found is often bought some days later."""

_KIND = "query"
_ID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{16})-([0-9a-f]{16})")


class QueryIds:
    """Gives out and checks the ids of answers; all services of one shop know each other's."""

    def __init__(self, signatures: Signatures) -> None:
        """Set up.

        Args:
            signatures: of the shop.
        """
        self._signatures = signatures

    def new(self) -> str:
        """An id for an answer that is given now."""
        when, which = f"{int(time.time()):08x}", secrets.token_hex(8)
        return f"{when}-{which}-{self._signatures.of(_KIND, when, which)}"

    def check(self, query_id: str) -> None:
        """Refuse an id that no service of this shop gave out, or that is too old.

        Raises:
            Problem: 422.
        """
        found = _ID.fullmatch(query_id)
        if found is None or not self._signatures.is_right(found[3], _KIND, found[1], found[2]):
            raise Problem(
                422,
                "unknown-query",
                f"no service of this shop has given an answer {query_id[:64]!r}",
                next_step="send the query_id of an answer as it is",
            )
        if time.time() - int(found[1], 16) > LIFETIME_DAYS * 86_400:
            raise Problem(
                422,
                "old-query",
                f"the answer was given more than {LIFETIME_DAYS} days ago",
                next_step="forget the event; feedback is taken on answers that are younger",
            )
