"""What is said of a request that cannot be met: the problem details of RFC 9457.

Every error of the service has this one body, of the media type ``application/problem+json``.
``type`` names the kind of problem for programs, ``next_step`` says to people what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from findalike.errors import FindalikeError
from findalike.server.problem_titles import TITLES
from findalike.server.translation import problem_parts

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:findalike:problem:"


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    where: str = Field(examples=["k"])
    problem: str = Field(examples=["500 is too large"])
    allowed: str | None = Field(default=None, examples=["1 to 100"])


class ProblemBody(BaseModel):
    """The body of every error."""

    type: str = Field(examples=[TYPE_PREFIX + "queue-full"])
    title: str = Field(examples=["The service is busy"])
    status: int = Field(examples=[429])
    detail: str = Field(examples=["128 searches are under way already"])
    next_step: str = Field(examples=["try again after 2 seconds"])
    request_id: str | None = Field(default=None, examples=["5f0c2a6e1b9d4c3e"])
    errors: list[FieldProblem] | None = None


class Problem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """A request that cannot be met; raised anywhere below a route."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        next_step: str,
        title: str | None = None,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a problem.

        Args:
            status: HTTP status.
            kind: what programs tell it by, in kebab-case.
            detail: what is wrong with this request.
            next_step: what the caller can do.
            title: the kind in words; that of `TITLES`, or the status's own, where none is given.
            errors: one entry for each field at fault.
            headers: to send along, such as ``Retry-After``.
            extra: further members of the body.
        """
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title or TITLES.get(kind) or HTTPStatus(status).phrase
        self.detail = detail
        self.next_step = next_step
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """The body as plain values."""
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "next_step": self.next_step,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = [error.model_dump() for error in self.errors]
        return body | self.extra


def problem_response(problem: Problem, request: Request) -> Response:
    """The answer that tells a problem; its kind stays in ``request.state.problem`` for the logs."""
    request.state.problem = problem.kind
    body = to_json(problem.body(getattr(request.state, "request_id", None)))
    return Response(body, problem.status, problem.headers, MEDIA_TYPE)


def as_problem(error: FindalikeError) -> Problem:
    """One of findalike's own errors as a problem."""
    status, kind, detail, next_step, extra = problem_parts(error)
    headers = {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Problem(status, kind, detail, next_step=next_step, extra=extra, headers=headers)


def wrong_media_type(media: str, *, next_step: str) -> Problem:
    """The problem of a body of another media type than a path takes; 415."""
    found = f"the body is {media[:60]!r}" if media else "the body has no Content-Type"
    return Problem(415, "media-type", found, next_step=next_step)


def no_such_product(product_id: str) -> Problem:
    """The problem of a product that the shop has not, or does not show to those who search; 404."""
    return Problem(
        404,
        "no-such-product",
        f"the shop has no product {product_id[:200]!r}",
        next_step="take a product_id from an answer",
    )


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a path, for its OpenAPI description."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "model": ProblemBody, "content": content}
        for status in statuses
    }


def install_problem_handlers(app: FastAPI) -> None:
    """Have every error of the app answered as a problem."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return problem_response(error, request)

    @app.exception_handler(FindalikeError)
    async def _known(request: Request, error: FindalikeError) -> Response:
        return problem_response(as_problem(error), request)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(invalid_request(error.errors()), request)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return problem_response(_http_problem(error, request), request)

    @app.exception_handler(ClientDisconnect)
    async def _gone(request: Request, error: ClientDisconnect) -> Response:
        # Nobody reads this; the number is for the logs, as nginx writes it.
        gone = Problem(499, "client-gone", "the client left", next_step="", title="Client gone")
        return problem_response(gone, request)

    @app.exception_handler(Exception)
    async def _unknown(request: Request, error: Exception) -> Response:
        # What went wrong is in the log; to the outside it could tell of the machine.
        problem = Problem(
            500,
            "internal",
            "the service met an error that it does not know",
            next_step="try again; if it stays, tell the shop the request_id",
        )
        return problem_response(problem, request)


def invalid_request(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """A problem from what pydantic found wrong."""
    found = [
        FieldProblem(
            where=".".join(str(part) for part in error["loc"]) or "body",
            problem=str(error["msg"]),
            allowed=_allowed(error.get("ctx") or {}),
        )
        for error in errors
    ]
    first = found[0]
    return Problem(
        422,
        "invalid-request",
        f"{first.where}: {first.problem}" + (f" (and {len(found) - 1} more)" * (len(found) > 1)),
        next_step="correct the fields that errors names; /docs describes them",
        title="The request is not as described",
        errors=found,
    )


def _allowed(limits: Mapping[str, Any]) -> str | None:
    words = {
        "ge": "at least",
        "gt": "above",
        "le": "at most",
        "lt": "below",
        "expected": "",
        "max_length": "at most",
        "min_length": "at least",
    }
    said = [f"{words[name]} {value}".strip() for name, value in limits.items() if name in words]
    return ", ".join(said) or None


def _http_problem(error: HTTPException, request: Request) -> Problem:
    status = error.status_code
    kinds = {
        404: ("not-found", f"there is nothing at {request.url.path}", "see /docs for the paths"),
        405: (
            "method-not-allowed",
            f"{request.url.path} takes no {request.method}",
            "see the header Allow for what it takes",
        ),
    }
    kind, detail, step = kinds.get(
        status, ("refused", str(error.detail), "see /docs for what this path takes")
    )
    return Problem(status, kind, detail, next_step=step, headers=error.headers)
