"""Where the product in a photo may be."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from findalike.server.access import require
from findalike.server.answers import AnswerBox, ImageSize, proposed
from findalike.server.dependencies import ServiceOf
from findalike.server.known_parameters import KNOWN_PARAMETERS
from findalike.server.presence import while_present
from findalike.server.problems import problem_responses, wrong_media_type
from findalike.server.search_description import BOXES_REQUEST
from findalike.server.search_input import (
    IMAGE_BODY,
    SearchInput,
    image_of_form,
    image_of_json,
    validated_json,
)
from findalike.server.uploads import parse_form

router = APIRouter(
    prefix="/v1", tags=["search"], dependencies=[Depends(require("search")), KNOWN_PARAMETERS]
)


class BoxesAnswer(BaseModel):
    """Boxes proposed for a photo, best first; the whole photo first where nothing stands out."""

    image: ImageSize
    boxes: list[AnswerBox]


@router.post(
    "/boxes",
    summary="Propose boxes around the product in a photo",
    responses=problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": BOXES_REQUEST},
)
async def boxes(request: Request, service: ServiceOf) -> BoxesAnswer:
    """Send a photo, get up to five boxes to search with, best first.

    Where no thing stands out for sure, the first box is the whole photo. Nothing of the photo is
    stored.
    """
    asked = await _asked(request)
    found = await while_present(request, service.boxes(asked, request.state.holding))
    return BoxesAnswer(
        image=ImageSize(width=found.width, height=found.height),
        boxes=[AnswerBox.model_validate(box) for box in proposed(found.boxes)],
    )


async def _asked(request: Request) -> SearchInput:
    header = request.headers.get("content-type", "")
    media = header.split(";", 1)[0].strip().lower()
    body = await request.body()
    if media == "multipart/form-data":
        return image_of_form(await parse_form(body, header))
    if media == "application/json":
        return image_of_json(validated_json(IMAGE_BODY, body))
    raise wrong_media_type(
        media, next_step="send multipart/form-data with a file image, or application/json"
    )
