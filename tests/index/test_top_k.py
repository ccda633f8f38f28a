"""Exact nearest rows against sorting everything."""

import numpy as np
import pytest

from findalike.index.top_k import TopK, cosines


def reference(queries, vectors, k):
    """Per query the set of rows at least as near as the k-th."""
    found = []
    for query in queries.astype(np.float64):
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1) * np.linalg.norm(query)
        scores = np.round((vectors.astype(np.float64) @ query) / lengths, 6)
        last = np.sort(scores)[::-1][min(k, len(scores)) - 1]
        found.append(dict(zip(np.flatnonzero(scores >= last), scores[scores >= last], strict=True)))
    return found


@pytest.mark.parametrize("k", [1, 3, 40, 500])
@pytest.mark.parametrize("seed", range(5))
def test_batches_in_any_order_give_what_sorting_gives(k, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    vectors[rng.integers(0, 200, 80)] = vectors[0]
    queries = np.concatenate([rng.normal(size=(6, 8)).astype(np.float32), vectors[:1]])
    best = TopK(queries, k)
    for part in np.array_split(rng.permutation(200), 7):
        best.offer(part.astype(np.uint64), vectors[part], 0, 4)
        best.offer(part.astype(np.uint64), vectors[part], 4, 7)
    for rows, scores, expected in zip(
        best.rows(), best.scores(), reference(queries, vectors, k), strict=True
    ):
        assert dict(zip(rows.tolist(), scores.tolist(), strict=True)) == pytest.approx(expected)
        assert len(rows) == len(expected)


def test_equal_vectors_score_equal_wherever_they_stand():
    rng = np.random.default_rng(0)
    for size in (7, 64, 1280):
        vectors = rng.normal(size=(300, size)).astype(np.float32)
        vectors[::3] = vectors[0]
        query = rng.normal(size=(1, size)).astype(np.float32)
        whole = cosines(query, vectors)[0]
        assert len(set(whole[::3])) == 1
        assert cosines(query, vectors[299:])[0][0] == whole[299]


def test_cosines_stay_within_one_and_have_one_zero():
    row = np.full((1, 3), 1 / np.sqrt(3), np.float32)
    assert cosines(row, np.concatenate([row, -row])).tolist() == [[1.0, -1.0]]
    across = cosines(np.eye(2, dtype=np.float32), -np.eye(2, dtype=np.float32))
    assert "-0.0" not in str(across.tolist())
