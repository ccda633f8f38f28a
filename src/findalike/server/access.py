"""Who may do what: the dependency that routes name their role by, and the check behind it."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection, Request

from findalike.errors import FindalikeError
from findalike.server.client_address import client_address
from findalike.server.keys import ROLES, Key, Role
from findalike.server.problems import Problem

ANONYMOUS = "anonymous"
"""The caller of a request without a key, where search is open."""

_bearer = HTTPBearer(
    scheme_name="key",
    description="A key made by `findalike keys create`, as `Authorization: Bearer KEY`.",
    auto_error=False,
)


class Require:
    """A FastAPI dependency that lets callers of a role pass, and gives the caller's name.

    Attributes:
        role: the least role that may pass.
    """

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(
        self,
        request: Request,
        _key: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    ) -> str:
        """The id of the caller's key, or `ANONYMOUS`.

        Raises:
            Problem: 401, 403 or 429; see `authorise`.
        """
        return authorise(request, self.role)


def require(role: Role) -> Require:
    """The dependency for routes that need ``role``: ``Depends(require("catalogue"))``."""
    if role not in ROLES:
        raise ValueError(role)
    return Require(role)


def authorise(connection: HTTPConnection, role: Role) -> str:
    """Find out who calls, and hold that against the role that is needed.

    The caller is kept as ``request.state.caller``, its role as ``request.state.role``; asked again
    for the same request, the key is not checked again.

    Returns:
        The id of the key, or `ANONYMOUS`.

    Raises:
        Problem: 401 without a valid key, 403 with one of a lesser role or from a page that may
            not use it, 429 after too many wrong ones.
        StorageError: if the keys cannot be read.
    """
    caller, held = identify(connection)
    refusal: Problem | FindalikeError | None = connection.state.refusal
    if refusal is not None:
        raise refusal
    if held is None:
        if role == "search" and connection.app.state.settings.open_search:
            return caller
        raise _unauthorised(
            "this needs a key, and the request has none",
            "send one as 'Authorization: Bearer KEY'; `findalike keys create` makes them",
        )
    if ROLES.index(held) < ROLES.index(role):
        raise Problem(
            403,
            "role-too-low",
            f"this needs a key of the role {role!r}, and this one has {held!r}",
            title="The key may not do this",
            next_step=f"use another key, or make one: findalike keys create --role {role}",
        )
    return caller


def identify(connection: HTTPConnection) -> tuple[str, Role | None]:
    """The name and the role of the caller; None for the role of one without a valid key.

    What is wrong with a key is held against it by `authorise` alone: a page, a picture or a probe
    needs none, and is answered whatever a proxy sends along.
    """
    state = connection.state
    if getattr(state, "caller", None) is None:
        key, state.refusal = None, None
        try:
            key = _key_of(connection)
        except (Problem, FindalikeError) as error:
            state.refusal = error
        state.caller = key.key_id if key else ANONYMOUS
        state.role = key.role if key else None
        state.shared_key = bool(key and key.origins)
    caller: str = state.caller
    role: Role | None = state.role
    return caller, role


def _key_of(connection: HTTPConnection) -> Key | None:
    """The key of a request; None if it has none, though it may have what others gave it.

    Raises:
        Problem: if it has one that is not valid here.
        StorageError: if the keys cannot be read.
    """
    given = [
        (scheme.lower(), text)
        for scheme, _, text in (
            header.partition(" ") for header in connection.headers.getlist("authorization")
        )
        if scheme.lower() != "basic"  # of a proxy that asks for a password of its own
    ]
    if not given:
        return None
    scheme, text = given[0]
    if len(given) > 1 or scheme != "bearer" or not text.strip():
        raise _unauthorised(
            "the header Authorization is not of the kind Bearer",
            "send one header, 'Authorization: Bearer KEY'",
        )
    text = text.strip()
    services = connection.app.state
    address = client_address(connection.scope, services.trusted_proxies)
    key_id = text[3:15]
    wait = services.guesses.wait(address, key_id)
    if wait > 0:
        raise too_many("too many wrong keys came from this address", wait)
    key: Key | None = services.keys.check(text)
    services.guesses.note(address, key_id, right=key is not None)
    if key is None:
        raise _unauthorised(
            "there is no such key, or it has expired",
            "check the key; `findalike keys list` shows which there are",
        )
    if key.origins and _page_of(connection) not in key.origins:
        raise Problem(
            403,
            "origin-not-allowed",
            "this key is for the pages of certain origins, and the request is from none",
            title="The page may not use this key",
            next_step="call from one of them, or make a key that names this origin: "
            "findalike keys create --origin",
        )
    return key


def _page_of(connection: HTTPConnection) -> str:
    """The origin of the page that sends a request; empty if it does not say.

    Browsers leave ``Origin`` out of a GET to the page's own server, where ``Referer`` says it.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        scheme, _, rest = connection.headers.get("referer", "").partition("://")
        origin = f"{scheme}://{rest.partition('/')[0]}"
    return origin.lower()


def too_many(what: str, wait: float) -> Problem:
    """The problem of a caller who should wait some seconds."""
    seconds = max(1, math.ceil(wait))
    return Problem(
        429,
        "too-many-requests",
        what,
        title="Too many requests",
        next_step=f"wait {seconds} s, then try again",
        headers={"Retry-After": str(seconds)},
    )


def _unauthorised(detail: str, next_step: str) -> Problem:
    return Problem(
        401,
        "no-valid-key",
        detail,
        title="No valid key",
        next_step=next_step,
        headers={"WWW-Authenticate": 'Bearer realm="findalike"'},
    )
