"""Going through a shop's products page by page, while it is written to.

Pages follow the products' ids, and a page begins after the last id of the one before. So whatever
is written meanwhile, a product that stays is given exactly once; one that comes or goes is given
or not, as it stood when its page was read.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import pyarrow.compute as pc

from findalike.index.base import Index
from findalike.index.filter_tree import And, Comparison, Filter, In
from findalike.index.schema import ADDED_AT
from findalike.shop.results import StoredProduct
from findalike.shop.rows import answer_columns, stored_product
from findalike.types import ProductId


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Products in the order of their ids.

    Attributes:
        last_id: where the next page goes on, None after the last product.
        shop_version: the version they were read from.
    """

    products: tuple[StoredProduct, ...]
    last_id: ProductId | None
    shop_version: int


def list_products(
    index: Index, *, limit: int, after: ProductId | None = None, where: Filter | None = None
) -> ProductPage:
    """A page of the products of one version.

    Args:
        limit: the most products of the page.
        after: the page begins after this id.
        where: only products with an image whose row passes it.
    """
    parts = [where] if where is not None else []
    if after is not None:
        parts.append(Comparison("product_id", ">", after))
    asked = And(tuple(parts)) if parts else None
    wanted: list[ProductId] = []
    for batch in index.fetch(asked, columns=["product_id"]):
        ids = pc.unique(batch["product_id"])
        if len(wanted) > limit:
            ids = ids.filter(pc.less(ids, wanted[-1]))  # most rows end here, unseen by Python
        wanted = heapq.nsmallest(limit + 1, {*wanted, *ids.to_pylist()})
    page = wanted[:limit]
    rows: dict[ProductId, list[dict[str, object]]] = {}
    if page:
        columns = [*answer_columns(index.fields), ADDED_AT]
        for batch in index.fetch(In("product_id", tuple(page)), columns=columns):
            for row in batch.to_pylist():
                rows.setdefault(row["product_id"], []).append(row)
    products = tuple(stored_product(rows[product_id]) for product_id in page)
    return ProductPage(products, page[-1] if len(wanted) > limit else None, index.version)
