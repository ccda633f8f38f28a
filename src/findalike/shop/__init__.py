"""The front door: a shop is an encoder, an index and its products.

``Shop`` is loaded when it is first used, since the index engine behind it takes a second to load;
what it answers is here at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from findalike.shop.import_report import ImportReport
from findalike.shop.results import (
    FoundImage,
    FoundProduct,
    SearchResult,
    ShopStats,
    StoredProduct,
)

if TYPE_CHECKING:
    from findalike.shop.shop import Shop

__all__ = [
    "FoundImage",
    "FoundProduct",
    "ImportReport",
    "SearchResult",
    "Shop",
    "ShopStats",
    "StoredProduct",
]


def __getattr__(name: str) -> Any:
    if name != "Shop":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from findalike.shop.shop import Shop  # noqa: PLC0415

    return Shop


def __dir__() -> list[str]:
    return sorted({*globals(), "Shop"})
