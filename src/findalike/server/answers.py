"""What a search answers over HTTP: its description for OpenAPI, and its bytes.

The models describe; the bytes are written from plain values in one step, since building and
checking models for each of twenty products would take longer than the search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic_core import to_json

from findalike.data.propose import ProposedBox
from findalike.models.calibration import Likeness
from findalike.server.likeness import Meaning
from findalike.server.picture_address import image_url
from findalike.server.problems import ProblemBody
from findalike.shop.facets import Facet, NumberFacet
from findalike.shop.pages import FoundFamily, Page
from findalike.shop.results import FoundImage, FoundProduct
from findalike.types import Box

BoxSource = Literal["given", "proposed", "whole"]
BoxNumbers = tuple[float, float, float, float]


class ImageSize(BaseModel):
    """Size of the upright photo in pixels."""

    width: int
    height: int


class AnswerBox(BaseModel):
    """A box where something stands out."""

    box: BoxNumbers = Field(description="x, y, w, h in pixels of the upright photo.")
    score: float = Field(
        ge=0, le=1, description="Overlap to be expected with the thing meant; larger is better."
    )


class AnswerImage(BaseModel):
    """An image of the shop."""

    image_id: str
    url: str = Field(description="Where this service gives the picture.")
    box: BoxNumbers | None = Field(description="The product in it: x, y, w, h in its pixels.")


class AnswerVariant(BaseModel):
    """A variant of a product that was found too."""

    product_id: str
    score: float
    likeness: Likeness | None
    title: str | None
    price: float | None
    currency: str | None
    url: str | None
    image: AnswerImage
    attributes: dict[str, str | float | bool | list[str]]


class AnswerProduct(BaseModel):
    """One row of an answer."""

    rank: int
    product_id: str
    score: float = Field(description="Cosine with the photo, -1 to 1; larger is nearer.")
    likeness: Likeness | None = Field(
        description="The score in words; null where the encoder was not calibrated. Products like "
        "one of the shop are very similar, similar, or null: none of them is the very product."
    )
    title: str | None
    category: str | None
    price: float | None
    currency: str | None
    url: str | None
    image: AnswerImage
    attributes: dict[str, str | float | bool | list[str]]
    variants: list[AnswerVariant]


class AnswerCount(BaseModel):
    """How many products have a value."""

    value: str | bool
    count: int


class AnswerRange(BaseModel):
    """How many products have a number from ``low`` up to, without, ``high``."""

    low: float
    high: float
    count: int


class AnswerNumbers(BaseModel):
    """The numbers of a field."""

    min: float
    max: float
    counts: list[AnswerRange]


class SearchAnswer(BaseModel):
    """The answer to one photo."""

    query_id: str = Field(description="Names this search in feedback, for a week.")
    shop_version: int
    image: ImageSize | None
    box: BoxNumbers | None = Field(description="What was searched with, cut to the photo.")
    box_source: BoxSource | None
    proposals: list[AnswerBox] | None = Field(
        description="Boxes proposed for the photo, best first; null where none were asked for."
    )
    products: list[AnswerProduct]
    matches: int = Field(
        description="Rows there are in all, as far as was looked: with facets or an order by "
        "price, among the nearest 240 images that pass the filter; else, for this page."
    )
    facets: dict[str, list[AnswerCount] | AnswerNumbers]
    nothing_like_it: bool = Field(
        description="Whether even the nearest product looks unlike, or none passes the filter; "
        "only the latter where the encoder was not calibrated, and for products like one of the "
        "shop."
    )
    next_offset: int | None
    timings_ms: dict[str, float]
    warnings: list[str]


class BatchAnswer(BaseModel):
    """The answers to several photos, in their order; a problem where one could not be had."""

    answers: list[SearchAnswer | ProblemBody]


def answer_of(
    page: Page,
    *,
    query_id: str,
    size: tuple[int, int] | None,
    box: Box | None,
    box_source: BoxSource | None,
    timings_ms: Mapping[str, float],
    warnings: Sequence[str],
    proposals: Sequence[ProposedBox] | None = None,
    meaning: Meaning | None = None,
) -> dict[str, Any]:
    """An answer as plain values.

    Args:
        query_id: what names it in feedback.
        proposals: boxes of the photo, None where none were asked for.
        meaning: what its scores mean, None where that is not known.
    """
    best = page.best_score
    unlike = best is None or (meaning is not None and meaning.nothing_like_it(best))
    return {
        "query_id": query_id,
        "shop_version": page.shop_version,
        "image": None if size is None else {"width": size[0], "height": size[1]},
        "box": _box(box),
        "box_source": box_source,
        "proposals": None if proposals is None else proposed(proposals),
        "products": [_product(row, meaning) for row in page.rows],
        "matches": page.matches,
        "facets": {name: _facet(facet) for name, facet in page.facets.items()},
        "nothing_like_it": unlike,
        "next_offset": page.next_offset,
        "timings_ms": {name: round(ms, 2) for name, ms in timings_ms.items()},
        "warnings": list(warnings),
    }


def proposed(boxes: Sequence[ProposedBox]) -> list[dict[str, Any]]:
    """Proposed boxes as plain values."""
    return [{"box": _box(one.box), "score": one.score} for one in boxes]


def to_bytes(value: Mapping[str, Any]) -> bytes:
    """Plain values as JSON."""
    return to_json(value, inf_nan_mode="null")


def _product(row: FoundFamily, meaning: Meaning | None) -> dict[str, Any]:
    found = row.product
    product = found.product
    return {
        "rank": found.rank,
        "product_id": product.product_id,
        "score": found.score,
        "likeness": None if meaning is None else meaning.likeness_of(found.score),
        "title": product.title,
        "category": product.category,
        "price": product.price,
        "currency": product.currency,
        "url": product.url,
        "image": _image(found.image),
        "attributes": product.attributes,
        "variants": [_variant(variant, meaning) for variant in row.variants],
    }


def _variant(found: FoundProduct, meaning: Meaning | None) -> dict[str, Any]:
    product = found.product
    return {
        "product_id": product.product_id,
        "score": found.score,
        "likeness": None if meaning is None else meaning.likeness_of(found.score),
        "title": product.title,
        "price": product.price,
        "currency": product.currency,
        "url": product.url,
        "image": _image(found.image),
        "attributes": product.attributes,
    }


def _image(image: FoundImage) -> dict[str, Any]:
    return {
        "image_id": image.image_id,
        "url": image_url(image),
        "box": _box(image.box),
    }


def _box(box: Box | None) -> BoxNumbers | None:
    return None if box is None else (box.x, box.y, box.w, box.h)


def _facet(facet: Facet) -> Any:
    if isinstance(facet, NumberFacet):
        counts = [{"low": c.low, "high": c.high, "count": c.count} for c in facet.counts]
        return {"min": facet.min, "max": facet.max, "counts": counts}
    return [{"value": counted.value, "count": counted.count} for counted in facet]
