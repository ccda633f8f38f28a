"""CORS whose refusals are problems like all others."""

from __future__ import annotations

from fastapi.responses import Response
from pydantic_core import to_json
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware

from findalike.server.problems import MEDIA_TYPE, Problem


class CrossOrigin(CORSMiddleware):
    """Starlette's middleware; what it says of a preflight request that it refuses is text."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a browser that asks whether a page may send a request."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        problem = Problem(
            answer.status_code,
            "cross-origin",
            bytes(answer.body).decode(),
            next_step="serve with --cors and the origin of that page",
            title="The page may not send this",
        )
        headers = {n: v for n, v in answer.headers.items() if not n.startswith("content-")}
        return Response(to_json(problem.body()), answer.status_code, headers, MEDIA_TYPE)
