"""The description of the API for people, at ``/docs``.

FastAPI's own page loads scripts from a third party, which the page's security policy forbids; this
one has none at all.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from jinja2 import Environment, PackageLoader, Template
from markupsafe import Markup, escape

from findalike.server.curl_lines import curl_lines
from findalike.server.routes.pages import send_file
from findalike.server.web_files import WebFile, ready

router = APIRouter(include_in_schema=False)

_CODE = re.compile(r"`([^`\n]+)`")


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The description for programs."""
    return send_file(request, _rendered(request.app)["openapi.json"], headers={})


@router.get("/docs")
def docs(request: Request) -> Response:
    """Every path with its parameters, bodies and answers."""
    return send_file(request, _rendered(request.app)["docs.html"], headers={})


@router.get("/docs/style.css")
def style(request: Request) -> Response:
    """How it looks."""
    return send_file(request, _rendered(request.app)["docs.css"], headers={})


def _rendered(app: FastAPI) -> dict[str, WebFile]:
    """The files, made when the first of them is asked for: that takes some hundred milliseconds."""
    state = app.state
    if not hasattr(state, "docs_files"):
        api = app.openapi()
        style = files("findalike.server").joinpath("templates/docs.css").read_bytes()
        texts = {
            "openapi.json": json.dumps(api, ensure_ascii=False).encode(),
            "docs.html": docs_page(api).encode(),
            "docs.css": style,
        }
        state.docs_files = {name: ready(name, body) for name, body in texts.items()}
    made: dict[str, WebFile] = state.docs_files
    return made


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
    good = [
        (status, kind, _example(body["example"]))
        for status, answer in sorted(operation["responses"].items())
        for kind, body in answer.get("content", {}).items()
        if "example" in body
    ]
    answers = sorted(operation["responses"].items())
    return {
        "anchor": f"{method}{path}".replace("/", "-"),
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": operation.get("parameters", ()),
        "bodies": [(kind, _json(body.get("schema", {}))) for kind, body in content.items()],
        "requests": curl_lines(method, path, operation),
        "examples": good,
        "answers": [(status, answer.get("description", "")) for status, answer in answers],
    }


def _example(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _with_code(text: str) -> Markup:
    """A description with what stands in backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped here


@cache
def _template() -> Template:
    loader = PackageLoader("findalike.server", "templates")
    environment = Environment(loader=loader, autoescape=True)
    environment.filters["with_code"] = _with_code
    return environment.get_template("docs.html.j2")
