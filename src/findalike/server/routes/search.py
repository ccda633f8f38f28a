"""Searching with photos, and from one product to those like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from findalike.errors import FindalikeError
from findalike.server.access import require
from findalike.server.answers import BatchAnswer, SearchAnswer, to_bytes
from findalike.server.dependencies import ServiceOf
from findalike.server.known_parameters import KNOWN_PARAMETERS
from findalike.server.path_ids import PRODUCT
from findalike.server.presence import while_present
from findalike.server.problems import Problem, as_problem, problem_responses, wrong_media_type
from findalike.server.search_description import (
    BATCH_REQUEST,
    PAGE_PARAMETERS,
    SEARCH_REQUEST,
)
from findalike.server.search_input import (
    BATCH_BODY,
    MAX_BATCH,
    SEARCH_BODY,
    SearchBody,
    SearchInput,
    input_of_json,
    inputs_of_form,
    page_of_query,
    validated_json,
)
from findalike.server.uploads import parse_form

router = APIRouter(
    prefix="/v1", tags=["search"], dependencies=[Depends(require("search")), KNOWN_PARAMETERS]
)


@router.post(
    "/search",
    summary="Find the products that match a photo",
    response_model=SearchAnswer,
    responses=problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": SEARCH_REQUEST},
)
async def search(request: Request, service: ServiceOf) -> Response:
    """Send a photo and, if you can, the box around the product; get the nearest products.

    The photo comes as a file of a form, in base64, or as a public URL. It is decoded in memory,
    turned upright, cut to the box and forgotten; nothing of it is stored.
    """
    asked = await _inputs(request, SEARCH_BODY)
    if len(asked) != 1:
        raise _too_many(len(asked), 1)
    answer = await while_present(request, service.search(asked[0], request.state.holding))
    request.state.timings_ms = answer["timings_ms"]
    return _json(answer)


@router.post(
    "/search:batch",
    summary="Find the products that match each of several photos",
    response_model=BatchAnswer,
    responses=problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": BATCH_REQUEST},
)
async def search_batch(request: Request, service: ServiceOf) -> Response:
    """Send up to 16 photos: files of one form, or a JSON list of searches.

    One that cannot be used is answered with its problem in its place; the others stand.
    """
    asked = await _inputs(request, BATCH_BODY)
    if len(asked) > MAX_BATCH:
        raise _too_many(len(asked), MAX_BATCH)
    found = await while_present(request, service.search_batch(asked, request.state.holding))
    _count(found, request)
    return _json({"answers": [_told(outcome, request) for outcome in found]})


@router.get(
    f"/products/{PRODUCT}/similar",
    summary="Find the products most like one of the shop",
    response_model=SearchAnswer,
    responses=problem_responses(400, 401, 403, 404, 422, 429, 503),
    openapi_extra={"parameters": PAGE_PARAMETERS},
)
async def similar(
    request: Request,
    service: ServiceOf,
    product_id: Annotated[
        str, Path(max_length=512, description="Percent-encoded, also its slashes.")
    ],
) -> Response:
    """More like this, by the pictures the shop has; the product itself is not in the answer."""
    page = page_of_query(request.query_params)
    answer = await while_present(request, service.similar(product_id, page))
    request.state.timings_ms = answer["timings_ms"]
    return _json(answer)


async def _inputs(
    request: Request, kind: TypeAdapter[SearchBody] | TypeAdapter[list[SearchBody]]
) -> list[SearchInput]:
    header = request.headers.get("content-type", "")
    media = header.split(";", 1)[0].strip().lower()
    body = await request.body()
    if media == "multipart/form-data":
        return inputs_of_form(await parse_form(body, header))
    if media == "application/json":
        found = validated_json(cast("TypeAdapter[SearchBody | list[SearchBody]]", kind), body)
        return [input_of_json(one) for one in (found if isinstance(found, list) else [found])]
    raise wrong_media_type(
        media, next_step="send multipart/form-data with a file image, or application/json"
    )


def _too_many(found: int, most: int) -> Problem:
    return Problem(
        422,
        "too-many-images",
        f"there are {found} images, and {most} may be sent here",
        next_step=f"send several to /v1/search:batch, up to {MAX_BATCH} at once",
    )


def _count(found: Sequence[dict[str, Any] | Exception], request: Request) -> None:
    """Count each search of a batch, and tell the log what all of them took together."""
    together: dict[str, float] = {}
    for outcome in found:
        stages: dict[str, float] = {} if isinstance(outcome, Exception) else outcome["timings_ms"]
        for name, ms in stages.items():
            together[name] = together.get(name, 0.0) + ms
        problem = as_problem(outcome) if isinstance(outcome, FindalikeError) else outcome
        kind = problem.kind if isinstance(problem, Problem) else None
        spent = {name: ms for name, ms in stages.items() if name != "total"}
        request.app.state.metrics.search_of_batch(spent, kind)
    request.state.batch_ms = together


def _told(outcome: dict[str, Any] | Exception, request: Request) -> dict[str, Any]:
    if isinstance(outcome, dict):
        return outcome
    if isinstance(outcome, FindalikeError):
        outcome = as_problem(outcome)
    if not isinstance(outcome, Problem):
        raise outcome
    return outcome.body(getattr(request.state, "request_id", None))


def _json(answer: dict[str, Any]) -> Response:
    return Response(to_bytes(answer), media_type="application/json")
