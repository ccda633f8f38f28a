"""Attributes: their names, the types found for them, and their values in those types."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping

from findalike.data.catalogue.base import BadValue, RawValue, words
from findalike.data.catalogue.prices import parse_number
from findalike.data.catalogue.values import split_list, text_of
from findalike.types import AttributeValue, FieldType

RESERVED_FIELDS = frozenset(
    words(  # what products, images and answers already have
        "product_id image_id title category variant_of price currency url location image box "
        "box_x box_y box_w box_h domain file row sha256 score rank vector version "
        "row_hash added_at "
        # words of filter expressions
        "and or not in is like between contains under has any all exists null none true false"
    )
)
"""Names no attribute may have; an attribute that would have one gets the suffix ``_value``."""

MAX_ATTRIBUTES = 500
"""More distinct attributes than this are the sign of a damaged source."""

_MAX_NAME = 50  # the index takes 63, and a suffix may have to be added
_UNDECOMPOSED = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"}
    | {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ı": "i"}
)
_CODE_WORDS = frozenset(
    words(
        "id ids sku gtin gtin8 gtin12 gtin13 gtin14 ean ean8 ean13 upc isbn issn mpn asin barcode "
        "code zip postcode phone handle ref reference"
    )
)
# Labels that happen to be numbers in one delivery and are not in the next.
_LABELS = frozenset({"size", "shoe_size", "model"})
_CODE_LENGTHS = frozenset({8, 12, 13, 14})
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False}
_TOLD_BOOLEANS = _BOOLEANS | {"1": True, "0": False, "y": True, "n": False, "t": True, "f": False}
# A leading zero or plus sign carries meaning that a number would lose, and past 15 digits a
# float is no longer exact, so such values stay text.
_PLAIN_NUMBER = re.compile(
    r"-?(?:(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?|\.[0-9]{1,17})(?:[eE][+-][0-9]{1,2})?"
)
_EXACT_INTEGER = 2**53


def attribute_name(name: str) -> str:
    """A column name in snake_case ASCII, ``[a-z][a-z0-9_]*``, at most 60 characters.

    >>> attribute_name("Größe (cm)"), attribute_name("brandName"), attribute_name("2nd colour")
    ('grosse_cm', 'brand_name', 'attribute_2nd_colour')
    """
    plain = unicodedata.normalize("NFKD", name.translate(_UNDECOMPOSED))
    plain = plain.encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain)
    plain = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:_MAX_NAME].rstrip("_")
    if not plain:
        return "attribute"
    return f"attribute_{plain}" if plain[0].isdigit() else plain


def unique_names(sources: list[str]) -> dict[str, str]:
    """Source name → attribute name, none reserved and no two alike; the first keeps the plain one.

    >>> unique_names(["Score", "colour", "Colour"])
    {'Score': 'score_value', 'colour': 'colour', 'Colour': 'colour_2'}
    """
    taken: set[str] = set()
    names: dict[str, str] = {}
    for source in sources:
        name = base = attribute_name(source)
        if name in RESERVED_FIELDS:
            name = base = f"{base}_value"
        number = 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        names[source] = name
    return names


class TypeGuess:
    """What one attribute can be, narrowed by each value seen.

    Text is the rule; a number, boolean or list only where every value is one. Codes stay text:
    leading zeros, names such as "gtin", "…_id" or "size", and whole columns of 8, 12, 13 or 14
    digits.
    """

    __slots__ = ("_boolean", "_code", "_code_length", "_json", "_listed", "_number", "seen")

    def __init__(self, name: str) -> None:
        self.seen = False
        plain = attribute_name(name)
        self._code = plain in _LABELS or not _CODE_WORDS.isdisjoint(plain.split("_"))
        self._number = self._boolean = self._json = True
        self._listed = False
        self._code_length = -1

    def observe(self, value: RawValue) -> None:
        """Take one value into account; empty ones say nothing."""
        if isinstance(value, str):
            if self._number or self._boolean or self._json or not self.seen:
                self._observe_text(value.strip())
        elif isinstance(value, list):
            self._listed = self._listed or bool(value)
            self.seen = self.seen or bool(value)
        elif isinstance(value, bool):
            self.seen = True
            self._number = self._json = False
        elif value is not None and not (isinstance(value, float) and math.isnan(value)):
            self.seen = True
            self._boolean = self._json = False
            if isinstance(value, int) and abs(value) > _EXACT_INTEGER:
                self._number = False
            self._count_digits(str(value))

    def _observe_text(self, text: str) -> None:
        if text_of(text) is None:
            return
        self.seen = True
        self._boolean = self._boolean and text.lower() in _BOOLEANS
        self._number = self._number and bool(_PLAIN_NUMBER.fullmatch(text))
        self._json = self._json and json_list(text) is not None
        self._count_digits(text)

    def _count_digits(self, text: str) -> None:
        length = len(text) if text.isdigit() and len(text) in _CODE_LENGTHS else 0
        self._code_length = length if self._code_length in (-1, length) else 0

    @property
    def type(self) -> FieldType:
        """The narrowest type that holds every value seen."""
        if self._listed or (self._json and self.seen):
            return "list"
        if self._boolean and self.seen:
            return "boolean"
        if self._number and self.seen and not self._code and self._code_length <= 0:
            return "number"
        return "text"


def json_list(text: str) -> list[str] | None:
    """The strings of a JSON list of plain values, or None where the text is none."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or any(isinstance(v, dict | list) for v in values):
        return None
    return [item for value in values if (item := text_of(value)) is not None]


def coerce(name: str, value: RawValue, field_type: FieldType) -> AttributeValue | None:
    """A value in the type of its attribute, or None where the cell is empty.

    Raises:
        BadValue: if the value is none of that type.
    """
    if field_type == "list":
        return _as_list(value)
    text = text_of(value)
    if text is None:
        return None
    if field_type == "text":
        return text
    if field_type == "boolean":
        if text.lower() in _TOLD_BOOLEANS:
            return _TOLD_BOOLEANS[text.lower()]
        raise BadValue(name, value, reason="not true or false", allowed="true, false, yes or no")
    if _PLAIN_NUMBER.fullmatch(text):
        return float(text)
    if isinstance(value, bool) or (number := parse_number(text)) is None:
        raise BadValue(name, value, reason="not a number", allowed="a number, such as 12.5")
    return number


def _as_list(value: RawValue) -> tuple[str, ...] | None:
    if isinstance(value, list):
        items = [text for item in value if (text := text_of(item)) is not None]
    else:
        text = text_of(value)
        if text is None:
            return None
        read = json_list(text)
        items = split_list(text) if read is None else read
    return tuple(dict.fromkeys(items)) or None


def merged_types(
    guesses: Mapping[str, TypeGuess], declared: Mapping[str, FieldType]
) -> dict[str, FieldType]:
    """Type by source name, for every attribute that has at least one value."""
    return {
        source: declared.get(source, guess.type) for source, guess in guesses.items() if guess.seen
    }
