from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")

from findalike.errors import SettingError  # noqa: E402
from findalike.training import trackers  # noqa: E402
from findalike.training.trackers import Trackers  # noqa: E402
from training_stand_ins import make_run, train  # noqa: E402


class Recorder:
    """Stands for a logger of Lightning whose package is not installed here."""

    made: list[Recorder] = []  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.settings: Any = None
        self.figures: dict[int, dict[str, float]] = {}
        self.end = ""
        Recorder.made.append(self)

    def log_hyperparams(self, settings: Any) -> None:
        self.settings = settings

    def log_metrics(self, figures: dict[str, float], step: int) -> None:
        self.figures[step] = figures

    def save(self) -> None:
        pass

    def finalize(self, status: str) -> None:
        self.end = status


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    from lightning.pytorch import loggers

    Recorder.made = []
    monkeypatch.setattr(loggers, "MLFlowLogger", Recorder)
    monkeypatch.setattr(loggers, "WandbLogger", Recorder)
    monkeypatch.setattr(trackers, "find_spec", lambda name: object())
    return Recorder.made


@pytest.mark.parametrize(("key", "value"), [("mlflow", "runs"), ("wandb", "project")])
def test_a_tracker_that_is_not_installed_is_told_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    with pytest.raises(SettingError, match=rf"logging\.{key} needs .*`pip install {key}`"):
        train(make_run(logging={key: value}), tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.csv").exists()


def test_trackers_get_the_figures_and_settings(tmp_path: Path, recorders: list[Recorder]) -> None:
    run = make_run(
        train={"epochs": 1}, logging={"every_steps": 3, "mlflow": "mlruns", "wandb": "shop"}
    )
    train(run, tmp_path / "recipe" / "run")
    mlflow, wandb = recorders
    assert mlflow.options["experiment_name"] == "recipe"
    assert mlflow.options["run_name"] == "tiny"
    assert mlflow.options["tracking_uri"] == (Path("mlruns").resolve()).as_uri()
    assert wandb.options["project"] == "shop"
    for logger in recorders:
        assert logger.settings["train"]["batch_size"] == 8
        assert sorted(logger.figures) == [3, 6]
        assert logger.figures[6]["map"] > 0
        assert logger.end == "success"


def test_an_address_of_a_server_is_left_as_it_is(tmp_path: Path, recorders: list[Recorder]) -> None:
    run = make_run(logging={"mlflow": "http://127.0.0.1:5000"})
    opened = Trackers(run, tmp_path, recipe="r", after_step=0)
    opened.close(failed=True)
    assert recorders[0].options["tracking_uri"] == "http://127.0.0.1:5000"
    assert recorders[0].end == "failed"


def test_tensorboard_forgets_what_will_come_again(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for after, steps in ((0, (1, 2, 3)), (1, (2, 3, 4))):
        opened = Trackers(make_run(), tmp_path, recipe="r", after_step=after)
        for step in steps:
            opened.log({"train_loss": step + after / 10}, step)
        opened.close(failed=False)
    found = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("train_loss")
    assert [(e.step, round(e.value, 3)) for e in found] == [(1, 1.0), (2, 2.1), (3, 3.1), (4, 4.1)]
