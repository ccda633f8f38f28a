"""Judging a network is what `findalike evaluate` does with an encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from findalike.config import ValidationData
from findalike.data.simulate import simulate
from findalike.errors import EvaluationError
from findalike.models.encoder import Encoder
from findalike.pipelines.evaluate import evaluate_methods, judge_rankings
from findalike.pipelines.evaluation_set import read_evaluation_set
from findalike.pipelines.ranking import rank_by_embedding
from findalike.pipelines.validation import Validator, read_validation_set
from findalike.types import InputSpec


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    simulate(folder / "shop", products=5, seed=4)
    return folder


def section(name: str = "shop", **more: object) -> ValidationData:
    return ValidationData.model_validate(
        {"name": name, "gallery": "shop/gallery.csv", "queries": "shop/queries.csv", **more}
    )


def validator(
    base: Path, *sections: ValidationData, spec: InputSpec, k: int = 1000, seed: int = 0
) -> Validator:
    return Validator(sections, base=base, spec=spec, k=k, seed=seed)


@pytest.fixture
def encoder(tiny_encoder) -> Encoder:
    return Encoder.load(tiny_encoder, threads=1)


@pytest.mark.parametrize("k", [1000, 3])
def test_the_figure_is_that_of_ranking_and_judging(base, encoder, k):
    found = validator(base, section(), spec=encoder.input, k=k)(encoder.embed)
    data = read_evaluation_set(base / "shop" / "gallery.csv", base / "shop" / "queries.csv")
    rankings = rank_by_embedding(data, encoder, k=k)
    expected = judge_rankings(data, rankings, k=k)
    assert found == {
        "shop/map": pytest.approx(expected.figures.map_at_k, abs=0.0),
        "map": pytest.approx(expected.figures.map_at_k, abs=0.0),
    }
    assert 0.0 < found["map"] < 1.0


def test_the_whole_result_is_that_of_the_command(base, encoder, tiny_encoder):
    result = validator(base, section(), spec=encoder.input).results(encoder.embed, method="tiny")
    data = read_evaluation_set(base / "shop" / "gallery.csv", base / "shop" / "queries.csv")
    (told,) = evaluate_methods(data, [str(tiny_encoder)])
    assert list(result) == ["shop"]
    assert result["shop"].figures == told.result.figures
    assert result["shop"].encoder == told.result.encoder == "tiny"


def test_figures_have_a_name_a_set_and_their_mean(base, encoder):
    sections = (section("all"), section("medium", where=("level=medium",)))
    found = validator(base, *sections, spec=encoder.input)(encoder.embed)
    assert list(found) == ["all/map", "medium/map", "map"]
    assert found["map"] == pytest.approx((found["all/map"] + found["medium/map"]) / 2)


def test_without_sets_there_is_no_figure(base, encoder):
    assert validator(base, spec=encoder.input)(encoder.embed) == {}


def test_photos_are_prepared_as_the_network_wants_them(base):
    sizes = []

    def embed(pixels):
        sizes.append(pixels.shape[1:])
        assert pixels.dtype == np.uint8
        rows = pixels.reshape(len(pixels), -1)[:, :5].astype(np.float32) + 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    spec = InputSpec(size=24, resize="pad", context=0.1, fill=128)
    validator(base, section(), spec=spec)(embed)
    assert set(sizes) == {(24, 24, 3)}


def ids(base: Path, seed: int, **more: object) -> list[str]:
    data = read_validation_set(section(**more), base, seed)
    return [query.image_id for query in data.queries]


def test_a_limit_draws_queries_by_the_seed(base):
    everything = ids(base, 0)
    assert len(everything) > 4
    drawn = {seed: ids(base, seed, limit=3) for seed in range(6)}
    assert all(len(chosen) == len(set(chosen)) == 3 for chosen in drawn.values())
    assert drawn[0] == ids(base, 0, limit=3)
    assert len({tuple(chosen) for chosen in drawn.values()}) > 1
    for chosen in drawn.values():
        assert chosen == [query for query in everything if query in chosen]
    assert ids(base, 0, limit=1000) == everything


def test_a_limit_leaves_the_gallery_and_the_truth_alone(base):
    whole = read_validation_set(section(), base, 0)
    part = read_validation_set(section(limit=3), base, 0)
    assert part.gallery == whole.gallery
    rows = [list(whole.queries).index(query) for query in part.queries]
    for row, position in zip(rows, range(3), strict=True):
        assert np.array_equal(part.relevance[position], whole.relevance[row])


def test_where_keeps_the_queries_it_names(base):
    data = read_validation_set(section(), base, 0)
    levels = list(data.columns["level"])
    level = max(set(levels), key=levels.count)
    chosen = ids(base, 0, where=(f"level={level}",))
    expected = [q.image_id for q, own in zip(data.queries, levels, strict=True) if own == level]
    assert chosen == expected


def test_a_set_that_cannot_be_read_is_an_error(base, encoder):
    with pytest.raises(EvaluationError, match="level"):
        validator(base, section(where=("levle=easy",)), spec=encoder.input)
