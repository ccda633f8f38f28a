"""What a search is asked: the fields of a form, of a JSON body or of a query string, checked."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from findalike.errors import BoxError, ImageError
from findalike.index.filters import MAX_LENGTH
from findalike.server.problems import FieldProblem, Problem, invalid_request
from findalike.server.uploads import Form
from findalike.shop.page_request import PageRequest
from findalike.types import Box

MAX_K = 100
MAX_OFFSET = 1000
MAX_BATCH = 16
MAX_PROPOSALS = 5
MAX_FACETS = 20
MAX_ATTRIBUTES = 100
LONGEST_URL = 8192

_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")
FieldName = Annotated[str, Field(min_length=1, max_length=63)]


class PageFields(BaseModel):
    """The fields that say which page of an answer is wanted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    k: int = Field(20, ge=1, le=MAX_K, description="Products on the page.")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Products before the page.")
    where: str | None = Field(
        None,
        max_length=MAX_LENGTH,
        description="Only products that match this filter.",
        examples=["category under 'Fruit' and price < 20"],
    )
    facets: tuple[FieldName, ...] = Field(
        (),
        max_length=MAX_FACETS,
        description="Fields whose values are counted over the matches.",
        examples=[["category", "price"]],
    )
    sort: Literal["score", "price", "-price"] = Field(
        "score", description="Nearest first, cheapest first, or dearest first."
    )
    fold_variants: bool = Field(True, description="One row for all variants of a product.")
    attributes: tuple[FieldName, ...] | None = Field(
        None,
        max_length=MAX_ATTRIBUTES,
        description="Attributes that the products of the answer are told with; all that the shop "
        "shows if left out.",
        examples=[["brand", "colour"]],
    )

    def page(self) -> PageRequest:
        """The page, as the shop takes it."""
        return PageRequest(
            k=self.k,
            offset=self.offset,
            where=self.where or None,
            facets=tuple(dict.fromkeys(self.facets)),
            sort=self.sort,
            fold_variants=self.fold_variants,
            attributes=self.attributes,
        )


class SearchFields(PageFields):
    """The fields of a search beside its image."""

    box: tuple[float, float, float, float] | Literal["auto"] | None = Field(
        None,
        description="The product in the photo: x, y, w, h in pixels of the upright image; `auto` "
        "has it found; without it the whole photo is searched with.",
        examples=[[40, 30, 200, 180]],
    )
    proposals: int = Field(
        0,
        ge=0,
        le=MAX_PROPOSALS,
        description="Boxes to propose for the photo beside the answer, as `/v1/boxes` does, so "
        "that it need not be sent twice; none if left out.",
        examples=[5],
    )

    def used_box(self) -> Box | Literal["auto"] | None:
        """The box, checked."""
        if self.box is None or self.box == "auto":
            return self.box
        return Box(*self.box)


