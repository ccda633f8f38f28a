"""Amounts of money as people and programs write them, in European and American ways."""

from __future__ import annotations

import math
import re
import unicodedata

from findalike.data.catalogue.base import BadValue, RawValue
from findalike.data.catalogue.values import text_of

_ALLOWED = "an amount of 0 or more, such as 12.50, 12,50, $12.50 or 12.50 EUR"
_MAX_CHARACTERS = 64
_MAX_AMOUNT = 1e12
_AMOUNT = re.compile(
    r"(?P<before>[^\d\s.,'’+\-−–][^\d\s,'’+\-−–]{0,4})?\s*(?P<sign>[+\-−–]?)\s*"
    r"(?P<number>\.?\d[\d.,'’\s]*?)(?:[.,]?[-–]{0,2})\s*(?P<after>[^\d\s.,'’+\-−–]{1,5}\.?)?"
)
_PLAIN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?")
_COMMA_CENTS = re.compile(r",[0-9]{1,2}(?![0-9.,])")
_DOT_CENTS = re.compile(r"\.[0-9]{1,2}(?![0-9.,])")
_DIGITS = re.compile(r"[0-9 .,']*[0-9](?:[eE][+-]?[0-9]{1,3})?")
_GROUPS = {
    ",": re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}"),  # 12,34,567 is how India groups
    ".": re.compile(r"\d{1,3}(?:\.\d{3})+"),
    " ": re.compile(r"\d{1,3}(?: \d{3})+"),
    "'": re.compile(r"\d{1,3}(?:'\d{3})+"),
}


class DecimalStyle:
    """Whether the comma is the decimal sign of a column, from all the amounts in it.

    "1.234" alone could be either; beside "12,50" it is one thousand two hundred and thirty-four.
    """

    def __init__(self) -> None:
        self._commas = self._dots = False

    def observe(self, value: RawValue) -> None:
        """Take one amount into account."""
        if isinstance(value, str) and ("," in value or "." in value):
            text = value[:_MAX_CHARACTERS]
            self._commas = self._commas or bool(_COMMA_CENTS.search(text))
            self._dots = self._dots or bool(_DOT_CENTS.search(text))

    @property
    def comma(self) -> bool:
        """True when some amounts have cents after a comma and none after a dot."""
        return self._commas and not self._dots


def checked_price(
    field_name: str, value: RawValue, *, decimal_comma: bool = False
) -> tuple[float | None, str | None]:
    """An amount and its currency as given; (None, None) where the cell is empty.

    Three digits after a single comma are thousands ("1,234"), after a single dot decimals
    ("1.234"), unless ``decimal_comma`` says that the comma is this column's decimal sign.

    >>> checked_price("price", "1.234,56 €"), checked_price("price", "US$ 12")
    ((1234.56, '€'), (12.0, 'US$'))

    Raises:
        BadValue: if it is no amount, is negative, or is above 10¹².
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, float) and math.isnan(value):
            return None, None
        return _in_range(field_name, float(value), value), None
    text = text_of(value)
    if text is None:
        return None, None
    if _PLAIN.fullmatch(text):
        return float(text), None
    match = _AMOUNT.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    amount = None if match is None else parse_number(match["number"], decimal_comma=decimal_comma)
    before, after = (match["before"], match["after"]) if match else (None, None)
    if match is None or amount is None or not (_is_currency(before) and _is_currency(after)):
        raise BadValue(field_name, text, reason="not a price", allowed=_ALLOWED)
    if match["sign"] in ("-", "−", "–"):
        amount = -amount
    currency = after if after and (len(after) == 3 or not before) else before
    return _in_range(field_name, amount, text), currency


def parse_number(text: str, *, decimal_comma: bool = False) -> float | None:
    """The number a text writes, with thousands grouped or not, or None.

    >>> parse_number("1.234,5"), parse_number("1,234"), parse_number("12 50")
    (1234.5, 1234.0, None)
    """
    sign = -1.0 if text.startswith(("-", "−")) else 1.0
    digits = re.sub(r"\s", " ", text.lstrip("+-−").strip()).replace("’", "'")
    if len(digits) > _MAX_CHARACTERS or not _DIGITS.fullmatch(digits):
        return None
    whole, fraction = _parted(digits, decimal_comma=decimal_comma)
    for separator in " '.,":
        if separator in whole:
            if not _GROUPS[separator].fullmatch(whole):
                return None
            whole = whole.replace(separator, "")
            break
    try:
        number = float(f"{whole or 0}.{fraction}" if fraction else whole)
    except ValueError:
        return None
    return sign * number if math.isfinite(number) else None


def _parted(digits: str, *, decimal_comma: bool) -> tuple[str, str]:
    """The parts before and after the decimal sign."""
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and dot >= 0:
        at = max(comma, dot)
    elif max(comma, dot) < 0:
        return digits, ""
    else:
        at = max(comma, dot)
        sign = digits[at]
        is_decimal_sign = (sign == ",") == decimal_comma
        thousands = len(digits) - at == 4 and 1 <= at <= 3 and not digits.startswith("0")
        if digits.count(sign) > 1 or (thousands and not is_decimal_sign):
            return digits, ""
    return digits[:at], digits[at + 1 :]


def _is_currency(text: str | None) -> bool:
    return text is None or all(
        c == "." or c.isalpha() or unicodedata.category(c) in ("Sc", "Mn") for c in text
    )


def _in_range(field_name: str, amount: float, value: RawValue) -> float:
    if not 0 <= amount <= _MAX_AMOUNT:
        reason = "negative price" if amount < 0 else "price out of range"
        raise BadValue(field_name, value, reason=reason, allowed=_ALLOWED)
    return amount
