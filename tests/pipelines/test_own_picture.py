"""Protocols in which the queries are in the gallery: each is searched for among all others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from findalike.errors import EvaluationError
from findalike.models.encoder import Encoder
from findalike.pipelines.evaluate import evaluate_methods, evaluate_rankings
from findalike.pipelines.evaluation_set import EvaluationSet, read_evaluation_set
from findalike.pipelines.ranking import rank_by_embedding, rank_by_sift, read_rankings
from support import write_photos, write_table


@pytest.fixture
def leave_one_out(tmp_path: Path) -> EvaluationSet:
    """Six photos of three products, all of them both queries and gallery."""
    write_photos(tmp_path, range(6))
    rows = [(n, f"{n}.jpg", f"p{n // 2}") for n in range(6)]
    names = ("img_path", "product_id")
    gallery = write_table(
        tmp_path / "gallery.csv",
        [{"seller_img_id": n, **dict(zip(names, rest, strict=True))} for n, *rest in rows],
    )
    queries = write_table(
        tmp_path / "queries.csv",
        [{"user_img_id": n, **dict(zip(names, rest, strict=True))} for n, *rest in rows],
    )
    return read_evaluation_set(gallery, queries)


def test_no_photo_finds_itself(leave_one_out, tiny_encoder):
    data = leave_one_out
    assert data.own.tolist() == list(range(6))
    assert [data.relevance[row].tolist() for row in range(4)] == [[1], [0], [3], [2]]

    for rankings in (
        rank_by_embedding(data, Encoder.load(tiny_encoder), k=10),
        rank_by_sift(data, k=10),
    ):
        for row, ranked in enumerate(rankings.positions.tolist()):
            assert sorted(ranked) == [-1, *(n for n in range(6) if n != row)]
        assert rankings.scores is not None
        assert np.isnan(rankings.scores[:, -1]).all()
        assert np.isfinite(rankings.scores[:, :-1]).all()


def test_the_protocol_says_so(leave_one_out, tiny_encoder):
    (run,) = evaluate_methods(leave_one_out, [str(tiny_encoder)])
    told = "a gallery image of the same product_id other than the query's own picture (6 of them)."
    assert told in run.result.protocol
    assert run.result.figures.queries_without_relevant == 0
    # Photos of random cells: nothing but the photo itself is sure to be found.
    assert run.result.figures.recall_at_1 < 1


def test_a_foreign_ranking_loses_the_picture_itself(leave_one_out, tmp_path):
    own_first = [[row, row ^ 1, *(n for n in range(6) if n // 2 != row // 2)] for row in range(6)]
    path = tmp_path / "rankings.npy"
    np.save(path, np.array(own_first, np.int32))
    rankings = read_rankings(leave_one_out, path, k=1000)
    assert rankings.positions[:, 0].tolist() == [1, 0, 3, 2, 5, 4]
    assert (rankings.positions[:, -1] == -1).all()
    run = evaluate_rankings(leave_one_out, rankings, k=1000)
    assert run.result.figures.map_at_k == 1.0


def test_ground_truth_never_holds_the_picture_itself(leave_one_out, tmp_path):
    truth = write_table(
        tmp_path / "truth.csv",
        [
            {"user_img_id": 0, "seller_img_id": 0},
            {"user_img_id": 0, "seller_img_id": 1},
            {"user_img_id": 1, "seller_img_id": 5},
        ],
    )
    data = read_evaluation_set(
        tmp_path / "gallery.csv", tmp_path / "queries.csv", ground_truth=truth
    )
    assert [data.relevance[row].tolist() for row in range(3)] == [[1], [5], []]
    assert "truth.csv names other than the query's own picture (6 of them)" in data.truth


def test_another_box_of_the_same_photo_is_another_picture(tmp_path):
    write_photos(tmp_path, [0])
    box = {"bbox_x": 0, "bbox_y": 0, "bbox_w": 40, "bbox_h": 40}
    row = {"seller_img_id": 7, "img_path": "0.jpg", "product_id": "p"}
    gallery = write_table(tmp_path / "gallery.csv", [row | box])
    queries = write_table(
        tmp_path / "queries.csv", [{"user_img_id": 1, "img_path": "0.jpg", "product_id": "p"}]
    )
    data = read_evaluation_set(gallery, queries)
    assert data.own.tolist() == [-1]
    assert data.truth == "a gallery image of the same product_id"


def test_a_picture_that_the_gallery_has_twice_is_refused(tmp_path):
    write_photos(tmp_path, [0])
    rows = [{"seller_img_id": n, "img_path": "0.jpg", "product_id": f"p{n}"} for n in (3, 4)]
    gallery = write_table(tmp_path / "gallery.csv", rows)
    queries = write_table(
        tmp_path / "queries.csv", [{"user_img_id": 1, "img_path": "0.jpg", "product_id": "p3"}]
    )
    with pytest.raises(EvaluationError, match=r"'3' and '4' are both 0.jpg.*list it once"):
        read_evaluation_set(gallery, queries)
