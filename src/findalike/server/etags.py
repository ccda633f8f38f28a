"""The states of products as entity tags, and what a request makes its change depend on."""

from __future__ import annotations

from findalike.shop.product_state import Expected, state_of
from findalike.shop.results import StoredProduct

LONGEST_CONDITION = 4096


def etag_of(stored: StoredProduct) -> str:
    """The entity tag of a product, with its quotes."""
    return f'"{state_of(stored)}"'


def expected_by(if_match: str | None) -> Expected | None:
    """What the header ``If-Match`` of a change expects of the product; None where it is not sent.

    What is no entity tag is a state that no product is in.
    """
    if if_match is None:
        return None
    if if_match.strip() == "*":
        return Expected(None)
    # A proxy that compresses answers makes their tags weak, which says nothing of the product.
    tags = [tag.strip().removeprefix("W/") for tag in if_match.split(",")]
    quoted = [tag for tag in tags if len(tag) > 2 and tag[0] == tag[-1] == '"']
    return Expected(frozenset(tag[1:-1] for tag in quoted))
