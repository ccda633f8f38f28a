"""What the layers around the routes may answer, put into the OpenAPI description of every path."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from findalike.server.problems import MEDIA_TYPE

_ANYWHERE = (401, 403, 429, 431, 503)
_WITH_BODY = (400, 408, 413, 415)


def describe_layers(app: FastAPI) -> None:
    """Have the description of an app name the problems that any path can have.

    Those are a wrong key, too many requests, headers that are too long; and for paths that take a
    body, one that is too large, too slow, or of another kind.
    """
    routes: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        described = routes()
        for operations in described["paths"].values():
            for operation in operations.values():
                statuses = _ANYWHERE + (_WITH_BODY if "requestBody" in operation else ())
                for status in statuses:
                    operation["responses"].setdefault(str(status), _problem(status))
        return described

    app.openapi = openapi  # type: ignore[method-assign]


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    return {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
