"""The description of the API for people, at ``/docs``.

FastAPI's own page loads scripts from a third party, which the page's security policy forbids; this
one has none at all.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, Template

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every path with its parameters, bodies and answers."""
    return HTMLResponse(docs_page(request.app.openapi()))


@router.get("/docs/style.css")
def style() -> Response:
    """How it looks."""
    text = files("findalike.server").joinpath("templates/docs.css").read_text("utf-8")
    return Response(text, media_type="text/css")


def docs_page(api: dict[str, Any]) -> str:
    """The page of an OpenAPI description."""
    operations = [
        _told(path, method, operation)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [
        (name, _json(schema)) for name, schema in sorted(api["components"]["schemas"].items())
    ]
    return _template().render(api=api, operations=operations, schemas=schemas)


def _told(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    answers = sorted(operation["responses"].items())
    return {
        "anchor": f"{method}{path}".replace("/", "-"),
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": operation.get("parameters", ()),
        "bodies": [(kind, _json(body.get("schema", {}))) for kind, body in content.items()],
        "answers": [(status, answer.get("description", "")) for status, answer in answers],
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@cache
def _template() -> Template:
    loader = PackageLoader("findalike.server", "templates")
    return Environment(loader=loader, autoescape=True).get_template("docs.html.j2")
