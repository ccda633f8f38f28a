"""The fields of a shop that shoppers may filter by and count."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from findalike.errors import SettingError
from findalike.index.schema import ADDED_AT, FIXED_FIELDS
from findalike.shop.public_view import View
from findalike.types import FieldType

FILTERABLE = ("product_id", "title", "category", "variant_of", "price", "currency", "url")
"""Fixed columns that say something of a product; the others are the shop's bookkeeping, whose
paths and hashes are nobody's business outside."""

COUNTABLE = ("category", "price", "currency", "title")


def public_fields(fields: Mapping[str, FieldType], view: View) -> dict[str, FieldType]:
    """What a filter from outside may name: what is said of products, and attributes seen."""
    return {
        name: kind
        for name, kind in fields.items()
        if name in FILTERABLE or (is_attribute(name) and not view.hides(name))
    }


def facet_fields(fields: Mapping[str, FieldType], view: View) -> dict[str, FieldType]:
    """What may be counted: the public fields whose values several products share."""
    return {
        name: kind
        for name, kind in public_fields(fields, view).items()
        if name in COUNTABLE or is_attribute(name)
    }


def is_attribute(name: str) -> bool:
    """Whether a field of an index is an attribute, which a source named."""
    return name not in FIXED_FIELDS and name != ADDED_AT


def check_facets(asked: Sequence[str], fields: Mapping[str, FieldType], view: View) -> None:
    """Refuse a facet the shop does not have, as far as the caller may see.

    Raises:
        SettingError: it names the nearest field there is.
    """
    _check(asked, list(facet_fields(fields, view)), what="field", use="count")


def check_attributes(
    asked: Sequence[str] | None, fields: Mapping[str, FieldType], view: View
) -> None:
    """Refuse an attribute the shop does not have, as far as the caller may see.

    Raises:
        SettingError: it names the nearest attribute there is.
    """
    known = view.shown(name for name in fields if is_attribute(name))
    _check(asked or (), known, what="attribute", use="tell")


def _check(asked: Sequence[str], allowed: Sequence[str], *, what: str, use: str) -> None:
    for name in asked:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            known = ", ".join(sorted(allowed)) or "none"
            raise SettingError(f"no {what} {name!r} to {use}: {hint}this shop has {known}")
