from __future__ import annotations

import csv

import numpy as np
import pytest

from support import make_tiny_encoder, write_table


@pytest.fixture
def protocol(photos):
    """12 gallery photos of 6 products; 8 queries, each another photo of its product or noise."""
    gallery = [
        {"seller_img_id": n, "img_path": f"{n}.jpg", "product_id": n // 2} for n in range(12)
    ]
    queries = [
        {
            "user_img_id": 100 + n,
            "img_path": f"{n}.jpg" if n < 5 else f"{n + 12}.jpg",
            "product_id": n // 2,
            "bbox_x": 0, "bbox_y": 0, "bbox_w": 96, "bbox_h": 64,
            "kind": "copy" if n < 5 else "noise",
        }
        for n in range(8)
    ]  # fmt: skip
    return (
        "--gallery", write_table(photos / "gallery.csv", gallery),
        "--queries", write_table(photos / "queries.csv", queries),
    )  # fmt: skip


@pytest.fixture
def evaluate(findalike, protocol, tiny_encoder):
    def call(*arguments, encoder=tiny_encoder):
        return findalike("evaluate", *protocol, "--encoder", encoder, *arguments)

    return call


def test_figures(evaluate, tmp_path):
    told = evaluate("--out", tmp_path / "out", "--json").json
    for name in (
        "map_at_k", "map_ci95", "recall_at_1", "recall_at_5", "recall_at_10", "mrr",
        "precision_at_k", "r_precision", "ndcg_at_10", "queries", "gallery_images", "k",
        "encoder", "seconds", "protocol",
    ):  # fmt: skip
        assert name in told
    assert (told["queries"], told["gallery_images"], told["k"]) == (8, 12, 1000)
    assert 0.5 < told["map_at_k"] < 1
    assert told["recall_at_1"] >= 5 / 8
    assert "nductive" in told["protocol"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "data:image/jpeg;base64," in page
    with (tmp_path / "out" / "per_query.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 8


def test_where_leaves_queries_out(evaluate):
    assert evaluate("--where", "kind=copy", "--json").json["recall_at_1"] == 1
    told = evaluate("--where", "kind=other")
    assert told.code == 2
    assert "copy, noise" in told.err
    assert "kind" in evaluate("--where", "knd=copy").err


def test_rankings_go_out_and_come_back(evaluate, findalike, protocol, tmp_path):
    array = tmp_path / "rankings.npy"
    first = evaluate("--rankings", array, "--json").json
    ranked = np.load(array, allow_pickle=False)
    assert ranked.shape == (8, 1000)
    assert ranked.dtype == np.int32
    assert set(ranked[0, :12]) == set(range(12))
    assert (ranked[:, 12:] == -1).all()
    again = findalike("evaluate", *protocol, "--from-rankings", array, "--json").json
    assert again["map_at_k"] == pytest.approx(first["map_at_k"], abs=1e-12)
    ranked[0, 1] = ranked[0, 0]
    np.save(array, ranked)
    told = findalike("evaluate", *protocol, "--from-rankings", array)
    assert told.code == 2
    assert "query" in told.err


def test_ground_truth_from_a_file(evaluate, tmp_path):
    rows = [{"user_img_id": 100 + n, "seller_img_id": 11} for n in range(8)]
    truth = write_table(tmp_path / "truth.csv", rows)
    told = evaluate("--ground-truth", truth, "--json").json
    assert told["recall_at_1"] < 0.5
    assert "truth.csv" in told["protocol"]
    bad = write_table(tmp_path / "bad.csv", [{"user_img_id": 100, "seller_img_id": 99}])
    told = evaluate("--ground-truth", bad)
    assert told.code == 2
    assert "99" in told.err


def test_unreadable_photos_count_against_the_figure(evaluate, photos):
    whole = evaluate("--json").json["map_at_k"]
    (photos / "0.jpg").write_bytes(b"broken")  # the query 100, and the image it is to find
    told = evaluate("--json")
    assert told.json["map_at_k"] < whole
    assert told.json["queries"] == 8
    assert "0.jpg" in told.err


def test_table_and_comparison(evaluate, findalike, tmp_path):
    other = make_tiny_encoder(tmp_path / "other", name="other", tilt=5000.0)
    told = evaluate("--encoder", other, "--method", "sift", "--out", tmp_path / "t", "--table")
    assert told.code == 0
    for name in ("tiny", "other", "sift"):
        assert name in told.out
    assert (tmp_path / "t" / "table.html").is_file()
    compared = findalike("evaluate", "--compare", tmp_path / "t" / "other", tmp_path / "t" / "tiny")
    assert compared.code == 0
    assert "p = " in compared.out
    rows = evaluate("--encoder", other, "--table", "--json").json["rows"]
    assert {row["name"] for row in rows} == {"tiny", "other"}


def test_sift_finds_the_same_print(findalike, protocol):
    told = findalike("evaluate", *protocol, "--method", "sift", "--json").json
    assert told["encoder"] == "sift"
    assert told["queries"] == 8


def test_mistakes(evaluate, findalike, protocol, tmp_path):
    for arguments, said in (
        (("evaluate",), "--gallery"),
        (("evaluate", *protocol, "--method", "magic"), "sift"),
        (("evaluate", *protocol, "--encoder", "a", "--encoder", "b"), "--table"),
        (("evaluate", *protocol, "--from-rankings", tmp_path / "no.npy"), "no.npy"),
        (("evaluate", "--compare", tmp_path, tmp_path), "report.json"),
    ):
        told = findalike(*arguments)
        assert told.code == 2, arguments
        assert said in told.err
        assert "Traceback" not in told.err