class ImageBody(BaseModel):
    """The image of a JSON body: one of the two."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    image_base64: str | None = Field(
        None, min_length=1, description="The image file in base64.", examples=["/9j/4AAQSkZJRg..."]
    )
    image_url: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_URL,
        description="A public http or https URL of the image.",
        examples=["https://shop.example/photos/mug.jpg"],
    )

    @model_validator(mode="after")
    def _one_image(self) -> Self:
        if (self.image_base64 is None) == (self.image_url is None):
            raise ValueError("give either image_base64 or image_url")
        return self


class SearchBody(SearchFields, ImageBody):
    """The JSON body of a search: an image, and the other fields."""


SEARCH_BODY: TypeAdapter[SearchBody] = TypeAdapter(SearchBody)
IMAGE_BODY: TypeAdapter[ImageBody] = TypeAdapter(ImageBody)
BATCH_BODY: TypeAdapter[list[SearchBody]] = TypeAdapter(
    Annotated[list[SearchBody], Field(min_length=1, max_length=MAX_BATCH)]
)


@dataclass(frozen=True, slots=True)
class SearchInput:
    """One search, ready to be done; either ``image`` or ``url`` is given."""

    image: bytes | str | None
    """The file, or the file in base64."""
    url: str | None
    box: Box | Literal["auto"] | None
    page: PageRequest
    proposals: int = 0

    def bytes(self) -> bytes:
        """The file.

        Raises:
            ImageError: if it is not base64.
        """
        if isinstance(self.image, bytes):
            return self.image
        try:
            return base64.b64decode(self.image or "", validate=True)
        except (binascii.Error, ValueError) as error:
            raise ImageError(
                f"image_base64 is not base64 ({error}): encode the file's bytes, without line "
                f"ends and without a leading data:image/...;base64,"
            ) from error


def validated(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Plain values as a model.

    Raises:
        Problem: 422 with one entry for each field at fault.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False)) from None


def validated_json(kind: TypeAdapter[Value], body: bytes) -> Value:
    """A JSON body as what it should be.

    Raises:
        Problem: 400 if it is no JSON; 422 with one entry for each field at fault.
    """
    try:
        return kind.validate_json(body)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            raise Problem(
                400,
                "malformed-json",
                f"the body is not JSON: {errors[0]['msg']}",
                next_step="send JSON, in UTF-8",
                title="The body cannot be read",
            ) from None
        raise invalid_request(errors) from None


def page_of_query(texts: Mapping[str, str]) -> PageRequest:
    """A page from the parameters of a query string.

    Raises:
        Problem: 422 with one entry for each parameter at fault.
    """
    return validated(PageFields, form_values(texts)).page()


def input_of_json(body: SearchBody) -> SearchInput:
    """A search from its JSON body."""
    box = _checked_box(body)
    return SearchInput(body.image_base64, body.image_url, box, body.page(), body.proposals)


def image_of_json(body: ImageBody) -> SearchInput:
    """An image by itself."""
    return SearchInput(body.image_base64, body.image_url, None, PageRequest())


def image_of_form(form: Form) -> SearchInput:
    """The image of a form that has nothing else.

    Raises:
        Problem: 422 if there is another field, or not one image.
    """
    for name in form.texts:
        raise _field(name, "there is no such field", "a file named image, and nothing else")
    found = inputs_of_form(form)
    if len(found) > 1:
        raise _field("image", f"there are {len(found)} images", "one image")
    return found[0]


def inputs_of_form(form: Form) -> list[SearchInput]:
    """The searches of a form: one for each file ``image``, all with the same other fields.

    Raises:
        Problem: 422 if a field is not as described, or there is no image.
    """
    fields = validated(SearchFields, form_values(form.texts))
    for name, _ in form.files:
        if name != "image":
            raise _field(name, "there is no such file field", "a file named image")
    if not form.files:
        raise _field("image", "there is no image", "a file in the field image")
    box, page = _checked_box(fields), fields.page()
    return [SearchInput(data, None, box, page, fields.proposals) for _, data in form.files]


def form_values(texts: Mapping[str, str]) -> dict[str, Any]:
    """The texts of a form or query string in the types of the fields; what has none stays text.

    An empty text means that the field was left empty, and is as good as absent.
    """
    values: dict[str, Any] = {name: text for name, text in texts.items() if text.strip()}
    for name in ("k", "offset", "proposals"):
        if _WHOLE.fullmatch(values.get(name, "")):
            values[name] = int(values[name])
    if "fold_variants" in values:
        values["fold_variants"] = _TRUTH.get(
            values["fold_variants"].lower(), values["fold_variants"]
        )
    for name in ("facets", "attributes"):
        if name in values:
            values[name] = tuple(n for part in values[name].split(",") if (n := part.strip()))
    if values.get("box", "auto") != "auto":
        try:
            values["box"] = tuple(float(part) for part in values["box"].split(","))
        except ValueError:
            raise _field("box", f"{values['box'][:80]!r} is no box", "x,y,w,h or auto") from None
    return values


def _checked_box(fields: SearchFields) -> Box | Literal["auto"] | None:
    try:
        return fields.used_box()
    except BoxError as error:
        raise _field("box", str(error), "x,y,w,h with w and h above 0") from error


def _field(where: str, problem: str, allowed: str) -> Problem:
    made = invalid_request([{"loc": (where,), "msg": problem}])
    made.errors = (FieldProblem(where=where, problem=problem, allowed=allowed),)
    return made
