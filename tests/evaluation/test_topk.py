from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findalike.errors import EvaluationError, SettingError
from findalike.evaluation import topk as module
from findalike.evaluation.topk import exact_top_k
from findalike.types import Embeddings


def units(count: int, size: int, seed: int) -> Embeddings:
    rows = np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def blocks(gallery: Embeddings, height: int) -> Iterator[tuple[int, Embeddings]]:
    for start in range(0, len(gallery), height):
        yield start, gallery[start : start + height]


def by_sorting(queries: Embeddings, gallery: Embeddings, k: int) -> tuple[list, np.ndarray]:
    scores = (queries.astype(np.float64) @ gallery.T.astype(np.float64)).astype(np.float32)
    order = [sorted(range(len(gallery)), key=lambda j: (-row[j], j))[:k] for row in scores]
    return order, np.take_along_axis(scores, np.array(order), axis=1)


@pytest.mark.parametrize("k", [1, 7, 40, 500])
@pytest.mark.parametrize("height", [1, 13, 400])
def test_equals_sorting_everything(k: int, height: int) -> None:
    queries, gallery = units(25, 16, 1), units(300, 16, 2)
    order, scores = by_sorting(queries, gallery, k)
    top = exact_top_k(queries, blocks(gallery, height), k)
    assert top.positions.tolist() == order
    assert np.array_equal(top.scores, scores)
    assert top.positions.dtype == np.int32
    assert top.scores.dtype == np.float32
    whole = exact_top_k(queries, gallery, k)
    assert np.array_equal(whole.positions, top.positions)


# Small whole numbers make many exact ties, among them at the cut, and zeros of both signs.
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_ties_go_to_the_lower_position(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 3))
    entry = st.sampled_from([-1.0, -0.0, 0.0, 1.0])
    row = st.lists(entry, min_size=size, max_size=size)
    queries = np.array(data.draw(st.lists(row, min_size=1, max_size=4)), dtype=np.float32)
    gallery = np.array(data.draw(st.lists(row, min_size=1, max_size=30)), dtype=np.float32)
    k = data.draw(st.integers(1, 35))
    order, _ = by_sorting(queries, gallery, k)
    top = exact_top_k(queries, blocks(gallery, data.draw(st.integers(1, 31))), k)
    assert top.positions.tolist() == order


def test_copies_of_a_picture_keep_their_order_whatever_the_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queries, originals = units(40, 512, 3), units(300, 512, 4)
    gallery = np.concatenate([originals] * 7)
    whole = exact_top_k(queries, gallery, 200)
    monkeypatch.setattr(module, "TILE_WIDTH", 37)
    monkeypatch.setattr(module, "TILE_CELLS", 3000)
    pieces = exact_top_k(queries, blocks(gallery, 501), 200)
    assert np.array_equal(whole.positions, pieces.positions)
    assert np.array_equal(whole.scores, pieces.scores)
    # Each picture's seven copies tie, so they follow each other in ascending position.
    first = whole.positions[:, :196].reshape(40, 28, 7).astype(np.int64)
    assert np.array_equal(np.diff(first, axis=2), np.full((40, 28, 6), 300))


def test_excluded_images_are_never_met() -> None:
    vectors = units(50, 8, 5)
    own = np.arange(50)
    top = exact_top_k(vectors, blocks(vectors, 7), 50, exclude=own)
    assert not (top.positions == own[:, None]).any()
    assert (top.positions[:, -1] == -1).all()
    assert (top.scores[:, -1] == -np.inf).all()
    some = np.where(own < 3, own, -1)
    top = exact_top_k(vectors, vectors, 1, exclude=some)
    assert (top.positions[3:, 0] == own[3:]).all()
    assert (top.positions[:3, 0] != own[:3]).all()


def test_memory_grows_with_queries_times_k_only() -> None:
    queries, gallery = units(2_000, 16, 6), units(60_000, 16, 7)
    tracemalloc.start()
    top = exact_top_k(queries, blocks(gallery, 10_000), 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert top.positions.shape == (2_000, 1000)
    # Queries × gallery would be 480 MB in float32. Kept: 8 bytes for each of queries × k while
    # streaming and 8 more for the answer, 32 MB; tiles and their partition: about 80 MB.
    assert peak < 125_000_000


def test_gaps_between_blocks_are_positions_nobody_has() -> None:
    gallery = np.eye(4, dtype=np.float32)
    top = exact_top_k(gallery[[3]], [(0, gallery[:2]), (10, gallery[2:])], 9)
    assert top.positions.tolist() == [[11, 0, 1, 10]]


def test_misuse_is_refused() -> None:
    gallery = np.eye(4, dtype=np.float32)
    with pytest.raises(SettingError, match="k is 0"):
        exact_top_k(gallery, gallery, 0)
    with pytest.raises(EvaluationError, match=r"gallery embeddings have the shape \(4, 3\)"):
        exact_top_k(gallery, gallery[:, :3], 1)
    with pytest.raises(EvaluationError, match="starts at position 1"):
        exact_top_k(gallery, [(0, gallery), (1, gallery)], 1)
    with pytest.raises(EvaluationError, match="gallery is empty"):
        exact_top_k(gallery, [], 1)
    with pytest.raises(EvaluationError, match="gallery is empty"):
        exact_top_k(gallery, gallery[:0], 1)
    with pytest.raises(EvaluationError, match=r"shape \(2,\), but there are 4 queries"):
        exact_top_k(gallery, gallery, 1, exclude=np.array([0, 1]))
    broken = gallery.copy()
    broken[2, 1] = np.nan
    with pytest.raises(EvaluationError, match=r"gallery embedding 2 .* not finite"):
        exact_top_k(gallery, broken, 1)
    with pytest.raises(EvaluationError, match=r"query embedding 2 .* not finite"):
        exact_top_k(broken, gallery, 1)
