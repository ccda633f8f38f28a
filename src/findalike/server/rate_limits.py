"""How often one may ask: a limit for each key, and one for each address without one.

A limit is kept by each worker process for itself, so several of them allow several times as much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from findalike.server.buckets import Buckets, Taken
from findalike.server.client_address import NOBODY, address_group

LIGHT_TIMES = 10
"""Pictures and the files of the page cost little: as many times more of them are allowed."""

_LIGHT = ("/v1/images/", "/v1/examples/")
_FREE = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on.

    Attributes:
        allowed: whether it may.
        wait: seconds until it may, 0 if it may.
        headers: what tells the client how much is left, by the draft
            draft-ietf-httpapi-ratelimit-headers-10.
    """

    allowed: bool
    wait: float
    headers: Mapping[str, str]


class RateLimits:
    """The limits of one worker."""

    def __init__(
        self, *, address_rate: float, address_burst: int, key_rate: float, key_burst: int
    ) -> None:
        """Set up full buckets.

        Args:
            address_rate: requests a second from one address; 0 for no limit. It holds for those
                without a key, and for keys that pages hold, which everybody can read there.
            address_burst: how many at once.
            key_rate: requests a second with one key; 0 for no limit.
            key_burst: how many at once.
        """
        self._limits = {
            "address": _pair(address_rate, address_burst),
            "key": _pair(key_rate, key_burst),
        }

    def take(self, path: str, *, address: str, key_id: str | None, shared_key: bool) -> Verdict:
        """Count one request.

        Args:
            path: which it asks for.
            address: of the client; `NOBODY` has no limit.
            key_id: of its key, None without one.
            shared_key: whether the key is one that pages hold.
        """
        verdict = Verdict(True, 0.0, {})
        if path in _FREE:
            return verdict
        light = path.startswith(_LIGHT) or not path.startswith("/v1/")
        names = []
        if key_id is not None:
            names.append(("key", key_id))
        if (key_id is None or shared_key) and address != NOBODY:
            names.append(("address", address_group(address)))
        for kind, name in names:
            limit = self._limits[kind]
            if limit is None:
                continue
            buckets = limit.light if light else limit.work
            taken = buckets.take(name)
            times = LIGHT_TIMES if light else 1
            headers = _headers(f"{kind}-light" if light else kind, limit, taken, times)
            verdict = Verdict(taken.allowed, taken.wait, headers)
            if not taken.allowed:
                break
        return verdict


@dataclass(frozen=True, slots=True)
class _Limit:
    rate: float
    burst: int
    work: Buckets
    light: Buckets


def _pair(rate: float, burst: int) -> _Limit | None:
    if rate <= 0:
        return None
    light = Buckets(burst=burst * LIGHT_TIMES, per_second=rate * LIGHT_TIMES)
    return _Limit(rate, burst, Buckets(burst=burst, per_second=rate), light)


def _headers(name: str, limit: _Limit, taken: Taken, times: int) -> dict[str, str]:
    window = max(1, math.ceil(limit.burst / limit.rate))
    return {
        "RateLimit-Policy": f'"{name}";q={limit.burst * times};w={window}',
        "RateLimit": f'"{name}";r={taken.left};t={math.ceil(taken.full)}',
    }
