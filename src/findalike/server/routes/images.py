"""The shop's pictures, in the sizes that pages want.

They need no key: a page's ``<img>`` cannot send one, and they are the very pictures that the shop
shows to everybody. Only what the shop knows is given, by its id, never a path. Those of products
that the public does not see are given by the addresses that answers to keys of the catalogue name.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path as FilePath
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from findalike.server.dependencies import ServiceOf
from findalike.server.path_ids import EXAMPLE, IMAGE
from findalike.server.picture_address import image_version, is_inside
from findalike.server.pictures import (
    WIDTHS,
    Picture,
    Pictures,
    format_of,
    width_of,
)
from findalike.server.problems import Problem, problem_responses
from findalike.server.service import Service
from findalike.shop.public_view import EVERYTHING

EXAMPLES = "examples"
"""Folder in the shop's with photos for shoppers to try."""

MAX_EXAMPLES = 8

router = APIRouter(prefix="/v1", tags=["pictures"])

Width = Annotated[
    int,
    Query(
        ge=1,
        le=WIDTHS[-1],
        description=f"Pixels; made are {', '.join(map(str, WIDTHS))}, the next larger is given.",
    ),
]
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture, as WebP for those who accept it, else as JPEG.",
        "content": {"image/webp": {}, "image/jpeg": {}},
    },
    304: {"description": "The picture has not changed."},
}


ImageId = Annotated[
    str, Path(max_length=4096, description="Of an answer; a slash in it is written %2F.")
]


def pictures_of(request: Request) -> Pictures:
    """The pictures of the app."""
    return cast(Pictures, request.app.state.pictures)


PicturesOf = Annotated[Pictures, Depends(pictures_of)]


@router.get(
    f"/images/{IMAGE}",
    summary="A picture of the shop as it is now",
    response_class=Response,
    responses={**_PICTURE, **problem_responses(404, 422, 429, 503)},
)
async def get_image(
    image_id: ImageId,
    request: Request,
    service: ServiceOf,
    pictures: PicturesOf,
    width: Width = 320,
) -> Response:
    """Get a picture made small, upright and without its metadata; it may be kept for minutes."""
    return await _shown(
        image_id, None, request=request, service=service, pictures=pictures, width=width
    )


@router.get(
    f"/images/{IMAGE}/{{version}}",
    summary="A picture of the shop in the version that an answer named",
    response_class=Response,
    responses={**_PICTURE, **problem_responses(404, 422, 429, 503)},
)
async def get_image_version(  # noqa: PLR0917 - by FastAPI, each by its name
    image_id: ImageId,
    version: Annotated[str, Path(max_length=64, examples=["0a1b2c3d4e5f"])],
    request: Request,
    service: ServiceOf,
    pictures: PicturesOf,
    width: Width = 320,
) -> Response:
    """Get a picture by the `url` of an answer; it may be kept for ever.

    Once the picture has changed, answers name another address, and this one gives the new picture
    for minutes.
    """
    return await _shown(
        image_id, version, request=request, service=service, pictures=pictures, width=width
    )


async def _shown(
    image_id: str,
    version: str | None,
    *,
    request: Request,
    service: Service,
    pictures: Pictures,
    width: int,
) -> Response:
    inside = is_inside(image_id, version, service.signatures)
    view = EVERYTHING if inside else service.visibility.public()
    image = await service.in_time(service.read(partial(service.shop.image, image_id, view)))
    if image is None:
        raise Problem(
            404,
            "no-such-image",
            f"the shop has no image {image_id[:200]!r}",
            next_step="take the url of an image from an answer as it is",
            title="No such image",
        )
    kind = format_of(request.headers.get("accept", ""))
    picture = await pictures.get(image, width_of(width), kind, owner=request.state.payer)
    named = version is not None and version.split(".")[0] == image_version(image)
    lasting = picture.lasting and named
    return _answer(picture, request, lasting=lasting)


@router.get(
    f"/examples/{EXAMPLE}",
    summary="A photo to try the search with",
    response_class=Response,
    responses={**_PICTURE, **problem_responses(404, 422, 429, 503)},
)
async def get_example(
    name: Annotated[str, Path(max_length=255)],
    request: Request,
    service: ServiceOf,
    pictures: PicturesOf,
    width: Width = 1280,
) -> Response:
    """Get one of the photos that `GET /v1/shop` names."""
    shop = service.shop.folder
    if name not in await service.in_time(service.read(partial(example_names, shop))):
        raise _no_example(name)
    kind = format_of(request.headers.get("accept", ""))
    try:
        picture = await pictures.example(
            shop / EXAMPLES / name, width_of(width), kind, owner=request.state.payer
        )
    except OSError as error:
        raise _no_example(name) from error
    return _answer(picture, request)


def example_names(shop: FilePath) -> list[str]:
    """The photos in the shop's folder ``examples``, by name."""
    try:
        found = sorted(path.name for path in (shop / EXAMPLES).iterdir() if path.is_file())
    except OSError:
        return []
    endings = (".jpg", ".jpeg", ".png", ".webp")
    return [name for name in found if name.lower().endswith(endings)][:MAX_EXAMPLES]


def _answer(picture: Picture, request: Request, *, lasting: bool = False) -> Response:
    age = "max-age=31536000, immutable" if lasting else "max-age=300"
    headers = {"ETag": picture.etag, "Cache-Control": f"public, {age}", "Vary": "Accept"}
    asked = request.headers.get("if-none-match", "")
    if picture.etag in (tag.strip().removeprefix("W/") for tag in asked.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(picture.data, headers=headers, media_type=picture.media_type)


def _no_example(name: str) -> Problem:
    return Problem(
        404,
        "no-such-example",
        f"there is no example {name[:100]!r}",
        next_step="see examples of GET /v1/shop",
        title="No such example",
    )
