"""From an embedding to a page of products: filtered, folded, counted, sorted and cut.

Facets and an order by price need more products than a page shows. They are of the products among
the nearest ``CANDIDATE_IMAGES`` that pass the filter: those further away look nothing like the
photo.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from findalike.index.base import Index
from findalike.index.filter_tree import And, Comparison, Filter, Not, Or
from findalike.index.filters import parse_filter
from findalike.index.schema import VECTOR, vectors_of
from findalike.shop.facets import Facet, count_facets
from findalike.shop.page_request import PageRequest
from findalike.shop.public_fields import (
    check_attributes,
    check_facets,
    facet_fields,
    public_fields,
)
from findalike.shop.public_view import View
from findalike.shop.results import FoundProduct
from findalike.shop.rows import found_product
from findalike.shop.searching import nearest_products
from findalike.shop.variants import fold
from findalike.types import Embeddings, FieldType, Hit, ProductId

CANDIDATE_IMAGES = 240
"""Nearest images whose products facets are counted over, and an order by price can show. In a shop
of two pictures a product, a search for so many takes twice as long as one for a page of 20."""

MOST_LOOKED = 10_000
"""Products looked at for one page at most, however many of them are variants of each other."""

QUERY_IMAGES = 4
"""Images of a product that "more like this" searches with, at most."""


@dataclass(frozen=True, slots=True)
class FoundFamily:
    """One row of a page: a product, and its variants that were found as well, nearest first."""

    product: FoundProduct
    variants: tuple[FoundProduct, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of an answer.

    Attributes:
        rows: in the order asked for; ranks count from 1 over all pages.
        matches: rows there are in all, as far as was looked.
        best_score: of the nearest product, -1 to 1; None if nothing passes the filter.
        facets: by field, over the matches.
        next_offset: where the next page begins, None after the last.
        shop_version: the version all of it comes from.
    """

    rows: tuple[FoundFamily, ...]
    matches: int
    best_score: float | None
    facets: Mapping[str, Facet]
    next_offset: int | None
    shop_version: int


def checked_filter(request: PageRequest, fields: Mapping[str, FieldType]) -> Filter | None:
    """What a page may show: the filter of a request, once all its names were found among the
    fields, and that of what its caller may see.

    Raises:
        FilterError: if the filter cannot be used; it points at the character.
        SettingError: if a facet or an attribute is none of the shop's.
        EngineError: if what may be seen cannot be told.
    """
    check_facets(request.facets, fields, request.view)
    check_attributes(request.attributes, fields, request.view)
    seen = request.view.filter(fields)
    if not request.where:
        return seen
    asked = parse_filter(request.where, public_fields(fields, request.view))
    return asked if seen is None else And((seen, asked))


def search_pages(
    snapshot: Index, embeddings: Embeddings, requests: Sequence[PageRequest]
) -> list[Page]:
    """A page for each query; those that look equally far under the same filter search together.

    Args:
        snapshot: one version of the index.
        embeddings: (q, d), unit rows.
        requests: one for each row.

    Raises:
        FilterError, SettingError: see ``checked_filter``.
    """
    filters = [checked_filter(request, snapshot.fields) for request in requests]
    pages: dict[int, Page] = {}
    looked = {at: depth(request) for at, request in enumerate(requests)}
    while looked:
        together: dict[tuple[str | None, View, int, int], list[int]] = defaultdict(list)
        for at, k in looked.items():
            request = requests[at]
            together[request.where, request.view, k, images_wanted(request)].append(at)
        for (_, _, k, images), queries in together.items():
            where = filters[queries[0]]
            found = nearest_products(snapshot, embeddings[queries], k=k, where=where, images=images)
            for at, hits in zip(queries, found, strict=True):
                if _too_few(hits, requests[at], looked=k):
                    looked[at] = k * 4
                else:
                    pages[at] = page_of(hits, requests[at], snapshot)
                    del looked[at]
    return [pages[at] for at in range(len(requests))]


