from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from findalike.errors import EvaluationError
from findalike.evaluation import matches as module
from findalike.evaluation.matches import find_matches
from findalike.evaluation.relevance import Relevance


def test_ranks_of_the_right_answers() -> None:
    ranked = np.array([[4, 0, 2], [1, -1, -1], [-1, -1, -1]], dtype=np.int64)
    found = find_matches(ranked, Relevance.from_lists([[2, 4, 9], [0], [3]]))
    assert [found[i].tolist() for i in range(3)] == [[1, 3], [], []]
    assert found.relevant.tolist() == [3, 1, 1]
    assert found.retrieved.tolist() == [3, 1, 0]
    assert found.ordinals.tolist() == [1, 2]
    assert found.queries.tolist() == [0, 0]


def test_a_repeated_id_names_query_id_and_ranks() -> None:
    ranked = np.array([[0, 1, 2], [7, 3, 7]], dtype=np.int32)
    with pytest.raises(EvaluationError, match="query 1 ranks gallery image 7 twice, at 1 and 3"):
        find_matches(ranked, Relevance.from_lists([[0], [1]]))


def test_repeats_are_named_by_their_row_in_the_whole_ranking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BLOCK_CELLS", 4)
    ranked = np.array([[0, 1], [2, 3], [0, 1], [2, 3], [5, 5]])
    with pytest.raises(EvaluationError, match="query 4 ranks gallery image 5 twice"):
        find_matches(ranked, Relevance.from_lists([[0]] * 5))


def test_padding_may_repeat_but_not_precede() -> None:
    find_matches(np.array([[0, -1, -1]]), Relevance.from_lists([[0]]))
    with pytest.raises(EvaluationError, match="query 0 has -1 at rank 1 and 0 at rank 2"):
        find_matches(np.array([[-1, 0, -1]]), Relevance.from_lists([[0]]))


def test_positions_out_of_range_are_refused() -> None:
    with pytest.raises(EvaluationError, match="query 0 has -7 at rank 2"):
        find_matches(np.array([[0, -7]]), Relevance.from_lists([[0]]))
    with pytest.raises(EvaluationError, match=f"query 0 has {2**40} at rank 1"):
        find_matches(np.array([[2**40, 0]]), Relevance.from_lists([[0]]))


@pytest.mark.parametrize("ranked", [np.zeros(3, np.int64), np.zeros((1, 3), np.float32)])
def test_arrays_that_are_no_rankings_are_refused(ranked: np.ndarray) -> None:
    with pytest.raises(EvaluationError, match="cannot be judged"):
        find_matches(ranked, Relevance.from_lists([[0]]))


def test_rankings_and_queries_must_be_as_many() -> None:
    with pytest.raises(EvaluationError, match="2 rankings for 3 queries"):
        find_matches(np.array([[0], [1]]), Relevance.from_lists([[0], [1], [2]]))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    ranked = rng.permuted(np.tile(np.arange(30), (200, 1)), axis=1)[:, :12]
    relevance = Relevance.from_lists(
        rng.choice(30, size=int(rng.integers(0, 6)), replace=False) for _ in range(200)
    )
    whole = find_matches(ranked, relevance)
    monkeypatch.setattr(module, "BLOCK_CELLS", 40)
    pieces = find_matches(ranked, relevance)
    assert np.array_equal(whole.ranks, pieces.ranks)
    assert np.array_equal(whole.offsets, pieces.offsets)
    assert np.array_equal(whole.retrieved, pieces.retrieved)


def test_scratch_memory_does_not_grow_with_the_ranking() -> None:
    rng = np.random.default_rng(0)
    peaks = []
    for queries in (10_000, 30_000):
        ranked = rng.permuted(np.tile(np.arange(500, dtype=np.int32), (queries, 1)), axis=1)
        relevance = Relevance.from_lists([[1, 2, 3]] * queries)
        tracemalloc.start()
        find_matches(ranked, relevance)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 20,000 more queries are 10 million more cells; the result itself takes 72 bytes a query.
    assert peaks[1] - peaks[0] < 20_000 * 300
    assert peaks[1] < 150_000_000
