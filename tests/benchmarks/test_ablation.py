"""Every row of the ablation leaves out what it says, and the recipe takes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning")

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import ablation

import training
from findalike.config import read_recipe
from findalike.training.run_folder import RunState

WHOLE = read_recipe(ablation.RECIPE)


def left(row):
    return read_recipe(ablation.RECIPE, overrides=ablation.overrides(row, WHOLE))


@pytest.mark.parametrize("row", ablation.ROWS)
def test_a_row_changes_the_recipe_but_for_the_first_row(row):
    changed = [one != other for one, other in zip(left(row).runs, WHOLE.runs, strict=True)]
    assert any(changed) if row != "all" else not any(changed)


def test_what_is_left():
    assert {entry.name for entry in left("no-clothing").runs[1].data.train} == {
        "grocery",
        "simulated",
    }
    assert [loss.name for loss in left("no-arcface").runs[0].losses] == ["supervised-contrastive"]
    assert left("no-distillation").runs[0].distillation is None
    assert left("one-domain").runs[0].sampler.both_domains is False
    assert left("no-whitening").runs[0].model.head == "linear"


def test_the_table_has_the_difference_seed_by_seed(capsys):
    ablation.print_table(
        {
            "all": [{"p": 0.5}, {"p": 0.7}],
            "no-levels": [{"p": 0.4}, {"p": 0.5}],
        }
    )
    assert "0.450 (-0.150 ± 0.071)" in capsys.readouterr().out


def test_what_a_run_has_seen_it_is_not_judged_by(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FINDALIKE_DATA", str(tmp_path))
    path = ablation.RECIPE.parents[1] / "grocery" / "chain.yml"
    chain = read_recipe(path)
    apparel = tmp_path / "apparel"
    seen = [training.trained_on(apparel, chain, run.name, path.parent) for run in chain.runs]
    assert seen == [False] * (len(seen) - 1) + [True]
    training.print_table({"one": {"a": [0.5], "b": [0.25]}, "two": {"a": [0.75]}}, [0])
    assert capsys.readouterr().out.splitlines()[-1].endswith("trained on them")


def test_a_run_trained_anew_is_exported_anew(tmp_path, monkeypatch):
    made = []

    def export_run(run, bundle, **_):
        made.append(bundle)
        bundle.mkdir()
        (bundle / "encoder.json").touch()

    def train(fingerprint):
        state = RunState("one", fingerprint, "finished", "ImageNet", resumable=False)
        monkeypatch.setattr(training, "read_run_state", lambda _: state)

    monkeypatch.setattr(training, "export_run", export_run)
    train("a" * 64)
    first = training.export(tmp_path, tmp_path)
    assert training.export(tmp_path, tmp_path) == first
    train("b" * 64)
    assert training.export(tmp_path, tmp_path) != first
    assert len(made) == 2
