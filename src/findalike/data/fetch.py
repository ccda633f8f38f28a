"""Images by http(s) URL, from servers nobody here has reason to trust."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from findalike.data.images import ImageLimits
from findalike.errors import FetchError, SettingError

if TYPE_CHECKING:
    from findalike.data.http_session import HttpSession

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""From a host name and a port to its IP addresses as text; raises OSError if there are none."""


class TryAgainError(Exception):
    """A failure that may be over soon.

    Attributes:
        pause: seconds the server asks to wait, 0 if it does not.
        busy: whether the server says that it is asked too much.
    """

    def __init__(self, message: str, pause: float = 0.0, *, busy: bool = False) -> None:
        super().__init__(message)
        self.pause = pause
        self.busy = busy


class Fetcher:
    """Fetches images by URL within bounds of bytes, time, redirects and addresses.

    Only ports 80, 443 and those from 1024 up are allowed: below are mail and other services that
    images never come from. Proxies and certificates that environment variables name are not used.
    One may be shared by any number of threads; connections are kept and used again.
    """

    def __init__(
        self,
        *,
        max_bytes: int | None = None,
        timeout: float = 20.0,
        redirects: int = 5,
        retries: int = 2,
        backoff: float = 0.5,
        connections: int = 16,
        allow_networks: Sequence[str] = (),
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Set up fetching; no connection is made yet.

        Args:
            max_bytes: largest image, packed and unpacked; by default that of `ImageLimits`.
            timeout: seconds for one image in all: names, redirects, retries and the last byte.
            redirects: how many are followed, each checked like the URL itself.
            retries: further tries after a failed connection, a cut off answer, or the statuses 429
                and 5xx.
            backoff: seconds before the first retry, doubled for each one after.
            connections: how many are open at once at most; further callers wait.
            allow_networks: networks that may be reached although they are not public, such as
                ``("10.1.0.0/16",)`` for the image server of a shop.
            resolver: how names become addresses; by default the system's.
            ssl_context: which certificates are trusted; by default those of public authorities.

        Raises:
            SettingError: if a value is out of range, or a network is not one.
        """
        max_bytes = ImageLimits().max_bytes if max_bytes is None else max_bytes
        limits = {"max_bytes": max_bytes, "timeout": timeout, "connections": connections}
        for name, value in limits.items():
            if value <= 0:
                raise SettingError(f"{name} is {value}: it must be above 0")
        for name, value in {"redirects": redirects, "retries": retries, "backoff": backoff}.items():
            if value < 0:
                raise SettingError(f"{name} is {value}: it must be 0 or more")
        try:
            self._allowed = tuple(ip_network(network) for network in allow_networks)
        except ValueError as error:
            raise SettingError(f"allow_networks: {error}: write it like 10.1.0.0/16") from error
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._redirects = redirects
        self._retries = retries
        self._backoff = backoff
        self._connections = connections
        self._resolver = resolver
        self._ssl_context = ssl_context
        self._starting = threading.Lock()
        self._started: HttpSession | None = None

    def fetch(self, url: str) -> bytes:
        """The bytes of one image; its content type is not believed, so nothing is made of it.

        Raises:
            UrlError: if the URL, or one it redirects to, may not be fetched.
            ImageError: if there are more bytes than allowed.
            FetchError: if the server or the network fails, or the time is up.
        """
        session = self._session()
        deadline = time.monotonic() + self._timeout
        pause = self._backoff
        tries = 0
        while True:
            try:
                return session.get(url, deadline)
            except TryAgainError as error:
                wait = max(pause, error.pause)
                if time.monotonic() + wait >= deadline:
                    raise FetchError(
                        f"{url}: no image within {self._timeout:g} seconds ({error}): "
                        f"try again later, or allow more time"
                    ) from error
                if tries == self._retries:
                    raise FetchError(f"{url}: {error}: try again later") from error
            time.sleep(wait)
            tries += 1
            pause *= 2

    def fetch_once(self, url: str) -> bytes:
        """As `fetch`, in one try: for callers that do something else before the next.

        Raises:
            TryAgainError: if the failure may be over soon.
            UrlError, ImageError, FetchError: as `fetch` does.
        """
        return self._session().get(url, time.monotonic() + self._timeout)

    def close(self) -> None:
        """Close all connections."""
        with self._starting:
            if self._started is not None:
                self._started.close()
                self._started = None

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _session(self) -> HttpSession:
        # Loaded here because most imports never meet a URL, and it takes 0.1 s.
        from findalike.data.http_session import HttpSession  # noqa: PLC0415

        with self._starting:
            if self._started is None:
                self._started = HttpSession(
                    max_bytes=self._max_bytes,
                    redirects=self._redirects,
                    connections=self._connections,
                    allowed=self._allowed,
                    resolver=self._resolver,
                    ssl_context=self._ssl_context,
                )
            return self._started
