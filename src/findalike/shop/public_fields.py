"""The fields of a shop that shoppers may filter by and count."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from findalike.errors import SettingError
from findalike.index.schema import ADDED_AT, FIXED_FIELDS
from findalike.types import FieldType

FILTERABLE = ("product_id", "title", "category", "variant_of", "price", "currency", "url")
"""Fixed columns that say something of a product; the others are the shop's bookkeeping, whose
paths and hashes are nobody's business outside."""

COUNTABLE = ("category", "price", "currency", "title")


def public_fields(fields: Mapping[str, FieldType]) -> dict[str, FieldType]:
    """What a filter from outside may name: what is said of products, and every attribute."""
    return {
        name: kind
        for name, kind in fields.items()
        if name in FILTERABLE or (name not in FIXED_FIELDS and name != ADDED_AT)
    }


def facet_fields(fields: Mapping[str, FieldType]) -> dict[str, FieldType]:
    """What may be counted: the public fields whose values several products share."""
    return {
        name: kind
        for name, kind in public_fields(fields).items()
        if name in COUNTABLE or name not in FIXED_FIELDS
    }


def check_facets(asked: Sequence[str], fields: Mapping[str, FieldType]) -> None:
    """Refuse a facet the shop does not have.

    Raises:
        SettingError: it names the nearest field there is.
    """
    allowed = facet_fields(fields)
    for name in asked:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise SettingError(
                f"no field {name!r} to count: {hint}this shop has {', '.join(sorted(allowed))}"
            )
