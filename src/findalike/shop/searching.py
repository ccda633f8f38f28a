"""From the nearest images to the nearest products, exactly as many as were asked for."""

from __future__ import annotations

from findalike.index.base import Index
from findalike.index.filter_tree import Filter
from findalike.shop.rows import answer_columns
from findalike.types import Embeddings, Hit

IMAGES_PER_PRODUCT = 3
"""Images asked for per product at first; products with more cost a second look."""


def nearest_products(
    index: Index,
    embeddings: Embeddings,
    *,
    k: int,
    where: Filter | None,
    images: int = 0,
) -> list[list[Hit]]:
    """The best image of each of the ``k`` nearest products of each query.

    The nearest images are asked for in growing numbers until ``k`` products are among them and no
    image further out can tie with the last, or the shop is exhausted. So grouping neither loses
    nor reorders a product, and ties stand in the order of their product ids.

    Args:
        embeddings: (q, d), unit rows.
        images: with this, also the products beyond the ``k`` that are among so many nearest
            images.

    Returns:
        For each query hits of distinct products, by falling score: ``k``, or more with
        ``images``, and fewer only where there are no more.
    """
    answers: list[list[Hit]] = [[] for _ in embeddings]
    unfinished = list(range(len(embeddings)))
    limit = max(k * IMAGES_PER_PRODUCT, images)
    columns = answer_columns(index.fields)
    while unfinished:
        found = index.search(embeddings[unfinished], k=limit, where=where, columns=columns)
        still = []
        for query, hits in zip(unfinished, found, strict=True):
            best = _best_per_product(hits)
            exhausted = len(hits) < limit
            if exhausted or (len(best) >= k and hits[-1].score < best[k - 1].score):
                answers[query] = best if images else best[:k]
            else:
                still.append(query)
        unfinished = still
        limit *= 4
    return answers


def _best_per_product(hits: list[Hit]) -> list[Hit]:
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.product_id, hit)
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.product_id))
