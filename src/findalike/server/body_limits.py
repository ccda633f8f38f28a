"""What the body of a request may be: how large, how slow, how deep, and of which kind.

Only who may send a body has it read: the role that the route needs is asked for before.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from findalike.errors import FindalikeError
from findalike.server.access import Require, authorise
from findalike.server.problems import (
    Problem,
    as_problem,
    problem_response,
    wrong_media_type,
)

_JSON = re.compile(r"application/([a-z0-9.-]+\+)?json")
# A string whole, or one bracket outside of strings. Written without alternatives inside of the
# repetition, so that it takes time in proportion to the body whatever is in it.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The limits.

    Attributes:
        max_bytes: the largest body.
        max_bytes_below: other limits for paths that begin so.
        max_json_depth: brackets within brackets.
        patience: seconds that a client may be silent at a time, and in all before it sent much.
        bytes_per_second: as many earn it a further second of silence in all.
        seconds: of silence in all, however much was sent.
        seconds_below: other such ends for paths that begin so.
    """

    max_bytes: int
    max_bytes_below: Mapping[str, int]
    max_json_depth: int = 16
    patience: float = 15.0
    bytes_per_second: float = 4_000.0
    seconds: float = 60.0
    seconds_below: Mapping[str, float] = field(default_factory=dict)

    def most(self, path: str) -> int:
        """The largest body that may be sent to a path."""
        return next(
            (m for p, m in self.max_bytes_below.items() if path.startswith(p)), self.max_bytes
        )

    def end(self, path: str) -> float:
        """Seconds of silence in all while a body is sent to a path."""
        return next((s for p, s in self.seconds_below.items() if path.startswith(p)), self.seconds)


class LimitedBodies:
    """Middleware that holds bodies to the limits; one that breaks them is answered as a problem.

    Whatever the app makes of a body that ends in the middle, the client is told the real reason.
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(HTTPConnection(scope), receive, self._limits)
        started = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal started
            if body.problem is None or started:
                started = True
                await send(message)

        try:
            try:
                body.check_headers()
                await self._app(scope, body.receive, send_unless_refused)
            except _BodyRefusedError:
                pass
            if body.problem is not None and not started:
                body.problem.headers["Connection"] = "close"
                await problem_response(body.problem, Request(scope))(scope, receive, send)
        finally:
            body.close()


class _BodyRefusedError(Exception):
    """The body broke a limit; which one is in ``problem``."""


class _Body:
    """The body of one request on its way in."""

    def __init__(self, connection: HTTPConnection, receive: Receive, limits: BodyLimits) -> None:
        self.problem: Problem | None = None
        self._connection = connection
        self._receive = receive
        self._limits = limits
        self._most = limits.most(connection.scope["path"])
        self._end = limits.end(connection.scope["path"])
        self._size = 0
        self._silent = 0.0
        self._began = False
        self._ended = False
        self._depth = 0
        self._json: bytearray | None = None

    def check_headers(self) -> None:
        """Hold the headers against the limits.

        Raises:
            _BodyRefusedError: if they break one.
        """
        headers = self._connection.headers
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise self._refused(_packed())
        length = headers.get("content-length", "")
        media = headers.get("content-type", "").split(";", 1)[0].strip().lower()
        is_json = _JSON.fullmatch(media) is not None
        if is_json:  # kept in memory as a whole, so it has no larger limit anywhere
            self._most = min(self._most, self._limits.max_bytes)
        if length.isdecimal() and int(length[:18]) > self._most:
            raise self._refused(_too_large(self._most))
        has_body = length not in ("", "0") or "transfer-encoding" in headers
        if has_body and self._connection.scope["method"] in _BODY_METHODS:
            if media != "multipart/form-data" and not is_json:
                step = (
                    "send multipart/form-data or application/json; /docs says which for each path"
                )
                raise self._refused(wrong_media_type(media, next_step=step))
            if is_json:
                self._json = bytearray()

    async def receive(self) -> Message:
        """The next part of the body; a JSON body comes in one part, checked.

        Raises:
            _BodyRefusedError: if it breaks a limit.
        """
        if self.problem is not None:
            raise _BodyRefusedError
        if self._ended:
            return await self._receive()
        if not self._began:
            self._began = True
            self._ask_role()
        while True:
            message = await self._in_time()
            if message["type"] != "http.request":
                self._ended = True
                return message
            chunk: bytes = message.get("body", b"")
            self._size += len(chunk)
            if self._size > self._most:
                raise self._refused(_too_large(self._most))
            self._ended = not message.get("more_body", False)
            if self._json is None:
                return message
            self._json += chunk
            if self._ended:
                whole, self._json = bytes(self._json), None
                if json_depth(whole, self._limits.max_json_depth) > self._limits.max_json_depth:
                    raise self._refused(_too_deep(self._limits.max_json_depth))
                return {"type": "http.request", "body": whole, "more_body": False}

    def close(self) -> None:
        """Let go of what was read."""
        self._json = None

    async def _in_time(self) -> Message:
        """The next message, unless the client is silent for too long, now or in all."""
        patience = self._limits.patience
        earned = patience + self._size / self._limits.bytes_per_second
        left = min(earned, self._end) - self._silent
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(min(left, patience), 0.0)):
                return await self._receive()
        except TimeoutError:
            raise self._refused(_too_slow()) from None
        finally:
            self._silent += time.monotonic() - began

    def _ask_role(self) -> None:
        route = self._connection.scope.get("route")
        dependant = getattr(route, "dependant", None)
        for dependency in getattr(dependant, "dependencies", ()):
            if isinstance(dependency.call, Require):
                try:
                    authorise(self._connection, dependency.call.role)
                except Problem as problem:
                    raise self._refused(problem) from None
                except FindalikeError as error:
                    raise self._refused(as_problem(error)) from None

    def _refused(self, problem: Problem) -> _BodyRefusedError:
        self.problem = problem
        self._json = None
        return _BodyRefusedError()


def json_depth(body: bytes, most: int) -> int:
    """How deep brackets lie within brackets; counts no further than one above ``most``."""
    depth = deepest = 0
    for token in _TOKEN.finditer(body):
        first = body[token.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > most:
                break
        elif first in b"]}":
            depth -= 1
    return deepest


def _packed() -> Problem:
    return Problem(
        415,
        "packed-body",
        "the body is packed (Content-Encoding), and packed bodies are not taken",
        next_step="send it as it is; photos are packed already",
        headers={"Accept-Encoding": "identity"},
    )


def _too_large(most: int) -> Problem:
    return Problem(
        413,
        "too-large",
        f"the request has more than {most:,} bytes, which is what is allowed here",
        next_step="send less at once; of a photo, 1,000 pixels a side are plenty",
        title="The request is too large",
    )


def _too_deep(most: int) -> Problem:
    return Problem(
        400,
        "malformed-json",
        f"the JSON has brackets more than {most} deep",
        next_step="send it as /docs describes",
        title="The body cannot be read",
    )


def _too_slow() -> Problem:
    return Problem(
        408,
        "too-slow",
        "the body came too slowly and was given up",
        next_step="send the request again, over a better connection or with a smaller photo",
    )
