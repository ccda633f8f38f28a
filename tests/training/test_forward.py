"""What frozen layers spare changes nothing of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.errors import RecipeError  # noqa: E402
from findalike.models.feature_graph import FeatureGraph  # noqa: E402
from findalike.pipelines.teachers import StartTeacher  # noqa: E402
from findalike.training.metrics_log import read_metrics  # noqa: E402
from training_stand_ins import BreaksOff, make_network, make_run, train  # noqa: E402


def settings(kind: str = "features", **changes: Any) -> Any:
    return make_run(
        model={"levels": [{"at": "layer2", "weight": 0.5}]},
        distillation={"teacher": "start", "kind": kind, "weight": 2.0},
        train={"freeze": 2, "freeze_batch_norm": True, "ema": 0.9, "clip_norm": 1.0} | changes,
    )


def curve(run: Any, folder: Path) -> list[dict[str, float]]:
    network = make_network(run)
    train(run, folder, network=network, teacher=StartTeacher(network))
    rows = read_metrics(folder / "metrics.csv")
    return [{k: float(v) for k, v in row.items() if k != "images_per_s"} for row in rows]


@pytest.mark.parametrize("changes", [{}, {"freeze": "none"}, {"freeze_epochs": 1}])
def test_the_curve_is_that_of_the_plain_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    run = settings(**changes)
    seconds: list[int] = []
    second = FeatureGraph.second
    monkeypatch.setattr(FeatureGraph, "second", lambda *a: seconds.append(1) or second(*a))
    mine = curve(run, tmp_path / "graph")
    # One for the check, and for each step one of the student and one of the teacher.
    steps = len(mine) - (6 if "freeze_epochs" in changes else 0)
    assert len(seconds) == 1 + 2 * steps
    monkeypatch.setattr(FeatureGraph, "of", lambda network: None)
    expected = curve(run, tmp_path / "plain")
    assert len(seconds) == 1 + 2 * steps
    assert len(mine) == len(expected) == 12
    for left, right in zip(mine, expected, strict=True):
        assert left == pytest.approx(right, rel=1e-3, abs=1e-5)
    from safetensors import safe_open

    names = []
    for folder in ("graph", "plain"):
        with safe_open(tmp_path / folder / "weights" / "last.safetensors", "pt") as file:
            names.append(sorted(file.keys()))
    assert names[0] == names[1]


def test_in_mixed_precision_the_teacher_computes_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = settings(precision="bf16-mixed", epochs=1)
    seconds: list[int] = []
    second = FeatureGraph.second
    monkeypatch.setattr(FeatureGraph, "second", lambda *a: seconds.append(1) or second(*a))
    mine = curve(run, tmp_path / "graph")
    assert len(seconds) == 1 + len(mine) == 7
    monkeypatch.setattr(FeatureGraph, "of", lambda network: None)
    for left, right in zip(mine, curve(run, tmp_path / "plain"), strict=True):
        assert left["train_loss"] == pytest.approx(right["train_loss"], rel=0.05)


def test_a_run_that_broke_off_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    run = settings(epochs=3)
    expected = curve(run, tmp_path / "whole")
    flag = tmp_path / "flag"
    flag.touch()
    network = make_network(run)
    with pytest.raises(RecipeError, match="the disk fell off"):
        train(
            run,
            tmp_path / "broken",
            network=network,
            teacher=StartTeacher(network),
            validate=BreaksOff(flag),
        )
    assert len(read_metrics(tmp_path / "broken" / "metrics.csv")) < len(expected)
    found = curve(run, tmp_path / "broken")
    assert len(found) == len(expected) == 18
    for left, right in zip(found, expected, strict=True):
        assert left == pytest.approx(right, abs=1e-6)
