"""Products and their images: listed, read, put, patched and removed one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeAlias, cast

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import TypeAdapter
from pydantic_core import to_json

from findalike.index.filters import MAX_LENGTH
from findalike.server.access import require
from findalike.server.cursors import LONGEST, cursor_of, last_id_of
from findalike.server.dependencies import ServiceOf
from findalike.server.etags import LONGEST_CONDITION, etag_of, expected_by
from findalike.server.incoming import Incoming
from findalike.server.known_parameters import KNOWN_PARAMETERS
from findalike.server.path_ids import PRODUCT
from findalike.server.picture_address import image_url, inside_url
from findalike.server.problems import Problem, problem_responses, wrong_media_type
from findalike.server.product_models import (
    PatchBody,
    ProductAnswer,
    ProductBody,
    ProductsAnswer,
    WrittenAnswer,
    product_json,
)
from findalike.server.search_input import validated_json
from findalike.server.service import MAY_BE_DONE, Service
from findalike.server.updates import Updates
from findalike.server.uploads import parse_form
from findalike.shop.changes import Change, RemoveProduct
from findalike.shop.results import FoundImage

MAX_PAGE = 200

_PRODUCT = TypeAdapter(ProductBody)
_PATCH = TypeAdapter(PatchBody)

router = APIRouter(
    prefix="/v1", tags=["catalogue"], dependencies=[Depends(require("catalogue")), KNOWN_PARAMETERS]
)

ProductId = Annotated[
    str,
    Path(
        max_length=512,
        description="Id of the product, percent-encoded: a slash in it is written %2F.",
        examples=["MH01"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=LONGEST_CONDITION,
        description="The etag of the product that the change was made for, or several with commas "
        "between; * for any. Where the product is in another state, nothing is changed (412).",
        examples=['"0a1b2c3d4e5f60718293a4b5c6d7e8f9"'],
    ),
]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": ProductBody.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "product": {
                            "type": "string",
                            "description": "The product as JSON, at most 16,384 bytes.",
                        },
                        "image": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            },
        },
    }
}


def updates_of(request: Request) -> Updates:
    """The updates of the app."""
    return cast(Updates, request.app.state.updates)


def incoming_of(request: Request) -> Incoming:
    """What makes products of the app ready."""
    return cast(Incoming, request.app.state.incoming)


def address_of(request: Request, service: ServiceOf) -> Address:
    """Where keys of the catalogue find pictures, those that the public does not see as well."""
    if not service.visibility.hides_products:
        return image_url
    signatures = service.signatures
    return lambda image: inside_url(image, signatures)


Address: TypeAlias = Callable[[FoundImage], str]
AddressOf = Annotated[Address, Depends(address_of)]
UpdatesOf = Annotated[Updates, Depends(updates_of)]
IncomingOf = Annotated[Incoming, Depends(incoming_of)]


@router.get(
    "/products",
    summary="List the products",
    response_model=ProductsAnswer,
    responses=problem_responses(400, 401, 403, 422, 429, 503),
)
async def list_products(
    service: ServiceOf,
    address: AddressOf,
    cursor: Annotated[
        str | None, Query(max_length=LONGEST, description="next_cursor of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Products of a page.")] = 50,
    where: Annotated[
        str | None,
        Query(
            max_length=MAX_LENGTH,
            description="Only products that match this filter.",
            examples=["category under 'Fruit'"],
        ),
    ] = None,
) -> Response:
    """Go through the products in the order of their ids, page by page.

    The list may be written to meanwhile: a product that stays is given exactly once.
    """
    asked = where or ""
    after = last_id_of(cursor, asked=asked) if cursor else None

    def work() -> Response:
        page = service.shop.list_products(limit=limit, after=after, where=where or None)
        last = page.last_id
        return _json(
            {
                "products": [product_json(stored, address=address) for stored in page.products],
                "next_cursor": None if last is None else cursor_of(last, asked=asked),
                "shop_version": page.shop_version,
            }
        )

    return await service.in_time(service.read(work))


@router.get(
    f"/products/{PRODUCT}",
    summary="Get one product with all its images",
    response_model=ProductAnswer,
    responses=problem_responses(401, 403, 404, 422, 429, 503),
)
async def get_product(product_id: ProductId, service: ServiceOf, address: AddressOf) -> Response:
    """Get what the shop holds of a product."""
    stored = await service.in_time(service.read(lambda: service.shop.get(product_id)))
    if stored is None:
        raise _no_product(product_id)
    headers = {"ETag": etag_of(stored)}
    return _json(product_json(stored, address=address), headers=headers)


@router.put(
    f"/products/{PRODUCT}",
    summary="Add a product, or replace it as a whole",
    response_model=WrittenAnswer,
    responses={
        201: {"model": WrittenAnswer, "description": "The product is new."},
        **problem_responses(400, 401, 403, 408, 409, 412, 413, 415, 422, 429, 503),
    },
    openapi_extra=_BODY,
)
async def put_product(  # noqa: PLR0917 - by FastAPI, each by its name
    product_id: ProductId,
    request: Request,
    service: ServiceOf,
    updates: UpdatesOf,
    incoming: IncomingOf,
    address: AddressOf,
    if_match: IfMatch = None,
) -> Response:
    """Make a product what is sent here: what is left out, the product does not have.

    Its images are URLs, paths below the shop's folders of images, or files sent along as
    multipart, with the product as JSON in the field `product`. Pictures the shop knows are not
    embedded again. When this answers, the product can be searched. Send the `etag` that you know
    as `If-Match` to write over nobody's change.
    """
    raw = await request.body()
    body, files = await _product_and_files(raw, request.headers.get("content-type", ""))
    change = await incoming.put(product_id, body, files)
    change = replace(change, expected=expected_by(if_match))
    return await _written(service, updates, change, address)


@router.patch(
    f"/products/{PRODUCT}",
    summary="Change some of what is said of a product",
    response_model=WrittenAnswer,
    responses=problem_responses(400, 401, 403, 404, 408, 412, 413, 415, 422, 429, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": PatchBody.model_json_schema()}},
        }
    },
)
async def patch_product(  # noqa: PLR0917 - by FastAPI, each by its name
    product_id: ProductId,
    request: Request,
    service: ServiceOf,
    updates: UpdatesOf,
    incoming: IncomingOf,
    address: AddressOf,
    if_match: IfMatch = None,
) -> Response:
    """Change title, price, attributes and the like; null removes one. Nothing is embedded anew."""
    _check_json(request.headers.get("content-type", ""))
    change = incoming.patch(product_id, validated_json(_PATCH, await request.body()))
    change = replace(change, expected=expected_by(if_match))
    return await _written(service, updates, change, address)


@router.delete(
    f"/products/{PRODUCT}",
    summary="Remove a product with all its images",
    response_model=WrittenAnswer,
    responses=problem_responses(401, 403, 404, 412, 422, 429, 503),
)
async def delete_product(
    product_id: ProductId,
    service: ServiceOf,
    updates: UpdatesOf,
    address: AddressOf,
    if_match: IfMatch = None,
) -> Response:
    """Remove a product; `POST /v1/shop:rollback` could bring it back."""
    change = RemoveProduct(product_id, expected_by(if_match))
    return await _written(service, updates, change, address)


async def _written(
    service: Service, updates: Updates, change: Change, address: Address
) -> Response:
    written = await service.in_time(updates.submit(change), next_step=MAY_BE_DONE)
    if written.outcome == "missing":
        raise _no_product(change.product_id)
    return _json(
        {
            "outcome": written.outcome,
            "images_written": written.images,
            "shop_version": written.version,
            "product": written.product and product_json(written.product, address=address),
        },
        status=201 if written.outcome == "added" else 200,
    )


async def _product_and_files(raw: bytes, content_type: str) -> tuple[ProductBody, list[bytes]]:
    if content_type.split(";", 1)[0].strip().lower() != "multipart/form-data":
        _check_json(content_type)
        return validated_json(_PRODUCT, raw), []
    form = await parse_form(raw, content_type)
    for name in [n for n, _ in form.files if n != "image"] + [
        n for n in form.texts if n != "product"
    ]:
        raise Problem(
            422,
            "invalid-request",
            f"there is no field {name[:80]!r} here",
            next_step="send the product as JSON in the field product, and its pictures as files "
            "named image",
        )
    body = validated_json(_PRODUCT, form.texts.get("product", "{}").encode())
    return body, [data for _, data in form.files]


def _check_json(content_type: str) -> None:
    media = content_type.split(";", 1)[0].strip().lower()
    if media != "application/json":
        raise wrong_media_type(
            media,
            next_step="send application/json; a product with pictures also as multipart/form-data",
        )


def _no_product(product_id: str) -> Problem:
    return Problem(
        404,
        "no-such-product",
        f"the shop has no product {json.dumps(product_id[:200])}",
        next_step="list /v1/products; a slash in an id is written %2F in the path",
    )


def _json(
    value: dict[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(to_json(value), status, dict(headers or {}), "application/json")
