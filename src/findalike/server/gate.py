"""The first thing a request meets: whose it is, and whether that one has asked too often."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from findalike.server.access import identify, too_many
from findalike.server.client_address import client_address, payer
from findalike.server.problems import Problem, problem_response


class Gate:
    """Finds out whose key it is and checks the rate limits before anything of the body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it with a problem."""
        if scope["type"] != "http" or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        headers: dict[str, str] = {}
        try:
            headers = _admit(connection)
        except Problem as problem:
            await _refuse(problem, scope, receive, send)
            return

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, send_with_limits if headers else send)


def _admit(connection: HTTPConnection) -> dict[str, str]:
    """The headers that tell of the rate limit.

    Raises:
        Problem: if the limit is used up.
    """
    services, state = connection.app.state, connection.state
    _, role = identify(connection)
    address = client_address(connection.scope, services.trusted_proxies)
    key_id = state.caller if role else None
    state.payer = payer(address, key_id=key_id, shared_key=state.shared_key)
    verdict = services.rate_limits.take(
        connection.scope["path"], address=address, key_id=key_id, shared_key=state.shared_key
    )
    if not verdict.allowed:
        problem = too_many("this key or address has asked too often", verdict.wait)
        problem.headers.update(verdict.headers)
        raise problem
    return dict(verdict.headers)


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        # The body is not read: a connection that is kept would have to swallow it first.
        problem.headers["Connection"] = "close"
    await problem_response(problem, request)(scope, receive, send)
