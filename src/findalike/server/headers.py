"""Headers that keep browsers from doing what the page does not need, and CORS for other pages."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The policy of everything that is not a page: a browser that shows it may load nothing."""

PICTURES = ("/v1/images/", "/v1/examples/")
"""Paths of pictures, which the pages of other origins show in an ``<img>``."""

EXPOSED = ("X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy", "Location", "ETag")
"""Headers of an answer that the pages of other origins may read."""


def page_policy(frame_ancestors: Sequence[str]) -> str:
    """The Content-Security-Policy of the pages: own scripts and styles, none of them inline.

    Pictures come from anywhere by https (those of a catalogue lie where the shop has them), and as
    ``blob:`` or ``data:`` from the shopper's own camera. Nothing is sent anywhere but here.

    Args:
        frame_ancestors: origins whose pages may show this one in a frame.
    """
    parts = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' https: blob: data:",
        "media-src": "'self' blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "object-src": "'none'",
        "frame-ancestors": " ".join(frame_ancestors) or "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


class SecurityHeaders:
    """Middleware that adds the headers to every answer; a route's own values stay."""

    def __init__(self, app: ASGIApp, *, frame_ancestors: Sequence[str] = ()) -> None:
        """Set up.

        Args:
            app: what answers.
            frame_ancestors: origins whose pages may show the page in a frame; this one always may.
        """
        self._app = app
        embedders = ("'self'", *frame_ancestors)
        self._page_policy = page_policy(embedders)
        self._framed = bool(frame_ancestors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, path: str) -> None:
        page = headers.get("content-type", "").startswith("text/html")
        headers.setdefault("Content-Security-Policy", self._page_policy if page else API_POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        if page:
            self._add_for_pages(headers)
        # Pictures and the widget's script are for the pages of other origins; answers are not,
        # except by CORS.
        picture = path.startswith(PICTURES)
        shared = picture or not path.startswith("/v1/")
        headers.setdefault(
            "Cross-Origin-Resource-Policy", "cross-origin" if shared else "same-origin"
        )
        if path.startswith("/v1/") and not picture:
            headers.setdefault("Cache-Control", "no-store")

    def _add_for_pages(self, headers: MutableHeaders) -> None:
        """Add what browsers heed of a page alone, and scripts would carry for nothing."""
        headers.setdefault(
            "Permissions-Policy",
            "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
        )
        headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if not self._framed:
            headers.setdefault("X-Frame-Options", "SAMEORIGIN")
