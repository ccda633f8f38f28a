"""What the body of a request may be: how large, how slow, of which kind and shape.

Every byte of every body is counted here, in all and for each client.

Only who may send a body has it read: the role that the route needs is asked for before.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from findalike.errors import FindalikeError
from findalike.server.access import Require, authorise
from findalike.server.admission import Budget
from findalike.server.json_shape import shape_problem
from findalike.server.problems import (
    Problem,
    as_problem,
    problem_response,
    wrong_media_type,
)

_JSON = re.compile(r"application/([a-z0-9.-]+\+)?json")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


JSON_WITH_PHOTOS = frozenset({"/v1/search", "/v1/search:batch", "/v1/boxes", "/v1/feedback"})
"""Paths whose JSON may hold photos in base64; that of others is far smaller."""

FEEDS_BELOW = "/v1/imports"


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The limits.

    Attributes:
        max_bytes: the largest body.
        max_json_bytes: the largest JSON body without photos.
        max_feed_bytes: the largest feed. Feeds are written to the disk as they come, so that only
            the piece on its way is in memory; every other body is, as a whole.
        patience: seconds that a client may be silent at a time, and in all before it sent much.
        bytes_per_second: as many earn it a further second of silence in all.
        seconds: of silence in all, however much was sent.
        feed_seconds: the same for feeds.
    """

    max_bytes: int
    max_json_bytes: int = 1_000_000
    max_feed_bytes: int = 256_000_000
    patience: float = 15.0
    bytes_per_second: float = 4_000.0
    seconds: float = 60.0
    feed_seconds: float = 600.0


class LimitedBodies:
    """Middleware that holds bodies to the limits; one that breaks them is answered as a problem.

    Whatever the app makes of a body that ends in the middle, the client is told the real reason.
    Bytes of a body count against the budget from when they came until the request is answered;
    a route that holds further ones for it has them counted with ``request.state.holding``.
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits, budget: Budget) -> None:
        """Set up.

        Args:
            app: what answers.
            limits: what each body may be.
            budget: bytes in memory at once, of all bodies.
        """
        self._app = app
        self._limits = limits
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        holding = Holding(self._budget, getattr(connection.state, "payer", None))
        connection.state.holding = holding
        body = _Body(connection, receive, self._limits, holding)
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
            holding.end()


class Holding:
    """The bytes that one request holds in memory."""

    def __init__(self, budget: Budget, owner: str | None) -> None:
        self.owner = owner
        self._budget = budget
        self._held = 0

    def take(self, size: int) -> None:
        """Hold bytes until the request is answered.

        Raises:
            Problem: 429 if there is no room.
        """
        self._budget.take(size, self.owner)
        self._held += size

    def end(self) -> None:
        """Hold nothing any more."""
        self._budget.give_back(self._held, self.owner)
        self._held = 0


class _BodyRefusedError(Exception):
    """The body broke a limit; which one is in ``problem``."""


class _Body:
    """The body of one request on its way in."""

    def __init__(
        self, connection: HTTPConnection, receive: Receive, limits: BodyLimits, holding: Holding
    ) -> None:
        self.problem: Problem | None = None
        self._connection = connection
        self._receive = receive
        self._limits = limits
        self._holding = holding
        self._most = limits.max_bytes
        self._seconds = limits.seconds
        self._size = 0
        self._silent = 0.0
        self._began = False
        self._ended = False
        self._is_feed = False
        self._json: list[bytes] | None = None

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
        path, limits = self._connection.scope["path"], self._limits
        if is_json and path not in JSON_WITH_PHOTOS:
            self._most = min(limits.max_bytes, limits.max_json_bytes)
        elif not is_json and path.startswith(FEEDS_BELOW):
            self._is_feed = True
            self._most, self._seconds = limits.max_feed_bytes, limits.feed_seconds
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
                self._json = []

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
            self._hold(len(chunk))
            self._ended = not message.get("more_body", False)
            if self._json is None:
                return message
            self._json.append(chunk)
            if self._ended:
                whole, self._json = b"".join(self._json), None
                if wrong := shape_problem(whole):
                    raise self._refused(_misshapen(wrong))
                return {"type": "http.request", "body": whole, "more_body": False}

    def _hold(self, size: int) -> None:
        if self._is_feed:
            self._holding.end()  # the piece before is on the disk
        try:
            self._holding.take(size)
        except Problem as problem:
            raise self._refused(problem) from None

    async def _in_time(self) -> Message:
        """The next message, unless the client is silent for too long, now or in all."""
        patience = self._limits.patience
        earned = patience + self._size / self._limits.bytes_per_second
        left = min(earned, self._seconds) - self._silent
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
        self._holding.end()
        return _BodyRefusedError()


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


def _misshapen(wrong: str) -> Problem:
    return Problem(
        400,
        "malformed-json",
        f"the JSON cannot be what this path takes: {wrong}",
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
