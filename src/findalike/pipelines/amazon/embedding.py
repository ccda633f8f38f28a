"""The third stage: an embedding of each picture, exactly as an import and a search make it."""

from __future__ import annotations

from findalike.data.datasets.pair_store import PairStore
from findalike.data.image_source import ImageSource
from findalike.models.encoder import Encoder
from findalike.pipelines.amazon.settings import Progress
from findalike.pipelines.embedding_store import EmbeddingStore
from findalike.shop.photos import embed_photos


def embed_pictures(
    store: PairStore,
    vectors: EmbeddingStore,
    source: ImageSource,
    *,
    encoder: Encoder,
    show: Progress,
) -> int:
    """Embed what this encoder has not seen yet; returns how many photos that were."""
    total = store.counts()["done"]
    seen = embedded = 0
    for page in store.contents():
        new = [(sha256, file) for sha256, file in page if not vectors.has(sha256)]
        seen += len(page) - len(new)
        photos = [(file, None) for _, file in new]
        for start, found, errors in embed_photos(photos, source=source, encoder=encoder):
            rows = range(start, start + len(found))
            vectors.add(
                [
                    (new[row][0], str(errors[row]) if row in errors else found[row - start])
                    for row in rows
                ]
            )
            embedded += len(rows)
            seen += len(rows)
            show("embedding", seen, total)
    return embedded
