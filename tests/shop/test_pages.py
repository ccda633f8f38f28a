"""Pages of an answer: deep enough, the same under every way of asking, each from one version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from findalike.errors import FilterError, SettingError
from findalike.shop import pages
from findalike.shop.page_request import PageRequest
from findalike.shop.shop import Shop
from findalike.types import Embeddings
from support import plain_rows


@pytest.fixture
def embedding(shop: Shop, photos: Path) -> Embeddings:
    """Of a photo of p03."""
    prepared = shop._prepare(photos / "6.jpg", None)
    return shop.encoder.embed(prepared.pixels[np.newaxis])


def ids(page: pages.Page) -> list[str]:
    return [row.product.product.product_id for row in page.rows]


def test_a_page_is_what_search_finds(shop: Shop, embedding: Embeddings, photos: Path) -> None:
    (page,) = shop.search_embeddings(embedding, [PageRequest(k=5)])
    known = shop.search(photos / "6.jpg", k=5)
    assert tuple(row.product for row in page.rows) == known.products
    assert page.best_score == known.products[0].score
    assert page.shop_version == known.shop_version
    assert page.next_offset == 5


def test_several_at_once_are_as_each_alone(shop: Shop, embedding: Embeddings) -> None:
    requests = [
        PageRequest(k=3),
        PageRequest(k=3, where="brand = 'A'"),
        PageRequest(k=3, sort="-price", facets=("price",)),
        PageRequest(k=2, offset=3),
        PageRequest(k=3),
    ]
    together = shop.search_embeddings(np.repeat(embedding, 5, axis=0), requests)
    alone = [shop.search_embeddings(embedding, [request])[0] for request in requests]
    assert together == alone


def test_a_page_goes_as_deep_as_folding_needs(
    shop: Shop, embedding: Embeddings, add_rows: Callable[..., object]
) -> None:
    """Eleven variants of one product stand before the others."""
    rows = [row | {"variant_of": "p03"} for row in plain_rows() if row["product_id"] != "p00"]
    add_rows(shop, rows)
    (page,) = shop.search_embeddings(embedding, [PageRequest(k=2)])
    assert ids(page) == ["p03", "p00"]
    assert page.next_offset is None
    assert len(page.rows[0].variants) == 10


def test_similar_of_a_folded_family(shop: Shop, add_rows: Callable[..., object]) -> None:
    add_rows(shop, [row | {"variant_of": "p03"} for row in plain_rows()[8:12]])
    page = shop.similar("p04", PageRequest(k=50))
    assert set(ids(page)) == {f"p{n:02d}" for n in range(12)} - {"p03", "p04", "p05"}
    assert shop.similar("nobody", PageRequest()) is None


def test_similar_is_scored_by_the_best_pair_of_images(shop: Shop, photos: Path) -> None:
    page = shop.similar("p03", PageRequest(k=1))
    found = page.rows[0].product
    by_photo = [
        {hit.product.product_id: hit.score for hit in shop.search(photos / name, k=12).products}
        for name in ("6.jpg", "7.jpg")
    ]
    best = max(scores[found.product.product_id] for scores in by_photo)
    assert found.score == pytest.approx(best, abs=2e-6)


def test_order_by_price_is_of_the_same_candidates_on_every_page(
    shop: Shop, embedding: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "CANDIDATE_IMAGES", 8)
    (first,) = shop.search_embeddings(embedding, [PageRequest(k=2, sort="price")])
    seen, offset = ids(first), first.next_offset
    while offset is not None:
        request = PageRequest(k=2, offset=offset, sort="price")
        (page,) = shop.search_embeddings(embedding, [request])
        seen += ids(page)
        offset = page.next_offset
    assert len(seen) == len(set(seen)) == first.matches < 12


def test_products_without_a_price_come_last(shop: Shop, add_rows: Callable[..., object]) -> None:
    add_rows(shop, [row | {"price": ""} for row in plain_rows()[:2]])
    for sort in ("price", "-price"):
        page = shop.similar("p05", PageRequest(k=50, sort=sort))
        assert ids(page)[-1] == "p00"


def test_what_cannot_be_met_is_refused(shop: Shop, embedding: Embeddings) -> None:
    with pytest.raises(FilterError):
        shop.search_embeddings(embedding, [PageRequest(where="row_hash = 'x'")])
    with pytest.raises(SettingError, match="did you mean 'brand'"):
        shop.search_embeddings(embedding, [PageRequest(facets=("brnd",))])
    with pytest.raises(SettingError):
        shop.check(PageRequest(facets=("location",)))
    with pytest.raises(SettingError):
        PageRequest(k=0)
    with pytest.raises(SettingError):
        PageRequest(offset=-1)
