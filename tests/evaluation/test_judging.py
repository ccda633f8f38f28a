from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from findalike.errors import EvaluationError, SettingError
from findalike.evaluation.comparison import compare
from findalike.evaluation.judging import Protocol, QueryTable, judge
from findalike.evaluation.relevance import Relevance
from findalike.evaluation.result import EvaluationResult

PROTOCOL = Protocol(
    setting="inductive",
    query_crop="the given box",
    relevance="the same product_id",
    ranking="exact cosine",
)


def run(
    *, noise: float = 0.5, products: int = 12, photos: int = 5, seed: int = 0, **changes
) -> EvaluationResult:
    """Queries at their product's place in a random order of a gallery of two images each."""
    rng = np.random.default_rng(seed)
    gallery_products = [str(i // 2) for i in range(products * 2)]
    query_products: list[str | None] = [str(i // photos) for i in range(products * photos)]
    own = np.array([int(p or 0) for p in query_products])
    truth = np.equal.outer(own, np.arange(products * 2) // 2)
    table = truth + noise * rng.standard_normal(truth.shape)
    ranked = np.argsort(-table, axis=1)
    arguments = {
        "queries": QueryTable(
            ids=[f"q{i}" for i in range(len(own))],
            products=query_products,
            columns={"light": ["day", "night"] * (len(own) // 2)},
        ),
        "gallery_ids": [f"g{i}" for i in range(products * 2)],
        "protocol": PROTOCOL,
        "encoder": f"noise {noise}",
        "seconds": 1.5,
        "k": 20,
        "scores": np.take_along_axis(table, ranked, axis=1).astype(np.float32),
    }
    relevance = Relevance.from_products(query_products, gallery_products)
    return judge(ranked, relevance, **{**arguments, **changes})


def worked(**changes) -> EvaluationResult:
    """Three queries by hand: AP 1, 1/2 and none."""
    ranked = np.array([[0, 1, 2], [0, 1, 2], [2, 1, 0]])
    arguments = {
        "queries": QueryTable(ids=["a", "b", "c"], products=["x", "y", None]),
        "gallery_ids": ["10", "20", "30"],
        "protocol": PROTOCOL,
        "encoder": "tiny",
        "seconds": 0.1,
    }
    return judge(ranked, Relevance.from_lists([[0], [1], []]), **{**arguments, **changes})


def test_figures_by_hand() -> None:
    figures = worked().figures
    assert figures.map_at_k == pytest.approx(0.75)
    assert figures.mrr == pytest.approx(0.75)
    assert (figures.recall_at_1, figures.recall_at_5, figures.recall_at_10) == (0.5, 1, 1)
    assert figures.precision_at_k == pytest.approx(0.001)
    assert figures.r_precision == 0.5
    assert figures.ndcg_at_10 == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert (figures.queries, figures.queries_without_relevant) == (3, 1)
    assert (figures.gallery_images, figures.k) == (3, 1000)


def test_json_has_the_names_users_are_told() -> None:
    told = worked().to_json()
    assert set(told) >= {
        "map_at_k",
        "map_ci95",
        "recall_at_1",
        "recall_at_5",
        "recall_at_10",
        "mrr",
        "precision_at_k",
        "r_precision",
        "ndcg_at_10",
        "queries",
        "gallery_images",
        "k",
        "encoder",
        "seconds",
        "protocol",
    }
    low, high = told["map_ci95"]
    assert low <= told["map_at_k"] <= high
    json.dumps(told, allow_nan=False)


def test_zero_policy_counts_empty_queries() -> None:
    figures = worked(empty="zero").figures
    assert figures.map_at_k == pytest.approx(0.5)
    assert figures.recall_at_1 == pytest.approx(1 / 3)
    with pytest.raises(EvaluationError, match="1 of 3 queries"):
        worked(empty="error")
    with pytest.raises(SettingError, match="unknown policy"):
        worked(empty="ignore")


def test_the_protocol_says_how_the_numbers_came_about() -> None:
    text = worked().protocol
    for part in (
        "Inductive",
        "Query: the given box.",
        "Right answer: the same product_id.",
        "exact cosine, judged to rank 1,000",
        "all relevant gallery images",
        "(1 of 3) are left out",
        "95 % BCa bootstrap, 10,000 resamples of 2 queries, seed 0",
    ):
        assert part in text
    assert "(1 of 3) count as 0" in worked(empty="zero").protocol
    assert "resamples of 12 products with all their queries" in run().protocol
    assert "Transductive" in worked(protocol=replace(PROTOCOL, setting="transductive")).protocol
    assert "not known" in worked(protocol=replace(PROTOCOL, setting="unknown")).protocol
    assert "seed 7" in worked(seed=7).protocol


def test_intervals_over_products_are_the_quoted_ones() -> None:
    rng = np.random.default_rng(0)
    # Half the products always succeed, the others never: photos tell nothing new.
    ranked = np.array([[0, 1] if p % 2 else [1, 0] for p in range(30) for _ in range(20)])
    result = judge(
        ranked,
        Relevance.from_lists([[0]] * 600),
        queries=QueryTable(
            ids=[str(i) for i in rng.permutation(600)], products=[str(i // 20) for i in range(600)]
        ),
        gallery_ids=["0", "1"],
        protocol=PROTOCOL,
        encoder="e",
        seconds=0,
    ).figures
    width = result.map_ci95[1] - result.map_ci95[0]
    by_query = result.map_ci95_by_query[1] - result.map_ci95_by_query[0]
    assert width > 3 * by_query


def test_too_few_products_are_not_drawn_from() -> None:
    few = run(products=4, photos=10, k=8)
    assert few.figures.map_ci95 == few.figures.map_ci95_by_query
    assert few.figures.map_ci95[0] < few.figures.map_ci95[1]
    assert "resamples of 40 queries (their 4 products are too few to draw from)" in few.protocol
    assert [(s.products, s.ci95) for s in few.slices] == [(4, None), (4, None)]
    enough = run(products=5, photos=10, k=10)
    assert enough.figures.map_ci95 != enough.figures.map_ci95_by_query
    assert all(s.ci95 is not None for s in enough.slices)


def test_single_photos_have_one_interval() -> None:
    figures = run(photos=1, products=20).figures
    assert figures.map_ci95 == figures.map_ci95_by_query


def test_outcomes_and_slices() -> None:
    result = worked()
    outcomes = result.outcomes
    assert outcomes.query_ids == ("a", "b", "c")
    assert outcomes.product_ids == ("x", "y", "")
    assert outcomes.first_relevant_rank.tolist() == [1, 2, 0]
    assert outcomes.top_image_ids == ("10", "10", "30")
    assert np.isnan(outcomes.top_scores).all()
    found = run()
    assert [(s.column, s.value, s.queries) for s in found.slices] == [
        ("light", "day", 30),
        ("light", "night", 30),
    ]
    assert found.curves.scores is not None
    assert np.isfinite(found.outcomes.top_scores).all()


def test_empty_rankings_are_judged() -> None:
    result = judge(
        np.array([[-1, -1], [0, 1]]),
        Relevance.from_lists([[0], [0]]),
        queries=QueryTable(ids=["a", "b"], products=["x", "x"]),
        gallery_ids=["0", "1"],
        protocol=PROTOCOL,
        encoder="e",
        seconds=0,
        scores=np.array([[-np.inf, -np.inf], [0.5, 0.2]], dtype=np.float32),
    )
    assert result.figures.map_at_k == 0.5
    assert result.outcomes.top_image_ids == ("", "0")
    assert np.isnan(result.outcomes.top_scores[0])


class TestMisuse:
    def test_sizes(self) -> None:
        table = QueryTable(ids=["a", "b"], products=["x", "y", None])
        with pytest.raises(EvaluationError, match="3 rankings, 3 right answers, 2 query ids"):
            worked(queries=table)

    def test_doubled_query_ids(self) -> None:
        with pytest.raises(EvaluationError, match="query id 'a' occurs more than once"):
            worked(queries=QueryTable(ids=["a", "b", "a"], products=[None] * 3))

    def test_shallow_rankings(self) -> None:
        ids = [str(i) for i in range(50)]
        with pytest.raises(EvaluationError, match=r"3 deep, but k = 1000 .* need 50"):
            worked(gallery_ids=ids)
        with pytest.raises(EvaluationError, match=r"3 deep, but k = 1 .* need 10"):
            worked(gallery_ids=ids, k=1)

    def test_scores(self) -> None:
        with pytest.raises(EvaluationError, match=r"scores have the shape \(3, 2\)"):
            worked(scores=np.zeros((3, 2), dtype=np.float32))

    def test_positions_beyond_the_gallery(self) -> None:
        with pytest.raises(EvaluationError, match="positions from 0 to 1"):
            worked(gallery_ids=["1", "2"])


class TestSaving:
    def test_round_trip(self, tmp_path: Path) -> None:
        for result in (run(), run(products=4, photos=10), worked()):
            result.save(tmp_path / "new" / "folder")
            read = EvaluationResult.load(tmp_path / "new" / "folder")
            assert read.figures == result.figures
            assert read.curves == result.curves
            assert read.slices == result.slices
            assert read.to_json() == result.to_json()
            for name in ("query_ids", "product_ids", "top_image_ids"):
                assert getattr(read.outcomes, name) == getattr(result.outcomes, name)
            for name in ("relevant", "average_precision", "first_relevant_rank", "top_scores"):
                ours, theirs = getattr(result.outcomes, name), getattr(read.outcomes, name)
                assert np.array_equal(
                    ours, theirs, equal_nan=name in ("average_precision", "top_scores")
                )

    def test_odd_ids_survive(self, tmp_path: Path) -> None:
        ids = ['a,"b"', "line\nbreak", "商品 🍎"]
        worked(queries=QueryTable(ids=ids, products=ids)).save(tmp_path)
        outcomes = EvaluationResult.load(tmp_path).outcomes
        assert list(outcomes.query_ids) == ids
        assert list(outcomes.product_ids) == ids

    def test_csv_reads_well_by_hand(self, tmp_path: Path) -> None:
        worked().save(tmp_path)
        assert (tmp_path / "per_query.csv").read_text().splitlines() == [
            "user_img_id,product_id,relevant,ap,first_relevant_rank,top_image_id,top_score",
            "a,x,1,1.0,1,10,",
            "b,y,1,0.5,2,10,",
            "c,,0,,,30,",
        ]

    def test_missing_and_damaged_folders(self, tmp_path: Path) -> None:
        with pytest.raises(EvaluationError, match=r"report\.json is missing"):
            EvaluationResult.load(tmp_path)
        worked().save(tmp_path)
        rows = (tmp_path / "per_query.csv").read_text().splitlines()
        (tmp_path / "per_query.csv").write_text("\n".join(rows[:-1]))
        with pytest.raises(EvaluationError, match="has 2 queries"):
            EvaluationResult.load(tmp_path)
        (tmp_path / "per_query.csv").unlink()
        with pytest.raises(EvaluationError, match=r"per_query\.csv is missing"):
            EvaluationResult.load(tmp_path)
        for text in ("", "{", "[]", '{"format": 1}', '{"format": 1, "map_at_k": 3}'):
            (tmp_path / "report.json").write_text(text)
            with pytest.raises(EvaluationError, match="damaged"):
                EvaluationResult.load(tmp_path)
        (tmp_path / "report.json").write_text('{"format": 2}')
        with pytest.raises(EvaluationError, match="has format 2"):
            EvaluationResult.load(tmp_path)


class TestCompare:
    def test_better_encoder(self) -> None:
        first, second = run(noise=0.8), run(noise=0.3)
        found = compare(first, second)
        assert found.queries == 60
        assert (found.only_first, found.only_second) == (0, 0)
        assert found.map_first == pytest.approx(first.figures.map_at_k)
        assert found.map_second == pytest.approx(second.figures.map_at_k)
        assert found.map_test.difference.mean == pytest.approx(found.map_second - found.map_first)
        assert found.map_test.p_value < 0.01
        assert found.recall_at_1_test.difference.mean == pytest.approx(
            second.figures.recall_at_1 - first.figures.recall_at_1
        )
        assert found.better > found.worse
        assert found.notes == ()
        assert "noise 0.3 is better than noise 0.8" in found.sentence()
        assert "noise 0.8 is worse than noise 0.3" in compare(second, first).sentence()
        json.dumps(found.to_json(), allow_nan=False)

    def test_a_run_equals_itself(self) -> None:
        found = compare(run(), run())
        assert found.map_test.p_value == 1
        assert (found.better, found.worse) == (0, 0)
        assert "no difference" in found.sentence()

    def test_only_shared_queries_count(self) -> None:
        first = run()
        ids = [f"q{i}" for i in range(20)] + [f"new{i}" for i in range(40)]
        products = list(first.outcomes.product_ids)
        second = run(noise=0.3, queries=QueryTable(ids=ids, products=products))
        found = compare(first, second)
        assert (found.queries, found.only_first, found.only_second) == (20, 40, 40)

    def test_pairs_by_id_not_by_row(self, tmp_path: Path) -> None:
        first = run(noise=0.8)
        first.save(tmp_path)
        lines = (tmp_path / "per_query.csv").read_text().splitlines()
        (tmp_path / "per_query.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
        found = compare(first, EvaluationResult.load(tmp_path))
        assert found.map_test.p_value == 1
        assert found.map_test.difference.mean == 0

    def test_incomparable_runs(self) -> None:
        with pytest.raises(EvaluationError, match=r"k = 20, .* at k = 10"):
            compare(run(), run(k=10))
        ids = [f"other{i}" for i in range(60)]
        other = run(queries=QueryTable(ids=ids, products=[None] * 60))
        with pytest.raises(EvaluationError, match="share none of their 60 and 60"):
            compare(run(), other)

    def test_notes(self) -> None:
        first = worked()
        second = judge(
            np.array([[0, 1, 2, 3]] * 3),
            Relevance.from_lists([[0, 3], [1], []]),
            queries=QueryTable(ids=["a", "b", "c"], products=["x", "y", None]),
            gallery_ids=["10", "20", "30", "40"],
            protocol=PROTOCOL,
            encoder="e",
            seconds=0,
            empty="zero",
        )
        notes = compare(first, second).notes
        assert notes[0] == "the galleries differ: 3 and 4 images"
        assert notes[1] == "1 shared queries have other numbers of relevant images"
        assert notes[2] == "the protocols differ: read both"