def similar_page(snapshot: Index, product_id: ProductId, request: PageRequest) -> Page | None:
    """A page of the products most like one of the shop, by its stored vectors.

    The score of a product is the best cosine of any of its images with any of the product's
    first ``QUERY_IMAGES``. The product itself is left out, and so are its variants where they
    are folded.

    Returns:
        None if the shop has no such product that the caller may see.

    Raises:
        FilterError, SettingError: see ``checked_filter``.
    """
    where = checked_filter(request, snapshot.fields)
    own = Comparison("product_id", "=", product_id)
    seen = request.view.filter(snapshot.fields)
    wanted = own if seen is None else And((own, seen))
    batches = list(snapshot.fetch(wanted, columns=["image_id", "variant_of", VECTOR]))
    ids = [image_id for batch in batches for image_id in batch["image_id"].to_pylist()]
    if not ids:
        return None
    first = np.argsort(np.array(ids, dtype=object), kind="stable")[:QUERY_IMAGES]
    vectors = np.concatenate([vectors_of(batch) for batch in batches])[first]
    others: Filter = Not(own)
    if request.fold_variants:
        parent = next((v for b in batches for v in b["variant_of"].to_pylist() if v), product_id)
        others = Not(
            Or((own, Comparison("product_id", "=", parent), Comparison("variant_of", "=", parent)))
        )
    both = others if where is None else And((others, where))
    looked = depth(request)
    while True:
        images = images_wanted(request)
        found = nearest_products(snapshot, vectors, k=looked, where=both, images=images)
        hits = _merged(found, 0 if images else looked)
        if not _too_few(hits, request, looked=looked):
            return page_of(hits, request, snapshot)
        looked *= 4


def depth(request: PageRequest) -> int:
    """Products to look for, so that the page can be made and it is known whether more follow."""
    # An order by price has the same candidates on every page, or its pages would not fit together.
    return request.offset + request.k + 1 if request.sort == "score" else 1


def images_wanted(request: PageRequest) -> int:
    """Images to look through at least; 0 where the products of the page are enough."""
    return CANDIDATE_IMAGES if request.facets or request.sort != "score" else 0


def _too_few(hits: Sequence[Hit], request: PageRequest, *, looked: int) -> bool:
    """Whether folding left a page short that products further away would fill."""
    if not request.fold_variants or request.sort != "score" or len(hits) < looked:
        return False
    return len(fold(hits)) <= request.offset + request.k and looked < MOST_LOOKED


def page_of(hits: Sequence[Hit], request: PageRequest, snapshot: Index) -> Page:
    """Cut a page out of the nearest products.

    Args:
        hits: the best image of each product, best first.
    """
    families = fold(hits) if request.fold_variants else [[hit] for hit in hits]
    countable = facet_fields(snapshot.fields, request.view)
    counted = {name: kind for name, kind in countable.items() if name in request.facets}
    facets = count_facets([found[0].row for found in families], counted) if counted else {}
    best = hits[0].score if hits else None
    if request.sort != "score":
        families = _by_price(families, falling=request.sort == "-price")
    end = request.offset + request.k
    shown = families[request.offset : end]
    rows = tuple(_row(found, rank, request) for rank, found in enumerate(shown, request.offset + 1))
    return Page(
        rows=rows,
        matches=len(families),
        best_score=best,
        facets={name: facets[name] for name in request.facets if name in facets},
        next_offset=end if len(families) > end else None,
        shop_version=snapshot.version,
    )


def _row(found: Sequence[Hit], rank: int, request: PageRequest) -> FoundFamily:
    product, *variants = (_told(found_product(hit, rank), request) for hit in found)
    return FoundFamily(product, tuple(variants))


def _told(found: FoundProduct, request: PageRequest) -> FoundProduct:
    """A product with the attributes that were asked for and may be seen."""
    held, asked = found.product.attributes, request.attributes
    told = {name: held[name] for name in request.view.shown(held) if asked is None or name in asked}
    if len(told) == len(held):
        return found
    return replace(found, product=replace(found.product, attributes=told))


def _by_price(families: list[list[Hit]], *, falling: bool) -> list[list[Hit]]:
    """By the price of the first of each; without one, last; equal ones in their old order."""

    def key(found: list[Hit]) -> tuple[bool, float]:
        price = found[0].row.get("price")
        if not isinstance(price, (int, float)):
            return True, 0.0
        return False, -price if falling else price

    return sorted(families, key=key)


def _merged(found: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    best: dict[str, Hit] = {}
    for hits in found:
        for hit in hits:
            known = best.get(hit.product_id)
            if known is None or hit.score > known.score:
                best[hit.product_id] = hit
    ordered = sorted(best.values(), key=lambda hit: (-hit.score, hit.product_id))
    return ordered[:k] if k else ordered
