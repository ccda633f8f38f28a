"""Single cells: texts, ids, lists, category paths and boxes."""

from __future__ import annotations

import math
import re

from findalike.data.catalogue.base import BadValue, RawValue
from findalike.errors import BoxError
from findalike.types import Box, Domain

MAX_ID_CHARACTERS = 512

# How MySQL and its tools write a missing value.
_EMPTY = frozenset({"", "NULL", "\\N"})
# C0 and C1 controls, line separators and lone surrogates: invisible, or impossible to store.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def text_of(value: RawValue) -> str | None:
    """A cell as stripped text, or None where it is empty; 7, 7.0 and "7" are all "7".

    >>> text_of(7.0), text_of("  NULL "), text_of(True)
    ('7', None, 'true')
    """
    if isinstance(value, str):
        text = value.strip()
        return None if text in _EMPTY else text
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(value) or None
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value)


def is_storable(text: str) -> bool:
    """False for text with a NUL or half a surrogate pair, which no UTF-8 column can hold."""
    return _UNSTORABLE.search(text) is None


def is_clean(text: str) -> bool:
    """False for text with control characters or line breaks."""
    return _UNFIT.search(text) is None


def checked_id(field_name: str, value: RawValue) -> str | None:
    """An id as text, or None where the cell is empty.

    Raises:
        BadValue: if it is longer than 512 characters or has control characters.
    """
    text = text_of(value)
    if text is None:
        return None
    if len(text) > MAX_ID_CHARACTERS:
        raise BadValue(
            field_name,
            text,
            reason=f"id of {len(text):,} characters",
            allowed=f"at most {MAX_ID_CHARACTERS} characters",
        )
    if not is_clean(text):
        raise BadValue(
            field_name, text, reason="control character in an id", allowed="printable characters"
        )
    return text


def split_list(text: str) -> list[str]:
    """The parts of a cell that holds a list: at "|" if it has one, else at ";", else at ",".

    >>> split_list("Red | Green, dark")
    ['Red', 'Green, dark']
    """
    for separator in "|;,":
        if separator in text:
            return [part for piece in text.split(separator) if (part := piece.strip())]
    return [text]


def category_path(value: RawValue) -> str | None:
    """A category as a path with "/", whichever way its source separates the levels.

    A list is a path from broad to narrow. Where ">" separates, a "/" inside a name becomes "-".

    >>> category_path("Apparel & Accessories > Shirts / Tops")
    'Apparel & Accessories/Shirts - Tops'
    """
    if isinstance(value, list):
        parts = [part.replace("/", "-") for part in value]
    else:
        text = text_of(value)
        if text is None:
            return None
        if ">" in text:
            parts = [part.replace("/", "-") for part in text.split(">")]
        else:
            parts = text.split("/")
    return "/".join(clean for part in parts if (clean := part.strip())) or None


def checked_box(raw: tuple[RawValue, RawValue, RawValue, RawValue]) -> Box | None:
    """The box of an image, or None where all four cells are empty.

    Raises:
        BadValue: if some are empty, one is not a number, or the box is empty.
    """
    texts = [text_of(value) for value in raw]
    if texts == [None] * 4:
        return None
    whole = ",".join(text or "" for text in texts)
    allowed = "x, y, w, h in pixels with w and h above 0, or all four empty"
    if None in texts:
        raise BadValue("box", whole, reason="half a box", allowed=allowed)
    try:
        numbers = [float(text or "") for text in texts]
    except ValueError:
        raise BadValue("box", whole, reason="box is not four numbers", allowed=allowed) from None
    try:
        return Box(*numbers)
    except BoxError as error:
        raise BadValue("box", whole, reason=str(error), allowed=allowed) from None


def box_cells(value: RawValue) -> tuple[RawValue, RawValue, RawValue, RawValue]:
    """The four parts of a box written in one cell: "x,y,w,h", "[x, y, w, h]" or a list.

    Raises:
        BadValue: if there are not four.
    """
    if isinstance(value, list):
        parts: list[str] = value
    else:
        text = text_of(value)
        if text is None:
            return (None, None, None, None)
        parts = re.split(r"[,;\s]+", text.strip("[]() "))
    if len(parts) != 4:
        raise BadValue("box", value, reason="box is not four numbers", allowed="x,y,w,h in pixels")
    return (parts[0], parts[1], parts[2], parts[3])


def checked_domain(value: RawValue) -> Domain:
    """Who took the picture; the seller where the cell is empty.

    Raises:
        BadValue: if it is neither seller nor user.
    """
    text = (text_of(value) or "seller").lower()
    if text == "seller":
        return "seller"
    if text == "user":
        return "user"
    raise BadValue("domain", value, reason="unknown domain", allowed="seller or user")
