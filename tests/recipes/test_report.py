"""The report's chain has the figures it is quoted with."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from findalike.config import fingerprint, read_recipe, resolve_path

PATH = Path(__file__).resolve().parents[2] / "recipes" / "report" / "products10k.yml"
RUNS = (
    "resnet18-baseline",
    "arcface-224",
    "arcface-256",
    "xbm-256",
    "xbm-amazon-0.5",
    "xbm-low-rates",
)


@pytest.fixture(scope="module")
def recipe():
    return read_recipe(PATH)


@pytest.fixture(scope="module")
def runs(recipe):
    return {run.name: run for run in recipe.runs}


def test_the_chain(recipe, runs):
    assert tuple(runs) == RUNS
    starts = [recipe.start_of(run) for run in recipe.runs]
    assert starts == [None, None, *RUNS[1:5]]
    assert [run.input.size for run in recipe.runs] == [224, 224, 256, 256, 256, 256]


def test_the_baseline(runs):
    baseline = runs["resnet18-baseline"]
    assert baseline.model.backbone == "timm/resnet18.tv_in1k"
    assert [loss.name for loss in baseline.losses] == ["cross-entropy"]
    assert (baseline.optimizer.name, baseline.optimizer.lr) == ("sgd", 0.1)


@pytest.mark.parametrize("name", RUNS[1:])
def test_what_all_runs_of_the_large_tower_share(runs, name):
    run = runs[name]
    assert run.model.backbone == "open_clip/convnext_xxlarge:laion2b_s34b_b82k_augreg_soup"
    assert run.model.embedding_size is None
    assert (run.optimizer.name, run.optimizer.layer_decay) == ("adamw", 0.5)
    assert run.scheduler.name == "cosine"
    assert (run.train.precision, run.train.channels_last) == ("bf16-mixed", True)
    assert run.augment.policy == "auto"
    assert run.augment.crop is None


@pytest.mark.parametrize(("name", "epochs", "batch"), [("arcface-224", 3, 48), (RUNS[2], 5, 32)])
def test_arcface(runs, name, epochs, batch):
    run = runs[name]
    (loss,) = run.losses
    assert (loss.name, loss.scale, loss.margin, loss.subcentres) == ("arcface", 30, (0.05, 0.45), 3)
    assert (run.train.epochs, run.train.batch_size) == (epochs, batch)
    assert (run.optimizer.lr, run.scheduler.warm_up_steps) == (3e-4, 4500)
    rates = [run.optimizer.backbone_lr * run.optimizer.layer_decay**stage for stage in range(4)]
    assert rates == pytest.approx([1e-5, 5e-6, 2.5e-6, 1.25e-6])


@pytest.mark.parametrize(
    ("name", "rate", "warm_up", "accumulate", "table"),
    [
        ("xbm-256", 1e-4, 1000, 1, "pairs_0.6.csv"),
        ("xbm-amazon-0.5", 1e-5, 1500, 4, "pairs_0.5.csv"),
        ("xbm-low-rates", 6e-6, 1500, 4, "pairs_0.5.csv"),
    ],
)
def test_pairs(runs, name, rate, warm_up, accumulate, table):
    run = runs[name]
    (loss,) = run.losses
    assert (loss.name, loss.positive_margin, loss.negative_margin) == ("contrastive", 1.0, 0.5)
    assert run.memory.size == 32_000
    assert (run.optimizer.lr, run.scheduler.warm_up_steps) == (rate, warm_up)
    assert (run.train.batch_size, run.train.accumulate) == (32, accumulate)
    assert (run.sampler.name, run.sampler.per_class) == ("m-per-class", 2)
    assert run.model.dropout == 0.0
    amazon = next(entry for entry in run.data.train if entry.name == "amazon")
    path = resolve_path(amazon.path, base=PATH.parent, variables={"AMAZON_REVIEWS": "/pairs"})
    assert path == Path("/pairs") / table


def test_data_is_looked_for_beside_the_recipes(runs):
    entry = runs["arcface-224"].data.train[0]
    found = resolve_path(entry.path, base=PATH.parent, variables={})
    assert found == PATH.parents[2] / "data" / "products10k" / "findalike" / "train.csv"


def test_every_run_is_another_one(recipe):
    prints = [fingerprint(run, None) for run in recipe.runs]
    assert len(set(prints)) == len(prints)
    assert all(first != second for first, second in pairwise(prints))
