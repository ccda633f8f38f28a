"""``--set key=value``: for every run, for one run, into lists."""

from __future__ import annotations

import pytest
from small_recipe import FIRST, with_runs

SECOND = "{name: arcface-224.v2, start: previous}"
THIRD = "{name: arcface-224, start: previous, train: {epochs: 5}}"


def test_a_key_of_every_run(read):
    runs = read(with_runs(SECOND, THIRD), "train.epochs=1", "optimizer.name=sgd").runs
    assert [run.train.epochs for run in runs] == [1, 1, 1]
    assert {run.optimizer.name for run in runs} == {"sgd"}


@pytest.mark.parametrize(
    ("name", "epochs"),
    [("first", [9, 2, 5]), ("arcface-224.v2", [2, 9, 5]), ("arcface-224", [2, 2, 9])],
)
def test_a_key_of_one_run(read, name, epochs):
    runs = read(with_runs(SECOND, THIRD), f"{name}.train.epochs=9").runs
    assert [run.train.epochs for run in runs] == epochs


def test_later_overrides_win(read):
    run = read(FIRST, "train.epochs=1", "train.epochs=7").runs[0]
    assert run.train.epochs == 7


def test_entries_of_lists(read):
    run = read(FIRST, "losses.0.scale=12.5", "data.train.0.where=[domain=user, split=train]").runs[
        0
    ]
    assert run.losses[0].scale == 12.5
    assert run.data.train[0].where == ("domain=user", "split=train")
    assert read(FIRST, "losses.0={name: cross-entropy}").runs[0].losses[0].name == "cross-entropy"


def test_sections_that_were_not_there(read):
    run = read(
        FIRST, "augment.crop.area=[0.2, 1.0]", "distillation.weight=2", "description=x"
    ).runs[0]
    assert run.augment.crop.area == (0.2, 1.0)
    assert run.distillation.weight == 2.0
    assert run.description == "x"


@pytest.mark.parametrize(
    ("value", "held"),
    [("null", None), ("3", 3), ("~", None)],
)
def test_values_are_yaml(read, value, held):
    assert read(FIRST, f"validate.patience={value}").runs[0].validate_.patience == held


def test_an_equals_sign_in_the_value(read):
    assert read(FIRST, "data.train.0.path=a=b.csv").runs[0].data.train[0].path == "a=b.csv"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.epochs", "--set 'train.epochs': write key=value, such as train.epochs=1"),
        ("=3", "--set '=3': write key=value, such as train.epochs=1"),
        ("train..x=3", "--set 'train..x=3': write key=value, such as train.epochs=1"),
        ("train.epochs=[", "--set 'train.epochs=[': the value '[' is not YAML"),
        ("train.epochs={a: 1, a: 2}", "the value '{a: 1, a: 2}' is not YAML"),
        ("losses.1.scale=2", "--set 'losses.1.scale=2': '1' must be 0 to 0"),
        ("losses.-1.scale=2", "--set 'losses.-1.scale=2': '-1' must be 0 to 0"),
        ("train.epochs.x=2", "--set 'train.epochs.x=2': train.epochs has no keys in it"),
        (
            "trian.epochs=1",
            "--set 'trian.epochs=1': did you mean 'train'? a key starts with a run's",
        ),
        (
            "frist.train.epochs=1",
            "did you mean 'first'? a key starts with a run's name (first) or a",
        ),
        ("0.train.epochs=1", "--set '0.train.epochs=1': a key starts with a run's name (first)"),
        (
            "train.epoch=1",
            "recipe.yml: unknown key 'runs.first.train.epoch', did you mean 'epochs'?",
        ),
    ],
)
def test_what_is_refused(refusal, override, said):
    assert said in refusal(FIRST, override)


def test_overrides_are_text_of_the_shell_not_objects(refusal):
    assert "is not YAML" in refusal(FIRST, "description=!!python/name:os.system")
    assert "is not YAML" in refusal(FIRST, "description=" + "[" * 50_000)
