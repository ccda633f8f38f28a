"""Ids in paths: one segment each, whatever characters they have.

Ids come from the shop's own systems and may hold any character. In a path each is written with
percent-encoding, as ``encodeURIComponent`` does: ``/v1/products/AB%2F12`` is the product
``AB/12``. Servers decode a path before it is routed, which would tear such an id apart, so that
here the paths below ``IDS_BELOW`` are routed as they were sent and each id is decoded for itself.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

IDS_BELOW = ("/v1/products/", "/v1/images/", "/v1/examples/")


class PathIds:
    """Middleware that has paths with ids routed as they were sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "http" and scope["path"].startswith(IDS_BELOW):
            raw = scope.get("raw_path")
            if raw:
                # In place: the layers outside read the route from this very scope.
                scope["path"] = raw.split(b"?", 1)[0].decode("latin-1")
        await self._app(scope, receive, send)


class IdConvertor(Convertor[str]):
    """A path parameter that is an id: ``{product_id:id}``."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """The id of a segment; bytes that are no UTF-8 become what no id can have."""
        return unquote(value, errors="surrogateescape")

    def to_string(self, value: str) -> str:
        """The segment of an id."""
        return quote(value, safe="")


register_url_convertor("id", IdConvertor())

PRODUCT = "{product_id:id}"
"""The id of a product in the path of a route."""

IMAGE = "{image_id:id}"
"""The id of an image."""

EXAMPLE = "{name:id}"
"""The name of an example photo."""
