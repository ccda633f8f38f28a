"""The shop as a whole: what it holds, its versions, and the way back to one."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from findalike.errors import ShopLockedError, StorageError
from findalike.server.access import identify, require
from findalike.server.dependencies import ServiceOf
from findalike.server.known_parameters import KNOWN_PARAMETERS
from findalike.server.problems import problem_responses
from findalike.server.routes.images import example_names
from findalike.server.routes.products import UpdatesOf
from findalike.server.service import MAY_BE_DONE
from findalike.server.shop_state import ShopState
from findalike.server.updates import LOCK_SECONDS, locked
from findalike.shop.feedback import FeedbackStore

router = APIRouter(prefix="/v1", tags=["shop"])

MAX_VERSIONS = 1000


class EncoderAnswer(BaseModel):
    """The encoder that filled the shop."""

    name: str
    fingerprint: str
    embedding_size: int


class ExampleAnswer(BaseModel):
    """A photo to try the search with."""

    url: str


class ShopAnswer(BaseModel):
    """What a shop holds."""

    name: str
    version: int = Field(description="Grows with every change.")
    products: int
    images: int
    created_at: datetime
    updated_at: datetime | None = Field(description="When an image was written last.")
    encoder: EncoderAnswer
    fields: dict[str, Literal["text", "number", "boolean", "list"]] = Field(
        description="What a filter may name."
    )
    facets: list[str] = Field(description="What may be counted.")
    examples: list[ExampleAnswer]
    keeps_photos: bool = Field(
        description="Whether feedback may keep photos of shoppers who consent: ask them only then."
    )


class VersionAnswer(BaseModel):
    """A state of the shop that can be rolled back to."""

    version: int
    created_at: datetime
    images: int
    what: str = Field(examples=["import of feed.csv: 120 added, 4 updated, 1 refused"])


class VersionsAnswer(BaseModel):
    """The versions, newest first."""

    versions: list[VersionAnswer]


class RollbackBody(BaseModel):
    """Which version to bring back."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, lt=2**53, strict=True, examples=[12])]


class RollbackAnswer(BaseModel):
    """The shop after a rollback."""

    version: int = Field(description="The new version, which holds what the old one held.")
    rolled_back_to: int


def shop_state_of(request: Request) -> ShopState:
    """The state of the app's shop."""
    return cast(ShopState, request.app.state.shop_state)


@router.get(
    "/shop",
    summary="What the shop holds",
    response_model=ShopAnswer,
    responses=problem_responses(401, 403, 429, 503),
    dependencies=[Depends(require("search"))],
)
async def get_shop(
    request: Request, service: ServiceOf, state: Annotated[ShopState, Depends(shop_state_of)]
) -> Response:
    """Get counts, encoder, version, fields and example photos, for pages and for monitoring.

    Keys of the roles catalogue and admin are told of all products and fields, others of those
    that a search may find and name.
    """
    _, role = identify(request)
    counted = await service.in_time(state.get(inside=role in ("catalogue", "admin")))
    names = await service.in_time(service.read(lambda: example_names(service.shop.folder)))
    examples = [{"url": f"/v1/examples/{quote(name, safe='')}"} for name in names]
    keeps = await service.read(partial(_keeps_photos, FeedbackStore(service.shop.folder)))
    return _json({**counted, "examples": examples, "keeps_photos": keeps})


@router.get(
    "/shop/versions",
    summary="The versions that can be brought back",
    response_model=VersionsAnswer,
    responses=problem_responses(401, 403, 422, 429, 503),
    dependencies=[Depends(require("catalogue")), KNOWN_PARAMETERS],
)
async def list_versions(
    service: ServiceOf, limit: Annotated[int, Query(ge=1, le=MAX_VERSIONS)] = 100
) -> Response:
    """List the states of the shop after each import, removal and rollback, newest first.

    Single changes are one entry every ten minutes; the answer to each names its version, which
    can be brought back too for as long as it is kept.
    """
    found = await service.in_time(service.read(service.shop.versions))
    return _json(
        {
            "versions": [
                {
                    "version": v.version,
                    "created_at": v.created_at,
                    "images": v.images,
                    "what": v.what,
                }
                for v in found[:limit]
            ]
        }
    )


@router.post(
    "/shop:rollback",
    summary="Bring back an earlier version",
    response_model=RollbackAnswer,
    responses=problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
    dependencies=[Depends(require("admin")), KNOWN_PARAMETERS],
)
async def rollback(body: RollbackBody, service: ServiceOf, updates: UpdatesOf) -> Response:
    """Bring back what the shop held in an earlier version, as a new version; nothing is lost."""

    def work() -> int:
        service.shop.rollback(body.version, wait=LOCK_SECONDS)
        return service.shop.version

    try:
        version = await service.in_time(updates.exclusively(work), next_step=MAY_BE_DONE)
    except ShopLockedError as error:
        raise locked() from error
    return _json({"version": version, "rolled_back_to": body.version})


def _keeps_photos(feedback: FeedbackStore) -> bool:
    try:
        return feedback.settings.keep_photos
    except StorageError:
        return False  # settings that cannot be read keep nothing


def _json(value: dict[str, Any]) -> Response:
    return Response(to_json(value), media_type="application/json")
