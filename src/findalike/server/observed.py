"""The layer that gives each request an id, and tells of it in logs, metrics and traces."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from findalike.server.client_address import client_address, within
from findalike.server.logs import server_log
from findalike.server.problems import Problem, problem_response
from findalike.server.tracing import RequestTrace

UNMATCHED = "unmatched"
"""The route of a request that no route takes: its path is the client's own invention."""

GONE = 499
"""The status under which clients that went before the answer are counted, as nginx does."""

_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class Observed:
    """Middleware around everything else; an error that nobody caught ends here, as a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = server_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        services = connection.app.state
        given = connection.headers.get("x-request-id", "")
        request_id = given if _SANE.fullmatch(given) else secrets.token_hex(8)
        connection.state.request_id = request_id
        # Strangers do not decide which requests are traced, nor to which trace they belong.
        client = scope.get("client")
        known = client is not None and within(client[0], services.trusted_proxies)
        trace = services.traces.begin(scope["method"], connection.headers if known else {})
        answer = _Answer(request_id)
        began = time.perf_counter()
        services.metrics.request_began()

        async def send_and_note(message: Message) -> None:
            answer.note(message)
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except ClientDisconnect:
            answer.status = GONE
        except Exception:
            self._log.exception("error", request_id=request_id)
            answer.status = answer.status if answer.started else 500
            if not answer.started:
                response = problem_response(_unknown(), Request(scope))
                await response(scope, receive, send_and_note)
            else:
                raise  # the server cuts the connection: the answer is incomplete
        finally:
            self._tell(connection, answer, trace, time.perf_counter() - began)

    def _tell(
        self, connection: HTTPConnection, answer: _Answer, trace: RequestTrace, seconds: float
    ) -> None:
        scope, state = connection.scope, connection.state
        services = connection.app.state
        route = getattr(scope.get("route"), "path", UNMATCHED)
        stages = dict(getattr(state, "timings_ms", None) or {})
        total = stages.pop("total", None)
        problem = getattr(state, "problem", None)
        services.metrics.request_ended(
            method=scope["method"],
            route=route,
            status=answer.status,
            seconds=seconds,
            stages_ms=stages,
            problem=problem,
        )
        caller = getattr(state, "caller", None)
        stages = stages or dict(getattr(state, "batch_ms", None) or {})
        total = stages.pop("total", total)
        facts: dict[str, Any] = {"request_id": answer.request_id, "caller": caller}
        trace.end(route=route, status=answer.status, stages_ms=stages, facts=facts)
        if route in _QUIET and answer.status < 400:
            return
        self._log.log(
            40 if answer.status >= 500 and problem != "not-ready" else 20,
            "request",
            **facts,
            client=client_address(scope, services.trusted_proxies),
            method=scope["method"],
            route=route,
            status=answer.status,
            problem=problem,
            ms=round(seconds * 1000, 2),
            search_ms=total,
            stages_ms=stages or None,
            bytes=answer.bytes,
            trace_id=trace.trace_id,
        )


class _Answer:
    """What became known of an answer as it was sent."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.status = GONE
        self.started = False
        self.bytes = 0

    def note(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-ID"] = self.request_id
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))


def _unknown() -> Problem:
    return Problem(
        500,
        "internal",
        "the service met an error that it does not know",
        next_step="try again; if it stays, tell the shop the request_id",
    )
