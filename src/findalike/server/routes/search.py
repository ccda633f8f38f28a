"""Searching with photos, and from one product to those like it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from findalike.server.answers import SearchAnswer, to_bytes
from findalike.server.dependencies import ServiceOf
from findalike.server.presence import while_present
from findalike.server.problems import Problem, problem_responses
from findalike.server.search_input import (
    SearchBody,
    SearchInput,
    input_of_json,
    inputs_of_form,
    validated_json,
)
from findalike.server.uploads import body_of, parse_form

router = APIRouter(prefix="/v1", tags=["search"])


@router.post(
    "/search",
    summary="Find the products that match a photo",
    response_model=SearchAnswer,
    responses=problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
)
async def search(request: Request, service: ServiceOf) -> Response:
    """Send a photo and, if you can, the box around the product; get the nearest products."""
    async with body_of(
        request, most=service.settings.max_body_bytes, budget=service.uploads
    ) as body:
        asked = _inputs(body, request)
        if len(asked) != 1:
            raise _too_many(len(asked), 1)
        answer = await while_present(request, service.search(asked[0]))
    request.state.timings_ms = answer["timings_ms"]
    return _json(answer)


def _inputs(body: bytes, request: Request) -> list[SearchInput]:
    kind = request.headers.get("content-type", "")
    media = kind.split(";", 1)[0].strip().lower()
    if media == "multipart/form-data":
        return inputs_of_form(parse_form(body, kind))
    if media == "application/json":
        return [input_of_json(validated_json(SearchBody, body))]
    raise Problem(
        415,
        "media-type",
        f"the body is {media[:60]!r}",
        next_step="send multipart/form-data with a file image, or application/json",
    )


def _too_many(found: int, most: int) -> Problem:
    return Problem(
        422,
        "too-many-images",
        f"there are {found} images, and {most} may be sent here",
        next_step="send several to /v1/search:batch, up to 16 at once",
    )


def _json(answer: dict[str, Any]) -> Response:
    return Response(to_bytes(answer), media_type="application/json")
