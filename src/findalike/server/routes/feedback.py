"""What shoppers did with an answer."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
)
from pydantic_core import to_json

from findalike.errors import ImageError
from findalike.server.access import identify, require
from findalike.server.dependencies import ServiceOf
from findalike.server.feedback_writing import FeedbackWriting
from findalike.server.known_parameters import KNOWN_PARAMETERS
from findalike.server.problems import (
    Problem,
    no_such_product,
    problem_responses,
    wrong_media_type,
)
from findalike.server.search_input import validated, validated_json
from findalike.server.uploads import Form, parse_form
from findalike.shop.feedback import FeedbackStore, Kept
from findalike.types import Box

router = APIRouter(
    prefix="/v1", tags=["feedback"], dependencies=[Depends(require("search")), KNOWN_PARAMETERS]
)

_UNREAD = b""
"""Stands for a photo that nobody looks at, since the shopper did not consent."""

_TRUTH = {"true": True, "1": True, "on": True, "false": False, "0": False, "": False}


class FeedbackBody(BaseModel):
    """One thing a shopper did with one product of an answer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "query_id": "6922f1c3-5f0c2a6e1b9d4c3e-0123456789abcdef",
                    "product_id": "MH01",
                    "event": "click",
                    "rank": 2,
                }
            ]
        },
    )

    query_id: Annotated[
        StrictStr,
        Field(
            pattern=r"^[A-Za-z0-9_-]{1,64}$",
            description="Of an answer that this service gave in the last seven days.",
        ),
    ]
    product_id: Annotated[StrictStr, Field(min_length=1, max_length=512)]
    event: Literal["view", "click", "cart", "purchase", "wrong"]
    rank: Annotated[StrictInt | None, Field(ge=1, le=10_000)] = None
    consent: Annotated[
        StrictBool,
        Field(description="Whether the shopper agrees that the photo is kept for training."),
    ] = False
    box: Annotated[
        tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None,
        Field(description="The product in the photo: x, y, w, h in its pixels."),
    ] = None
    photo_base64: Annotated[
        StrictStr | None,
        Field(min_length=1, description="The photo searched with; kept with consent only."),
    ] = None


_BODY = TypeAdapter(FeedbackBody)


class FeedbackAnswer(BaseModel):
    """What became of it."""

    stored: bool = Field(description="False where the day's events are full.")
    photo: Literal["kept", "none sent", "no consent", "turned off", "day is full"]


@router.post(
    "/feedback",
    summary="Tell what a shopper did with an answer",
    status_code=202,
    response_model=FeedbackAnswer,
    responses=problem_responses(400, 401, 403, 404, 408, 413, 415, 422, 429, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": FeedbackBody.model_json_schema()},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "query_id": {"type": "string"},
                            "product_id": {"type": "string"},
                            "event": {"enum": ["view", "click", "cart", "purchase", "wrong"]},
                            "rank": {"type": "integer"},
                            "consent": {"type": "boolean"},
                            "box": {"type": "string", "description": "x,y,w,h"},
                            "photo": {"type": "string", "format": "binary"},
                        },
                    }
                },
            },
        }
    },
)
async def add_feedback(request: Request, service: ServiceOf) -> Response:
    """Keep a view, click, cart, purchase or wrong result, for training and for figures.

    The photo is kept only if the shop turned that on and `consent` is true; it is encoded anew,
    without its metadata. The answer must be one that this service gave in the last seven days, and
    the product one of the shop.
    """
    writing = cast(FeedbackWriting, request.app.state.feedback)
    raw = await request.body()
    said, photo = await _read(raw, request.headers.get("content-type", ""))
    service.query_ids.check(said.query_id)
    if not await service.in_time(service.read(partial(service.shows, said.product_id))):
        raise no_such_product(said.product_id)

    def add(store: FeedbackStore) -> Kept:
        return store.add(
            query_id=said.query_id,
            product_id=said.product_id,
            event=said.event,
            rank=said.rank,
            photo=photo() if said.consent else _UNREAD if said.photo_base64 else None,
            box=None if said.box is None else Box(*said.box),
            consent=said.consent,
            limits=service.settings.image_limits,
        )

    # Keys that pages hold are everybody's; those of the shop's own programs have no share.
    _, role = identify(request)
    own = role is not None and not request.state.shared_key
    address = None if own else request.state.payer
    kept = await service.in_time(writing.add(add, address=address))
    body = to_json({"stored": kept.stored, "photo": kept.photo})
    return Response(body, 202, media_type="application/json")


async def _read(raw: bytes, content_type: str) -> tuple[FeedbackBody, Any]:
    media = content_type.split(";", 1)[0].strip().lower()
    if media == "application/json":
        said = validated_json(_BODY, raw)
        return said, lambda: _decoded(said.photo_base64)
    if media != "multipart/form-data":
        raise wrong_media_type(
            media, next_step="send application/json, or multipart/form-data with a file photo"
        )
    form = await parse_form(raw, content_type)
    photos = [data for name, data in form.files if name == "photo"]
    if len(photos) != len(form.files) or len(photos) > 1:
        raise Problem(
            422,
            "invalid-request",
            "there is a file that is not wanted here",
            next_step="send one file at most, named photo",
        )
    values = _values(form)
    if photos:
        values["photo_base64"] = "file"
    return validated(FeedbackBody, values), lambda: photos[0] if photos else None


def _values(form: Form) -> dict[str, Any]:
    values: dict[str, Any] = {name: text for name, text in form.texts.items() if text.strip()}
    values.pop("photo_base64", None)
    if values.get("rank", "").isdecimal():
        values["rank"] = int(values["rank"][:9])
    if "consent" in values:
        values["consent"] = _TRUTH.get(values["consent"].lower(), values["consent"])
    if "box" in values:
        with suppress(ValueError):  # else pydantic says what is allowed
            values["box"] = tuple(float(part) for part in values["box"].split(","))
    return values


def _decoded(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(
            "photo_base64 is not base64: encode the file's bytes, without a leading "
            "data:image/...;base64,"
        ) from error
