"""Slows the guessing of keys: after some wrong ones, an address waits."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from findalike.server.buckets import Buckets
from findalike.server.client_address import address_group

_MOST_FRIENDS = 10_000


class GuessGuard:
    """Counts wrong keys by address. Safe to call from several threads.

    A secret has 256 bits and cannot be guessed; this keeps those who try from costing more than
    they must, and tells of them in the metrics. While an address waits, right keys wait with it,
    or the wait would tell nothing. Those that were right from there before pass: one guesser
    behind an address that many share, such as that of a proxy, locks out nobody who was in. That
    holds also where the guesser knows the id of such a key, as everybody does of one that a page
    holds: guesses at that key are slowed by the limits of the address alone.
    """

    def __init__(
        self,
        *,
        burst: int = 10,
        per_minute: float = 6.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up; every address starts without a wrong key.

        Args:
            burst: wrong keys an address may give at once.
            per_minute: how many more each minute.
            clock: seconds; for tests.
        """
        self._wrong = Buckets(burst=burst, per_second=per_minute / 60, clock=clock)
        self._friends: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._guard = threading.Lock()

    def wait(self, address: str, key_id: str) -> float:
        """Seconds until a key of this address is looked at; 0 for at once.

        Args:
            address: of the client.
            key_id: the id in the key that it gives, right or wrong.
        """
        group = address_group(address)
        with self._guard:
            if (group, key_id) in self._friends:
                return 0.0
        return self._wrong.take(group, 0).wait

    def note(self, address: str, key_id: str, *, right: bool) -> None:
        """Remember how an attempt ended."""
        group = address_group(address)
        with self._guard:
            if right:
                self._friends[group, key_id] = None
                self._friends.move_to_end((group, key_id))
                if len(self._friends) > _MOST_FRIENDS:
                    self._friends.popitem(last=False)
        if not right:
            self._wrong.take(group)
