"""Embeddings on disk: found again by content and encoder, with the reasons of those that failed."""

from __future__ import annotations

import numpy as np
import pytest

from findalike.errors import StorageError
from findalike.pipelines.embedding_store import EmbeddingStore


def unit(seed: int, size: int = 256) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=size)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def test_what_was_added_is_found_again_by_the_same_encoder(tmp_path):
    path = tmp_path / "embeddings.sqlite"
    with EmbeddingStore(path, encoder="one") as store:
        store.add([("a", unit(1)), ("b", "b.jpg: no image")])
    with EmbeddingStore(path, encoder="one") as store:
        assert store.has("a")
        assert store.has("b")
        assert not store.has("c")
        found = store.get("a")
        assert found.dtype == np.float32
        assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)
        assert store.get("b") == "b.jpg: no image"
        assert store.get("c") == "it was not embedded"
    with EmbeddingStore(path, encoder="two") as store:
        assert not store.has("a")
        store.add([("a", unit(2))])
    with EmbeddingStore(path, encoder="one") as store:
        assert store.get("a") @ unit(1) == pytest.approx(1, abs=1e-5)


def test_sixteen_bits_change_a_cosine_by_less_than_a_thousandth(tmp_path):
    with EmbeddingStore(tmp_path / "embeddings.sqlite", encoder="one") as store:
        store.add([(str(seed), unit(seed)) for seed in range(50)])
        kept = np.stack([store.get(str(seed)) for seed in range(50)])
    whole = np.stack([unit(seed) for seed in range(50)])
    assert np.abs(kept @ kept.T - whole @ whole.T).max() < 1e-3


def test_a_damaged_file_is_a_failure_that_says_what_to_do(tmp_path):
    path = tmp_path / "embeddings.sqlite"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="delete it: the embeddings are then computed anew"):
        EmbeddingStore(path, encoder="one")
