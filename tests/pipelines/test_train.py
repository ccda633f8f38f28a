from __future__ import annotations

import csv
import json

import numpy as np
import pytest

pytest.importorskip("lightning")

import torch

from findalike.errors import RecipeError, TrainingDataError
from findalike.models.network_weights import read_weights
from findalike.pipelines import training_plan
from findalike.pipelines.run_leaks import check_run_leaks, in_lines
from findalike.pipelines.train import rehearse_recipe, train_recipe
from findalike.pipelines.training_plan import plan_recipe
from findalike.training import read_run_state
from pipelines.training_recipe import recipe, write_recipe

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    write_recipe(folder)
    return folder


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    """The chain, trained once; tests that change a run folder train their own."""
    out = tmp_path_factory.mktemp("runs")
    said = []
    outcomes = train_recipe(recipe(base), base=base, out=out, say=said.append)
    return out / "small", outcomes, said


def weights(folder, name="final"):
    return read_weights(folder / "weights" / f"{name}.safetensors")


def train(base, out, *overrides, **kwargs):
    return train_recipe(recipe(base, *overrides), base=base, out=out, **kwargs)


def test_a_chain_leaves_all_that_was_promised(trained):
    _, outcomes, _ = trained
    assert [outcome.state for outcome in outcomes] == ["trained", "trained"]
    for outcome in outcomes:
        run = outcome.folder
        names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
        assert {
            "run.json", "environment.json", "metrics.csv", "figures.json", "data.json",
            "charts/loss.png", "charts/map.png", "weights/best.safetensors",
            "weights/last.safetensors", "weights/final.safetensors",
        } <= names  # fmt: skip
        assert any(name.startswith("tensorboard/events") for name in names)
        assert 0.0 < outcome.figures["shop/map"] <= 1.0
        assert outcome.steps == 3
        assert outcome.classes == 6
        assert read_run_state(run).state == "finished"


