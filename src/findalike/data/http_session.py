"""One try at fetching a URL: the connections, the redirects and the bytes of `Fetcher`."""

from __future__ import annotations

import re
import ssl
import time
import zlib
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from findalike import __version__
from findalike.data.addresses import Network
from findalike.data.fetch import Resolver, TryAgainError
from findalike.data.guarded_network import GuardedBackend
from findalike.errors import FetchError, ImageError, UrlError

LONGEST_URL = 8_192

_HOST = re.compile(rb"[A-Za-z0-9._:-]+")
_PORTS = frozenset({80, 443, *range(1024, 65_536)})
_REDIRECTS = (301, 302, 303, 307, 308)
_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_HEADERS = [
    (b"User-Agent", f"findalike/{__version__}".encode()),
    (b"Accept", b"image/*, */*;q=0.5"),
    (b"Accept-Encoding", b"identity"),
]
_TRANSIENT = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.RemoteProtocolError,
)


class HttpSession:
    """Requests over connections that are kept, and that lead to allowed addresses only."""

    def __init__(
        self,
        *,
        max_bytes: int,
        redirects: int,
        connections: int,
        allowed: Sequence[Network],
        resolver: Resolver | None,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        """Set up requests; see `Fetcher` for the arguments."""
        self._max_bytes = max_bytes
        self._redirects = redirects
        self._network = GuardedBackend(allowed=allowed, resolver=resolver)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or httpcore.default_ssl_context(),
            max_connections=connections,
            keepalive_expiry=30.0,
            network_backend=self._network,
        )

    def get(self, url: str, deadline: float) -> bytes:
        """The content at a URL, or at what it redirects to.

        Args:
            url: where it is.
            deadline: when to give up, as `time.monotonic` counts.

        Raises:
            TryAgainError: if the failure may be over soon.
            UrlError: if the URL, or one it redirects to, may not be fetched.
            ImageError: if there are more bytes than allowed.
            FetchError: if the server refuses.
        """
        try:
            with self._network.until(deadline):
                return self._follow(url)
        except httpcore.LocalProtocolError as error:
            raise UrlError(f"{url}: not a URL that can be requested ({error})") from error
        except _TRANSIENT as error:
            raise TryAgainError(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _follow(self, url: str) -> bytes:
        target = _checked(url, url)
        for _ in range(self._redirects + 1):
            request = httpcore.URL(
                scheme=target.raw_scheme,
                host=target.raw_host,
                port=target.port,
                target=target.raw_path,
            )
            headers = [(b"Host", target.netloc), *_HEADERS]
            wait = {"timeout": {"pool": self._network.seconds_left()}}
            with self._pool.stream("GET", request, headers=headers, extensions=wait) as response:
                if response.status not in _REDIRECTS:
                    return self._content(response, url)
                place = _header(response, b"location")
            target = _checked(_joined(target, place, url), url)
        raise FetchError(
            f"{url}: redirected more than {self._redirects} times: give the URL it ends at"
        )

    def _content(self, response: httpcore.Response, url: str) -> bytes:
        status = response.status
        if status == _TOO_MANY_REQUESTS or status >= 500:
            pause = _seconds(_header(response, b"retry-after"))
            busy = status in (_TOO_MANY_REQUESTS, _UNAVAILABLE)
            raise TryAgainError(f"the server answered {status}", pause, busy=busy)
        if status != 200:
            raise FetchError(
                f"{url}: the server answered {status}, not 200: open it in a browser "
                f"and correct the URL"
            )
        if _number(_header(response, b"content-length")) > self._max_bytes:
            raise self._too_large(url)
        coding = _header(response, b"content-encoding").lower()
        chunks: Iterable[bytes] = response.iter_stream()
        if coding in ("gzip", "x-gzip", "deflate"):
            chunks = _unpacked(chunks, self._max_bytes, url)
        elif coding not in ("", "identity"):
            raise FetchError(f"{url}: sent packed as {coding!r}, which was not asked for")
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > self._max_bytes:
                raise self._too_large(url)
        return bytes(content)

    def _too_large(self, url: str) -> ImageError:
        return ImageError(
            f"{url}: over {self._max_bytes:,} bytes, which is what is allowed: give the URL of "
            f"a smaller version, or raise max_bytes"
        )


def _checked(text: str, first: str) -> httpx.URL:
    """A URL that may be fetched.

    Args:
        text: the URL.
        first: the one it was reached from, or itself.

    Raises:
        UrlError: if it may not.
    """
    where = text[:200] if text == first else f"{first} redirects to {text[:200]}"
    if len(text) > LONGEST_URL:
        raise UrlError(f"{where}: {len(text):,} characters, and {LONGEST_URL:,} are allowed")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise UrlError(f"{where}: not a URL ({error}): correct it") from error
    if url.scheme not in ("http", "https"):
        raise UrlError(f"{where}: starts with {url.scheme!r}: allowed are http:// and https://")
    if url.userinfo:
        # Said without the URL: what is in it should not be in a log.
        raise UrlError(f"a URL of {url.host} has a user or a password in it: leave them out")
    if not _HOST.fullmatch(url.raw_host):
        raise UrlError(f"{where}: names no server: give one after {url.scheme}://")
    if url.port is not None and url.port not in _PORTS:
        raise UrlError(f"{where}: port {url.port}: allowed are 80, 443, and 1024 to 65535")
    return url


def _joined(base: httpx.URL, place: str, first: str) -> str:
    if not place:
        raise FetchError(f"{first}: redirected without saying where to")
    try:
        return str(base.join(place))
    except httpx.InvalidURL as error:
        raise UrlError(f"{first} redirects to {place[:200]!r}, which is not a URL") from error


def _unpacked(chunks: Iterable[bytes], most: int, url: str) -> Iterable[bytes]:
    """Unpack gzip or zlib data, to one byte more than ``most``: a megabyte can hold a gigabyte."""
    inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
    left = most + 1
    try:
        for chunk in chunks:
            piece = inflate.decompress(chunk, left)
            left -= len(piece)
            yield piece
            if left == 0:
                return
    except zlib.error as error:
        raise FetchError(f"{url}: packed wrongly by the server ({error})") from error
    if not inflate.eof:
        raise TryAgainError("its packed content was cut off")


def _header(response: httpcore.Response, name: bytes) -> str:
    for key, value in response.headers:
        if key.lower() == name:
            return value.decode("latin-1").strip()
    return ""


def _number(text: str) -> int:
    """A whole number as headers write it; 0 for anything else."""
    return int(text[:18]) if text.isdecimal() else 0


def _seconds(text: str) -> float:
    """The pause that ``Retry-After`` asks for, in seconds or until a date; 0 for anything else."""
    if text.isdecimal():
        return float(_number(text))
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
