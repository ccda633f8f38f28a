"""HEAD wherever there is GET: the same answer without its body, for caches and monitors."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOUND = ("route", "endpoint", "path_params")


class Heads:
    """Middleware that has HEAD answered by the routes of GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_no_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # Not in place: the server has to know that no body follows the length that is told.
        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, send_no_body)
        finally:
            # The layers outside read the route from their own.
            scope.update({name: asked[name] for name in _FOUND if name in asked})