def test_the_table_has_a_row_a_run(trained):
    folder, outcomes, _ = trained
    with (folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["first", "second"]
    assert [row["from"] for row in rows] == ["random", "first"]
    assert rows[1]["losses"] == "contrastive + XBM 32"
    assert rows[0]["shop mAP"] == f"{outcomes[0].figures['shop/map']:.4f}"
    assert (folder / "table.md").read_text().count("\n") == 4


def test_a_run_starts_from_the_weights_of_the_run_before(base, tmp_path):
    outcomes = train(base, tmp_path, "second.optimizer.lr=1e-12", "second.finish.interpolate=[1.0]")
    end = weights(outcomes[0].folder)
    start = read_weights(outcomes[1].folder / "start.safetensors")
    assert start.keys() == {name for name in end if name.startswith("network.")}
    for name, tensor in start.items():
        assert torch.equal(tensor, end[name]), name


@pytest.mark.parametrize("same", [True, False])
def test_class_weights_go_on_where_the_classes_are_the_same(base, tmp_path, same):
    (first, second) = train(
        base,
        tmp_path,
        "second.losses=[{name: arcface}]",
        "second.memory.size=0",
        "second.optimizer.lr=1e-12",
        *(() if same else ("second.data.train.0.name=others",)),
    )
    before, after = weights(first.folder, "best"), weights(second.folder, "last")
    name = "losses.0.weight"
    assert before[name].shape == after[name].shape
    assert torch.allclose(before[name], after[name], atol=1e-6) == same
    assert torch.equal(before[name], weights(first.folder)[name])


def test_a_finished_run_is_not_repeated(trained, base):
    folder, outcomes, _ = trained
    before = (folder / "first" / "weights" / "final.safetensors").stat().st_mtime_ns
    said = []
    again = train_recipe(recipe(base), base=base, out=folder.parent, say=said.append)
    assert [outcome.state for outcome in again] == ["kept", "kept"]
    assert [outcome.figures for outcome in again] == [outcome.figures for outcome in outcomes]
    assert (folder / "first" / "weights" / "final.safetensors").stat().st_mtime_ns == before
    assert said == ["run first is finished: kept", "run second is finished: kept"]


def test_a_changed_run_and_those_after_it_are_repeated_and_the_old_ones_kept(base, tmp_path):
    train(base, tmp_path)
    old = weights(tmp_path / "small" / "first")
    outcomes = train(base, tmp_path, "first.optimizer.lr=0.1")
    assert [outcome.state for outcome in outcomes] == ["trained", "trained"]
    kept = weights(tmp_path / "small" / "first.old-1")
    assert all(torch.equal(old[name], kept[name]) for name in old)
    assert (tmp_path / "small" / "second.old-1" / "run.json").is_file()
    # A description is no setting.
    again = train(base, tmp_path, "first.optimizer.lr=0.1", "first.description=words")
    assert [outcome.state for outcome in again] == ["kept", "kept"]


def test_changed_data_is_a_changed_run(base, tmp_path):
    train(base, tmp_path, "first.train.steps=1", "second.train.steps=1")
    table = base / "train.csv"
    text = table.read_text()
    try:
        table.write_text(text + "\n")
        outcomes = train(base, tmp_path, "first.train.steps=1", "second.train.steps=1")
    finally:
        table.write_text(text)
    assert outcomes[0].state == "trained"


def test_an_interrupted_run_wants_to_be_resumed(base, tmp_path):
    class Interrupt:
        def start(self, **kwargs):
            pass

        def step(self, **kwargs):
            pass

        def say(self, text):
            if "valid" in text:
                raise KeyboardInterrupt

        def stop(self):
            pass

    setting = ("first.keep.checkpoint_steps=1",)
    with pytest.raises(KeyboardInterrupt):
        train(base, tmp_path, *setting, progress=Interrupt())
    with pytest.raises(RecipeError, match="was interrupted: add --resume"):
        train(base, tmp_path, *setting)
    outcomes = train(base, tmp_path, *setting, resume=True)
    assert [outcome.state for outcome in outcomes] == ["resumed", "trained"]
    whole = train(base, tmp_path / "whole", *setting)
    one, other = weights(outcomes[1].folder), weights(whole[1].folder)
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_the_way_back_to_the_start(base, tmp_path):
    (outcome, _) = train(
        base, tmp_path, "finish.interpolate=[0.25]", "keep.weights=every", "first.train.steps=2"
    )
    start = read_weights(outcome.folder / "start.safetensors")
    best, final = weights(outcome.folder, "best"), weights(outcome.folder)
    moved = 0.0
    for name, tensor in final.items():
        if name in start and tensor.is_floating_point():
            expected = torch.lerp(start[name], best[name], 0.25)
            assert torch.allclose(tensor, expected, atol=1e-6), name
            moved = max(moved, float((best[name] - start[name]).abs().max()))
    assert moved > 1e-4
    figures = json.loads((outcome.folder / "figures.json").read_text())
    assert figures["interpolated"] == 0.25
    assert figures["finish"] == "0.25 of the way from the start"


def test_the_best_step_back_is_chosen_by_the_criterion(base, tmp_path):
    said = []
    (outcome, _) = train(base, tmp_path, "finish.interpolate=[0.3, 0.6, 1.0]", say=said.append)
    judged = [
        float(line.split("map ")[-1])
        for line in said[: said.index(next(s for s in said if s.startswith("run second")))]
        if line.startswith("  ")
    ]
    assert len(judged) == 3
    assert outcome.figures["map"] == pytest.approx(max(judged), abs=1e-4)


def test_soups(base, tmp_path):
    settings = ("train.steps=6", "keep.weights=every", "validate.every_steps=2")
    (uniform, _) = train(base, tmp_path / "u", *settings, "finish.soup=uniform")
    kept = [
        read_weights(path)
        for path in (uniform.folder / "weights").glob("*.safetensors")
        if path.stem not in ("best", "last", "final")
    ]
    final = weights(uniform.folder)
    assert len(kept) >= 3
    name = next(name for name in final if name.endswith("conv1.weight"))
    mean = torch.stack([state[name] for state in kept]).mean(dim=0)
    assert torch.allclose(final[name], mean, atol=1e-6)
    (greedy, _) = train(base, tmp_path / "g", *settings, "finish.soup=greedy")
    figures = json.loads((greedy.folder / "figures.json").read_text())
    assert greedy.figures["map"] >= figures["best"]["map"] - 1e-6
    assert figures["finish"].startswith("greedy soup of ")


def test_whitening_is_computed_before_and_after(base, tmp_path):
    (outcome, _) = train(
        base,
        tmp_path,
        "model.head=whitening",
        "model.embedding_size=8",
        "model.levels=[{at: layer1, weight: 0.5}]",
        "model.pooling=centre",
        "finish.interpolate=[1.0]",
        "first.optimizer.lr=0.05",
    )
    start = read_weights(outcome.folder / "start.safetensors")
    final = weights(outcome.folder)
    name = next(name for name in final if name.startswith("network.head") and "weight" in name)
    assert final[name].shape[0] == 8
    identity = torch.eye(*final[name].shape)
    assert not torch.allclose(start[name], identity)
    assert not torch.allclose(start[name], final[name])
    assert weights(outcome.folder, "last")[name].equal(start[name])


def test_training_on_what_judges_is_refused(base, tmp_path):
    with pytest.raises(TrainingDataError, match="allow_leaks"):
        train(
            base,
            tmp_path,
            "data.allow_leaks=[]",
            "data.validation=[{name: own, gallery: photos/gallery.csv,"
            " queries: photos/queries.csv}]",
        )
    assert not (tmp_path / "small" / "first" / "weights").exists()


def test_the_plan_says_what_happens(base, trained):
    plans = plan_recipe(recipe(base), base=base)
    _, outcomes, _ = trained
    assert [plan.start for plan in plans] == ["random weights, seed 0", "first"]
    for plan, outcome in zip(plans, outcomes, strict=True):
        assert plan.steps == outcome.steps
        assert plan.data.classes == outcome.classes
        assert plan.validation["shop"][0] > 0
        stored = weights(outcome.folder)
        parameters = sum(
            tensor.numel()
            for name, tensor in stored.items()
            if name.startswith("network.") and "running" not in name and "num_batches" not in name
        )
        assert plan.parameters == parameters
        assert plan.embedding_size == 16
    assert plans[1].need.memory == 32 * (16 * 4 + 16)
    larger = plan_recipe(recipe(base, "train.batch_size=16"), base=base)[0].need
    assert larger.activations == 2 * plans[0].need.activations
    assert larger.weights == plans[0].need.weights


def test_a_plan_finds_what_is_missing(base):
    with pytest.raises(RecipeError, match=r"no file .*nowhere"):
        plan_recipe(recipe(base, "first.start=nowhere.safetensors"), base=base)
    with pytest.raises(TrainingDataError):
        plan_recipe(recipe(base, "data.classes=9"), base=base)


OWN = "data.validation=[{name: own, gallery: photos/gallery.csv, queries: photos/queries.csv}]"


def test_a_plan_refuses_what_the_training_would(base, tmp_path):
    leaky = recipe(base, OWN, "data.allow_leaks=[]")
    with pytest.raises(TrainingDataError, match="allow_leaks") as planned:
        plan_recipe(leaky, base=base, folder=tmp_path / "runs")
    with pytest.raises(TrainingDataError) as refused:
        train_recipe(leaky, base=base, out=tmp_path / "out")
    assert str(planned.value) == str(refused.value)
    assert not (tmp_path / "runs").exists()


def test_a_plan_tells_the_leaks_that_are_allowed(base, tmp_path, monkeypatch):
    checked = []
    monkeypatch.setattr(
        training_plan,
        "check_run_leaks",
        lambda run, *rest, **more: checked.append(run) or check_run_leaks(run, *rest, **more),
    )
    folder = tmp_path / "runs"
    folder.mkdir()
    told = []
    plans = plan_recipe(
        recipe(base, OWN, "data.allow_leaks=[own]"),
        base=base,
        folder=folder,
        progress=lambda *said: told.append(said),
    )
    # Both runs have the same data.
    assert [run.name for run in checked] == ["first"]
    assert plans[0].leaks == plans[1].leaks
    found = {leak.kind: leak for leak in plans[0].leaks}
    assert found["image"].count > 0
    assert all(leak.allowed for leak in found.values())
    assert {what for what, _, _ in told} == {"comparing pictures", "comparing embeddings"}
    # What was learnt of the pictures spares the training the work.
    assert (folder / ".hashes").is_file()


def test_a_plan_without_an_encoder_to_compare_with(base):
    plans = plan_recipe(recipe(base, "data.leak_cosine=null"), base=base)
    assert len(plans) == 2


def test_a_long_check_tells_now_and_then_how_far_it_is():
    said = []
    show = in_lines(said.append, every=3600.0)
    show("comparing pictures", 256, 1000)
    assert said == []
    show = in_lines(said.append, every=0.0)
    show("comparing pictures", 256, 1000)
    assert said == ["looking for leaks, comparing pictures: 256 of 1,000"]


def test_a_rehearsal_keeps_the_chain(base, tmp_path):
    chain = recipe(
        base,
        "first.model={backbone: efficientnet_lite0, embedding_size: 512}",
        "second.train.epochs=100",
        "second.train.steps=null",
        "train.batch_size=512",
        "data.train.0.path=/nowhere/at/all.csv",
        "data.validation.0.gallery=/nowhere/gallery.csv",
        "second.memory.size=100000",
    )
    chain = chain.model_copy(
        update={
            "runs": (chain.runs[0], chain.runs[1].model_copy(update={"model": chain.runs[0].model}))
        }
    )
    outcomes = rehearse_recipe(chain, out=tmp_path)
    assert [outcome.run.name for outcome in outcomes] == ["first", "second"]
    assert outcomes[1].start == "first"
    assert all(np.isfinite(outcome.figures["shop/map"]) for outcome in outcomes)
    assert outcomes[0].run.model.backbone == "timm/test_efficientnet"
    assert (tmp_path / "small-smoke" / "table.md").is_file()
