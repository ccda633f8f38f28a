"""How much of what an exact search finds the approximate one finds too."""

from __future__ import annotations

from findalike.index.base import Index
from findalike.types import Embeddings


def recall_of(index: Index, embedding: Embeddings, *, k: int = 10) -> float | None:
    """The share of the k nearest images, by exact search, that the index finds by itself.

    An image that lies as near as the last of the exact ones is as good as that one.

    Args:
        index: a snapshot, so that both searches see the same images.
        embedding: (d,), of unit length.
        k: images compared.

    Returns:
        0 to 1, larger is better; None for an index without images.
    """
    vectors = embedding.reshape(1, -1)
    exact = index.search(vectors, k=k, exact=True)[0]
    if not exact:
        return None
    last = exact[-1].score
    found = {hit.image_id for hit in index.search(vectors, k=k)[0] if hit.score >= last}
    return len(found) / len(exact)
