"""`findalike train` as it is typed: what is refused before torch, plans, rehearsals, resuming."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from findalike.config import read_recipe
from pipelines.training_recipe import write_recipe

train = pytest.mark.train


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    pytest.importorskip("lightning")
    return write_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture
def broken(tmp_path) -> Path:
    """A recipe with a misspelt key; the data it names is not there."""
    path = tmp_path / "recipe.yml"
    path.write_text(
        textwrap.dedent(
            """
            name: broken
            runs:
              - name: only
                start: random
                model: {backbone: timm/test_resnet}
                data: {train: [{name: photos, path: train.csv}]}
                losses: [{name: arcface}]
                train: {epochs: 1, batchsize: 8}
            """
        )
    )
    return path


@pytest.fixture
def sound(broken) -> Path:
    broken.write_text(broken.read_text().replace("batchsize", "batch_size"))
    return broken


def test_an_unknown_key_is_refused_before_torch_is_imported(broken):
    script = """
import sys

from findalike.cli.main import run

sys.argv = ["findalike", "train", *sys.argv[1:]]
try:
    run()
finally:
    heavy = {"torch", "lightning", "timm", "cv2", "lancedb"} & set(sys.modules)
    assert not heavy, heavy
"""
    done = subprocess.run(
        [sys.executable, "-c", script, broken], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    said = done.stderr.strip()
    assert "\n" not in said
    assert said == (
        f"error: {broken}: unknown key 'runs.only.train.batchsize', did you mean 'batch_size'?"
    )


@pytest.mark.parametrize("missing", ["torch", "lightning", "timm", "open_clip"])
def test_a_missing_extra_is_named(findalike, sound, monkeypatch, missing):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == missing else find(name)
    )
    done = findalike("train", sound, "--dry-run")
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.err.count("\n") == 1
    assert 'pip install "findalike[train]"' in done.err


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("train.epochs", "write key=value"),
        ("trian.epochs=1", "did you mean 'train'?"),
        ("only.train.epoch=1", "did you mean 'epochs'?"),
        ("train.epochs=many", "train.epochs"),
        ("losses.3.weight=1", "'3' must be 0 to 0"),
        ("train.epochs=[1", "is not YAML"),
    ],
)
def test_overrides_that_cannot_be_used(findalike, sound, setting, said):
    done = findalike("train", sound, "--set", setting)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert said in done.err
    assert done.out == ""


def test_an_unknown_run_is_refused_with_those_there_are(findalike, sound):
    done = findalike("train", sound, "--until", "onyl")
    assert done.code == 2
    assert "--until 'onyl': the runs are only" in done.err


def test_a_plan_and_a_rehearsal_exclude_each_other(findalike, sound):
    done = findalike("train", sound, "--dry-run", "--smoke")
    assert done.code == 2
    assert "give one of them" in done.err


def test_a_file_that_is_not_there(findalike, tmp_path):
    done = findalike("train", tmp_path / "none.yml")
    assert done.code == 2
    assert "none.yml" in done.err


@train
def test_a_plan_in_words(findalike, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = findalike("train", recipe, "--dry-run", "--set", "second.train.steps=9")
    assert done.code == 0, done.err
    first, second = done.out.split("second\n")
    for said in ("random weights, seed 0", "timm/test_resnet", "32 px, 16 numbers", "arcface"):
        assert said in first
    assert "starts from     first" in second
    assert "contrastive, memory of 32" in second
    assert "9 of 8 images a device" in second
    assert "memory of embeddings" in second
    assert not list(tmp_path.iterdir())


@train
def test_a_plan_refuses_leaks_and_shows_what_is_allowed(findalike, recipe, tmp_path):
    own = "data.validation=[{name: own, gallery: photos/gallery.csv, queries: photos/queries.csv}]"
    call = ("train", recipe, "--dry-run", "--out", tmp_path / "runs", "--until", "first")
    refused = findalike(*call, "--set", own, "--set", "data.allow_leaks=[]")
    assert refused.code == 2
    assert "the training data shares with what it is judged by" in refused.err
    assert refused.out == ""
    shown = findalike(*call, "--set", own, "--set", "data.allow_leaks=[own]")
    assert shown.code == 0, shown.err
    assert " image, in own from photos: allowed" in shown.out
    (plan,) = findalike(*call, "--set", own, "--set", "data.allow_leaks=[own]", "--json").json[
        "runs"
    ]
    assert {leak["kind"] for leak in plan["leaks"]} >= {"image"}


@train
def test_a_plan_as_json(findalike, recipe):
    done = findalike("train", recipe, "--dry-run", "--json", "--until", "first")
    assert done.code == 0, done.err
    (plan,) = done.json["runs"]
    assert plan["run"] == read_recipe(recipe).runs[0].model_dump(mode="json", by_alias=True)
    assert plan["start"] == "random weights, seed 0"
    assert plan["steps"] == 3
    assert plan["embedding_size"] == 16
    assert list(plan["validation"]) == ["shop"]
    parts = {name: value for name, value in plan["need"].items() if name != "total"}
    assert plan["need"]["total"] == sum(parts.values())


@train
def test_a_plan_says_what_is_missing(findalike, sound):
    done = findalike("train", sound, "--dry-run")
    assert done.code == 2
    assert "train.csv" in done.err
    assert "Traceback" not in done.err


@train
def test_a_rehearsal_goes_to_the_folder_of_runs(findalike, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = findalike("train", recipe, "--smoke", "--json", "--set", "data.train.0.path=gone.csv")
    assert done.code == 0, done.err
    told = done.json
    assert told["folder"] == str(Path("runs") / "small-smoke")
    assert [run["run"] for run in told["runs"]] == ["first", "second"]
    assert [run["state"] for run in told["runs"]] == ["trained", "trained"]
    assert told["runs"][1]["start"] == "first"
    assert all(0.0 <= run["figures"]["shop/map"] <= 1.0 for run in told["runs"])
    assert (tmp_path / "runs" / "small-smoke" / "table.md").is_file()


@train
def test_a_run_is_trained_kept_and_when_interrupted_resumed(findalike, recipe, tmp_path):
    out = tmp_path / "runs"
    call = ("train", recipe, "--out", out, "--until", "first", "--devices", "cpu")
    done = findalike(*call)
    assert done.code == 0, done.err
    assert "run first, from random weights, seed 0" in done.err
    assert "shop mAP" in done.out
    assert f"Next: findalike export {out / 'small' / 'first'} --out BUNDLE" in done.out
    kept = findalike(*call)
    assert kept.code == 0
    assert "run first is finished: kept" in kept.err
    # As a power failure right after the last checkpoint would leave it.
    state = out / "small" / "first" / "run.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"state": "running"}))
    refused = findalike(*call)
    assert refused.code == 2
    assert "was interrupted: add --resume to go on with it" in refused.err
    again = findalike(*call, "--resume", "--json")
    assert again.code == 0, again.err
    assert again.err == ""
    (run,) = again.json["runs"]
    assert run["figures"]["shop/map"] > 0.0
    assert json.loads(state.read_text())["state"] == "finished"


@train
def test_unknown_devices_are_refused(findalike, recipe, tmp_path):
    done = findalike("train", recipe, "--out", tmp_path, "--devices", "tpu", "--until", "first")
    assert done.code == 2
    assert "devices 'tpu'" in done.err


@train
def test_a_plan_is_made_for_the_devices_asked_for(findalike, recipe):
    one = findalike("train", recipe, "--dry-run", "--devices", "cpu", "--json").json["runs"][0]
    two = findalike("train", recipe, "--dry-run", "--devices", "cpu:2", "--json").json["runs"][0]
    assert two["steps_per_epoch"] < one["steps_per_epoch"]
    wrong = findalike("train", recipe, "--dry-run", "--devices", "many")
    assert wrong.code == 2
    assert "many" in wrong.err
