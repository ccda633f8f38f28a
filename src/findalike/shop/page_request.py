"""What a page of an answer is asked for: how many, from where on, filtered, sorted, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from findalike.errors import SettingError
from findalike.shop.public_view import EVERYTHING, View

Sort: TypeAlias = Literal["score", "price", "-price"]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page of products.

    Attributes:
        k: products on the page, 1 or more.
        offset: products to leave out before the first.
        where: a filter, such as ``category under 'Fruit' and price < 20``.
        facets: fields whose values are counted over the matches.
        sort: ``score``, best first; ``price``, cheapest first; ``-price``, dearest first.
        fold_variants: answer with one row for all variants of a product.
        attributes: those that products are told with; all if None.
        view: what the caller may see.

    Raises:
        SettingError: if ``k`` is below 1 or ``offset`` below 0.
    """

    k: int = 20
    offset: int = 0
    where: str | None = None
    facets: tuple[str, ...] = ()
    sort: Sort = "score"
    fold_variants: bool = True
    attributes: tuple[str, ...] | None = None
    view: View = EVERYTHING

    def __post_init__(self) -> None:
        if self.k < 1:
            raise SettingError(f"k is {self.k}: ask for at least 1 product")
        if self.offset < 0:
            raise SettingError(f"offset is {self.offset}: it must be 0 or more")
