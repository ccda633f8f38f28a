"""Folding the variants of a product, its colours and sizes, into one row of an answer."""

from __future__ import annotations

from collections.abc import Iterable

from findalike.types import Hit


def family(hit: Hit) -> str:
    """What the variants of a product have in common: the id of the product they vary."""
    return str(hit.row.get("variant_of") or hit.product_id)


def fold(hits: Iterable[Hit]) -> list[list[Hit]]:
    """Products in families, in the order of the best of each; its other variants follow it.

    More hits at the end change neither the order of the families found before nor their best:
    pages of an answer fit together.
    """
    families: dict[str, list[Hit]] = {}
    for hit in hits:
        families.setdefault(family(hit), []).append(hit)
    return list(families.values())
