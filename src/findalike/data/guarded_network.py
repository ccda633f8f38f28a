"""Connections that lead only to allowed addresses and end at a deadline, for `Fetcher`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from ssl import SSLCertVerificationError, SSLContext
from typing import Any

import httpcore

from findalike.data.addresses import Network, is_allowed
from findalike.data.fetch import Resolver
from findalike.errors import FetchError, UrlError

CONNECT_SECONDS = 5.0
"""Time one address gets before the next is tried."""

MOST_ADDRESSES = 8


class GuardedBackend(httpcore.NetworkBackend):
    """Makes the connections of a pool, each to an address that was checked and to no other.

    The check happens where the connection is made, on the very address that is connected to. So a
    name cannot lead elsewhere between the two (DNS rebinding), and a redirect is checked like the
    first request. TLS still verifies the name: only the socket is told the address.
    """

    def __init__(self, *, allowed: Sequence[Network], resolver: Resolver | None) -> None:
        """Set up the rules.

        Args:
            allowed: networks that are allowed besides public addresses.
            resolver: how names become addresses; by default the system's.
        """
        self._allowed = tuple(allowed)
        self._resolver = resolver or resolve
        self._inner = httpcore.SyncBackend()
        self._thread = threading.local()

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Let whatever this thread does on the network end at a moment of `time.monotonic`."""
        self._thread.deadline = deadline
        try:
            yield
        finally:
            self._thread.deadline = None

    def seconds_left(self, timeout: float | None = None) -> float:
        """Seconds until the deadline of this thread, at most ``timeout``.

        Raises:
            httpcore.ReadTimeout: if there are none.
        """
        deadline = getattr(self._thread, "deadline", None)
        left = float("inf") if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time is up")
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of ``host`` that answers.

        Raises:
            UrlError: if one of its addresses is not allowed.
            httpcore.ConnectError: if it has none, or none answers.
        """
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._allowed_addresses(host, port)[:MOST_ADDRESSES]:
            try:
                stream = self._inner.connect_tcp(
                    address,
                    port,
                    self.seconds_left(timeout or CONNECT_SECONDS),
                    local_address,
                    socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self)
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Refuse: no URL leads to a socket of this machine."""
        raise UrlError(f"{path} is a socket of this machine, which no URL may lead to")

    def _allowed_addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses: Sequence[str] = [str(ip_address(host))]
        except ValueError:
            addresses = self._resolved(host, port)
        for address in addresses:
            if not is_allowed(address, self._allowed):
                raise UrlError(
                    f"{host} leads to {address}, which is not a public address: give a URL of a "
                    f"public server, or copy the images below the root and give paths"
                )
        return addresses

    def _resolved(self, host: str, port: int) -> Sequence[str]:
        """Ask the resolver, in a thread of its own: the system's knows no deadline."""
        outcome: list[Sequence[str] | Exception] = []

        def ask() -> None:
            try:
                outcome.append(self._resolver(host, port))
            except Exception as error:
                outcome.append(error)

        worker = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
        worker.start()
        worker.join(self.seconds_left(threading.TIMEOUT_MAX))
        if not outcome:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time")
        if isinstance(outcome[0], Exception):
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from outcome[0]
        return outcome[0]


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline of the thread that waits."""

    def __init__(self, inner: httpcore.NetworkStream, backend: GuardedBackend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.seconds_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._backend.seconds_left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._backend.seconds_left(timeout)
        try:
            secure = self._inner.start_tls(ssl_context, server_hostname, left)
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, SSLCertVerificationError):
                # Told apart here: the pool drops the cause, and trying again would not help.
                raise FetchError(
                    f"the certificate of {server_hostname} is not valid ({error.__cause__}): "
                    f"tell those who run that server"
                ) from error
            raise
        return _TimedStream(secure, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def resolve(host: str, port: int) -> list[str]:
    """The addresses the system's resolver knows, in its order, each once.

    Raises:
        OSError: if it knows none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
