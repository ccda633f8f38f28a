"""Chains of runs: where each starts, what it is called, and when it is another one."""

from __future__ import annotations

import pytest
from small_recipe import FIRST, with_runs

from findalike.config import fingerprint

CHAIN = (
    "{name: second, start: previous}",
    "{name: third, start: first}",
    "{name: fourth, start: weights/some.safetensors}",
    "{name: fifth, start: random}",
)


def test_where_runs_start(read):
    recipe = read(with_runs(*CHAIN))
    starts = [recipe.start_of(run) for run in recipe.runs]
    assert starts == [None, "first", "first", None, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            FIRST.replace("start: pretrained", "start: previous"),
            "run 'first' is the first one and starts from 'previous': write random, pretrained or "
            "a file of weights",
        ),
        (
            with_runs("{name: second, start: third}", "{name: third, start: previous}"),
            "run 'second' starts from 'third', which does not come before it",
        ),
        (
            with_runs("{name: second, start: second}"),
            "run 'second' starts from 'second', which does not come before it",
        ),
        (with_runs("{name: first, start: previous}"), "two runs are named 'first': give each its"),
        (
            with_runs("{name: random, start: previous}"),
            "runs.random: a run cannot be named 'random': that is a kind of start",
        ),
        (
            with_runs("{name: train, start: previous}"),
            "runs.train: a run cannot be named 'train': its first part is a key of every run",
        ),
        (
            with_runs("{name: validate.v2, start: previous}"),
            "a run cannot be named 'validate.v2': its first part is a key of every run",
        ),
        (
            with_runs("{name: first.train, start: previous}"),
            "a run cannot be named 'first.train' beside one named 'first': --set could not tell",
        ),
        (with_runs("{name: a/b, start: previous}"), "runs.a/b.name: String should match pattern"),
        (with_runs("{name: ..x, start: previous}"), "runs...x.name: String should match pattern"),
        (FIRST.replace("name: small", "name: ../small"), "recipe.yml: name: String should match"),
    ],
)
def test_chains_that_make_no_sense(refusal, text, said):
    assert said in refusal(text)


@pytest.mark.parametrize("criterion", ["map", "loss", "shop/map"])
def test_criteria(read, criterion):
    assert read(FIRST, f"validate.criterion={criterion}").runs[0].validate_.criterion == criterion


@pytest.mark.parametrize("criterion", ["map", "shop/map"])
def test_without_validation_sets_only_the_loss_judges(read, refusal, criterion):
    alone = "data.validation=[]"
    assert read(FIRST, alone).runs[0].validate_.criterion == "loss"
    kept = read(FIRST, alone, "validate.patience=3").runs[0].validate_
    assert (kept.criterion, kept.patience) == ("loss", 3)
    said = refusal(FIRST, alone, f"validate.criterion={criterion}")
    assert f"runs.first: validate.criterion is {criterion!r}: loss is allowed as long as" in said


@pytest.mark.parametrize("criterion", ["best", "shop", "/map", "shop/recall", ""])
def test_no_criteria(refusal, criterion):
    said = refusal(FIRST, f"validate.criterion={criterion!r}")
    assert "runs.first.validate.criterion: String should match pattern" in said


def test_a_fingerprint_is_of_the_settings_and_the_ancestors(read):
    run, again = read(FIRST).runs[0], read(FIRST).runs[0]
    assert fingerprint(run, None) == fingerprint(again, None)
    assert len(fingerprint(run, None)) == 64
    assert fingerprint(run, "x") != fingerprint(run, None) != fingerprint(run, "y")


def test_what_is_only_said_or_logged_changes_no_fingerprint(read):
    run = read(FIRST).runs[0]
    overrides = (
        "description=x",
        "train.strategy=fsdp",
        "logging.every_steps=3",
        "logging.wandb=mine",
        "logging.mlflow=y",
    )
    other = read(FIRST, *overrides).runs[0]
    assert other != run
    assert fingerprint(other, None) == fingerprint(run, None)


def test_stating_a_default_changes_no_fingerprint(read):
    stated = read(FIRST, "optimizer.lr=3e-4", "train.seed=0", "augment={}").runs[0]
    assert fingerprint(stated, None) == fingerprint(read(FIRST).runs[0], None)


def test_a_recipe_cannot_be_changed_once_read(read):
    recipe = read(FIRST)
    with pytest.raises(ValueError, match="frozen"):
        recipe.runs[0].train.epochs = 3
