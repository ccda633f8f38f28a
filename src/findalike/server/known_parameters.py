"""The query string of a request, held against the parameters that its path has.

A parameter that a path does not have would be ignored without a word: ``POST /v1/search?k=2``
would answer with 20 products, since settings of a search go into its body.
"""

from __future__ import annotations

from difflib import get_close_matches

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from findalike.server.problems import FieldProblem, Problem

LONGEST = 63
"""How much is told of a name."""

MAX_TOLD = 20
"""How many parameters are told."""


def refuse_unknown_parameters(request: Request) -> None:
    """A FastAPI dependency for routes whose callers are programs.

    Raises:
        Problem: 422 with one entry for each parameter that the path does not have.
    """
    if not request.query_params:
        return
    known = _parameters(request.scope["route"])
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise Problem(
            422,
            "invalid-request",
            f"there is no parameter {unknown[0][:LONGEST]!r}"
            + (f" (and {len(unknown) - 1} more)" * (len(unknown) > 1)),
            next_step="leave it out, or send it in the body if it is a field of it; /docs tells "
            "where each belongs",
            title="The request is not as described",
            errors=[
                FieldProblem(
                    where=name[:LONGEST], problem="no such parameter", allowed=_near(name, known)
                )
                for name in unknown[:MAX_TOLD]
            ],
        )


KNOWN_PARAMETERS = Depends(refuse_unknown_parameters)


def _parameters(route: APIRoute) -> list[str]:
    """The names of the parameters a path may have in its query string."""
    described = (route.openapi_extra or {}).get("parameters", [])
    return [parameter.alias for parameter in route.dependant.query_params] + [
        parameter["name"] for parameter in described if parameter["in"] == "query"
    ]


def _near(name: str, known: list[str]) -> str | None:
    if not known:
        return "none: the path has no parameters"
    near = get_close_matches(name, known, n=1)
    return near[0] if near else ", ".join(known)
