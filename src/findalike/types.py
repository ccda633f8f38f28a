"""The values that travel between the layers: boxes, products, images, hits and array aliases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from findalike.errors import BoxError

Pixels: TypeAlias = NDArray[np.uint8]
"""An upright RGB image, shape (height, width, 3), or a batch of them, (n, height, width, 3)."""

Embeddings: TypeAlias = NDArray[np.float32]
"""Rows of unit length, shape (n, d), float32."""

ProductId: TypeAlias = str
ImageId: TypeAlias = str

AttributeValue: TypeAlias = str | float | bool | tuple[str, ...]
FieldType: TypeAlias = Literal["text", "number", "boolean", "list"]
"""``text`` is str, ``number`` float, ``boolean`` bool, ``list`` a tuple of str."""

Domain: TypeAlias = Literal["seller", "user"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright image; x and y are its left and top edges."""

    x: float
    y: float
    w: float
    h: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.x, self.y, self.w, self.h)):
            raise BoxError(f"box {self} has a value that is not a finite number")
        if self.w <= 0 or self.h <= 0:
            raise BoxError(f"box {self} is empty: its width and height must be above 0")

    def __str__(self) -> str:
        return f"{self.x:g},{self.y:g},{self.w:g},{self.h:g}"

    @classmethod
    def parse(cls, text: str) -> Box:
        """Read ``"x,y,w,h"``.

        Raises:
            BoxError: if the text is not four numbers, or the box is empty.
        """
        try:
            x, y, w, h = (float(part) for part in text.split(","))
        except ValueError:
            raise BoxError(
                f"box {text!r} is not four numbers: give x,y,w,h in pixels, such as 40,30,200,180"
            ) from None
        return cls(x, y, w, h)

    def clipped(self, width: int, height: int) -> Box:
        """The part of the box inside an image of ``width`` × ``height`` pixels.

        Raises:
            BoxError: if the box and the image have no pixel in common.
        """
        left, top = max(self.x, 0.0), max(self.y, 0.0)
        right, bottom = min(self.x + self.w, float(width)), min(self.y + self.h, float(height))
        if right - left < 1e-6 or bottom - top < 1e-6:
            raise BoxError(
                f"box {self} lies outside the image, which is {width} x {height} pixels: "
                f"give a box that overlaps it"
            )
        return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a photo becomes the square picture an encoder sees.

    Attributes:
        size: side of the square in pixels.
        resize: ``stretch`` scales both sides to ``size``; ``pad`` keeps the aspect ratio and fills
            the rest with ``fill``; ``crop`` scales the short side and takes the centre.
        context: margin added around a given box on each side, as a share of its longer side; cut
            at the image's edge. A photo without a box is taken whole.
        fill: grey level of the padding, 0-255.
    """

    size: int
    resize: Literal["stretch", "pad", "crop"] = "stretch"
    context: float = 0.0
    fill: int = 255


@dataclass(frozen=True, slots=True)
class Product:
    """A thing the shop sells.

    Attributes:
        category: path from broad to narrow, separated by "/", such as "Men/Tops/Hoodies".
        variant_of: id of the product this one is a variant of (another colour, another size).
        price: amount; its currency is kept as given, None where the source names none.
        attributes: everything else the source says, names in snake_case.
    """

    product_id: ProductId
    title: str | None = None
    category: str | None = None
    variant_of: ProductId | None = None
    price: float | None = None
    currency: str | None = None
    url: str | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CatalogueImage:
    """One image of a product as its source names it: a path under the root, or an http(s) URL."""

    image_id: ImageId
    location: str
    box: Box | None = None
    domain: Domain = "seller"


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """A product and some of its images, with where in which file they were found.

    A product may come in several rows (one image a row, say); ``row`` counts from 1, the header
    being row 1 in files that have one.
    """

    product: Product
    images: tuple[CatalogueImage, ...]
    file: str
    row: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one row, or one image of it, was not taken."""

    file: str
    row: int
    item: str
    column: str
    value: str
    reason: str
    allowed: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One image found by a search; ``score`` is the cosine with the query, larger is nearer."""

    image_id: ImageId
    product_id: ProductId
    score: float
    row: Mapping[str, object]
