"""Connections of clients who mean no good: how many, how slow, and how long their headers are.

uvicorn with httptools bounds none of these: it waits for the end of the headers without an end,
and takes headers of any length.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic_core import to_json
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from findalike.server.client_address import Network, address_group, within
from findalike.server.problems import MEDIA_TYPE, Problem

_ONE_READ = 65_536


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one worker.

    Attributes:
        connections: open at once, at most; further ones are closed at once.
        per_address: open at once from one address, at most; proxies that are trusted, and this
            machine, have no limit of their own.
        header_bytes: of the request line and the headers together.
        headers: how many.
        header_seconds: from the first byte of a request, or from the connection's beginning, to
            the end of the headers.
        linger_seconds: how long the rest of a body is swallowed after the answer.
        write_seconds: how long an answer may wait for a client that does not read.
    """

    connections: int = 1000
    per_address: int = 100
    header_bytes: int = 16_384
    headers: int = 64
    header_seconds: float = 10.0
    linger_seconds: float = 2.0
    write_seconds: float = 30.0


class GuardedConfig(Config):
    """uvicorn's configuration with limits on connections."""

    def __init__(
        self,
        app: Any,
        *,
        limits: ConnectionLimits,
        trusted: Sequence[Network] = (),
        **options: Any,
    ) -> None:
        """Set up a server.

        Args:
            app: as uvicorn takes it.
            limits: what is allowed.
            trusted: the networks of the shop's own proxies.
            options: further ones of uvicorn.
        """
        super().__init__(app, http=GuardedProtocol, **options)
        self.limits = limits
        self.trusted = tuple(trusted)
        self.per_address: Counter[str] = Counter()


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the limits of a `GuardedConfig`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        guarded = cast(GuardedConfig, config)
        self._limits = guarded.limits
        self._trusted = guarded.trusted
        self._per_address = guarded.per_address
        self._timer: asyncio.TimerHandle | None = None
        self._group: str | None = None
        self._header_bytes = 0
        self._idle_bytes = 0
        self._progress = False
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close it where there are too many."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if len(self.connections) > self._limits.connections:
            self._close()
            return
        if address and not within(address, self._trusted) and not _loopback(address):
            self._group = address_group(address)
            self._per_address[self._group] += 1
            if self._per_address[self._group] > self._limits.per_address:
                self._close()
                return
        self._time(self._limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._stop_timer()
        if self._group is not None:
            self._per_address[self._group] -= 1
            if self._per_address[self._group] <= 0:
                del self._per_address[self._group]
            self._group = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; none after the connection was refused."""
        if self._refused or self.transport.is_closing():
            return
        if self._timer is None and not self._busy():
            self._time(self._limits.header_seconds)
        self._progress = False
        super().data_received(data)
        self._idle_bytes = 0 if self._progress else self._idle_bytes + len(data)
        if self._idle_bytes > self._limits.header_bytes + _ONE_READ and not self._refused:
            # The parser keeps a header until it is whole: one without an end would fill the memory.
            self._header_bytes = self._idle_bytes
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value) + 4)
        if len(self.headers) >= self._limits.headers:
            raise _TooManyHeadersError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request."""
        self._progress = True
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._progress = True
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Wait for the next request, but not for long for the rest of this one's body."""
        unread = self.cycle is not None and self.cycle.more_body
        super().on_response_complete()
        if unread and not self.transport.is_closing():
            self._time(self._limits.linger_seconds)

    def on_message_complete(self) -> None:
        """The body has ended, so the client no longer lingers."""
        self._progress = True
        if self.cycle is not None and self.cycle.response_complete:
            self._stop_timer()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not read; it has some time to go on."""
        super().pause_writing()
        self._time(self._limits.write_seconds)

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stop_timer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or breaks a limit, and close."""
        self._refused = True
        self._stop_timer()
        too_long = self._header_bytes > self._limits.header_bytes
        too_many = self.headers is not None and len(self.headers) >= self._limits.headers
        problem = _headers_problem(self._limits) if too_long or too_many else _no_http()
        body = to_json(problem.body())
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\n"
            f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
            "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._limits.header_bytes:
            raise _TooManyHeadersError

    def _busy(self) -> bool:
        """Whether a request is being received or answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _time(self, seconds: float) -> None:
        """Close the connection after some seconds, unless the timer is stopped."""
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._refused = True
        # Not close(): that would wait until the client has read what is left to write.
        cast("asyncio.WriteTransport", self.transport).abort()


class _TooManyHeadersError(Exception):
    """Ends the parsing; httptools reports it as an error of its own."""


def _loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


def _headers_problem(limits: ConnectionLimits) -> Problem:
    return Problem(
        431,
        "headers-too-large",
        f"more than {limits.header_bytes:,} bytes or {limits.headers} lines of headers",
        next_step="send fewer and shorter headers; what is long belongs into the body",
    )


def _no_http() -> Problem:
    return Problem(400, "no-http", "this is not a request of HTTP/1.1", next_step="speak HTTP/1.1")
