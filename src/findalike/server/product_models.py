"""Products over HTTP: what is sent and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictStr

from findalike.server.etags import etag_of
from findalike.server.picture_address import image_url
from findalike.shop.results import FoundImage, StoredProduct

MAX_IMAGES = 50
"""Images of one product that may be put at once."""

MAX_VALUES = 500

Value = StrictBool | FiniteFloat | StrictStr | list[StrictStr]
Text = Annotated[StrictStr, Field(max_length=131_072)]
Attributes = Annotated[dict[str, Value | None], Field(max_length=MAX_VALUES)]


class ImageBody(BaseModel):
    """An image of a product, by where it is or by which of the files sent it is."""

    model_config = ConfigDict(extra="forbid")

    location: Annotated[
        StrictStr | None,
        Field(
            max_length=2048,
            description="A public http(s) URL, or a path below the shop's folders of images.",
            examples=["mugs/blue-1.jpg"],
        ),
    ] = None
    file: Annotated[
        int | None,
        Field(ge=0, lt=MAX_IMAGES, description="Number of the file sent with it, from 0."),
    ] = None
    image_id: Annotated[
        StrictStr | None,
        Field(max_length=512, description="By default the product id, a slash and the location."),
    ] = None
    box: Annotated[
        tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None,
        Field(description="The product in the picture: x, y, w, h in its pixels."),
    ] = None


class ProductBody(BaseModel):
    """A whole product: what is left out, the product does not have."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Blue mug",
                    "category": "Kitchen/Mugs",
                    "price": 12.5,
                    "currency": "EUR",
                    "url": "https://shop.example/mugs/blue",
                    "attributes": {"colour": "blue", "dishwasher_safe": True},
                    "images": [{"location": "https://shop.example/photos/mug.jpg"}],
                }
            ]
        },
    )

    title: Text | None = None
    category: Annotated[Text | None, Field(description="From broad to narrow: Men/Tops.")] = None
    variant_of: Text | None = None
    price: FiniteFloat | Annotated[StrictStr, Field(max_length=64)] | None = None
    currency: Text | None = None
    url: Text | None = None
    attributes: Attributes = Field(default_factory=dict)
    images: Annotated[list[ImageBody], Field(max_length=MAX_IMAGES)] = Field(default_factory=list)


class PatchBody(BaseModel):
    """What is to change of a product; null removes a value, what is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"price": 9.9, "attributes": {"colour": None}}]},
    )

    title: Text | None = None
    category: Text | None = None
    variant_of: Text | None = None
    price: FiniteFloat | Annotated[StrictStr, Field(max_length=64)] | None = None
    currency: Text | None = None
    url: Text | None = None
    attributes: Attributes = Field(default_factory=dict)


class ImageAnswer(BaseModel):
    """An image of a product."""

    image_id: str
    url: str = Field(description="Where this service gives the picture.")
    location: str = Field(description="Where the shop has it from.")
    box: tuple[float, float, float, float] | None


class ProductAnswer(BaseModel):
    """A product as the shop holds it."""

    product_id: str
    etag: str = Field(
        description="The state it is in. A change sent with it as If-Match is carried out only "
        "while the product is in that state.",
        examples=['"0a1b2c3d4e5f60718293a4b5c6d7e8f9"'],
    )
    title: str | None
    category: str | None
    variant_of: str | None
    price: float | None
    currency: str | None
    url: str | None
    attributes: dict[str, str | float | bool | list[str]]
    images: list[ImageAnswer]


class ProductsAnswer(BaseModel):
    """A page of products."""

    products: list[ProductAnswer]
    next_cursor: str | None = Field(description="For the next page; null after the last product.")
    shop_version: int


class WrittenAnswer(BaseModel):
    """What became of a change; it can be searched from now on."""

    outcome: Literal["added", "updated", "unchanged", "removed"]
    images_written: int = Field(description="Images written or removed.")
    shop_version: int
    product: ProductAnswer | None


def product_json(
    stored: StoredProduct, *, address: Callable[[FoundImage], str] = image_url
) -> dict[str, Any]:
    """A product as plain values.

    Args:
        address: where a picture is to be had.
    """
    product = stored.product
    return {
        "product_id": product.product_id,
        "etag": etag_of(stored),
        "title": product.title,
        "category": product.category,
        "variant_of": product.variant_of,
        "price": product.price,
        "currency": product.currency,
        "url": product.url,
        "attributes": dict(product.attributes),
        "images": [
            {
                "image_id": image.image_id,
                "url": address(image),
                "location": image.location,
                "box": None
                if image.box is None
                else (image.box.x, image.box.y, image.box.w, image.box.h),
            }
            for image in stored.images
        ],
    }
