from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")

from rich.console import Console  # noqa: E402

from findalike.training import BarProgress, LineProgress  # noqa: E402
from training_stand_ins import make_run, train  # noqa: E402


class Listener:
    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def start(self, **what: Any) -> None:
        self.told.append(("start", what))

    def step(self, **what: Any) -> None:
        self.told.append(("step", what))

    def say(self, text: str) -> None:
        self.told.append(("say", {"text": text}))

    def stop(self) -> None:
        self.told.append(("stop", {}))


def _play(bar: BarProgress) -> None:
    bar.start(run="arcface-224", epochs=5, steps=1000, done=0)
    bar.step(epoch=2, step=300, loss=1.23456, images_per_second=87.6)
    bar.say("validating")


def test_a_terminal_shows_where_the_run_is() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    bar = BarProgress(console)
    _play(bar)
    bar.stop()
    bar.stop()
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for part in (
        "arcface-224", "epoch 2/5", "step 300/1,000", "loss 1.2346", "88 img/s", "validating",
    ):  # fmt: skip
        assert part in shown


def test_a_file_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LineProgress(seconds=0.0)
    lines.start(run="arcface-224", epochs=5, steps=1000, done=100)
    lines.step(epoch=2, step=300, loss=1.23456, images_per_second=87.6)
    seldom = LineProgress(seconds=1000.0)
    seldom.start(run="xbm", epochs=1, steps=10, done=0)
    seldom.step(epoch=1, step=1, loss=1.0, images_per_second=1.0)
    assert capsys.readouterr().err.splitlines() == [
        "arcface-224: 1,000 steps, epochs: 5, from step 100",
        "  epoch 2/5, step 300/1,000: loss 1.2346, 88 img/s, 0 minutes left",
        "xbm: 10 steps, epochs: 1",
    ]


def test_a_file_stays_empty() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    bar = BarProgress(console)
    _play(bar)
    bar.stop()
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]


def test_it_can_be_sent_to_another_process_before_it_starts() -> None:
    pickle.loads(pickle.dumps(BarProgress())).stop()


def test_a_training_tells_how_it_goes(tmp_path: Path) -> None:
    listener = Listener()
    train(make_run(train={"epochs": 1}), tmp_path / "run", progress=listener)
    kinds = [kind for kind, _ in listener.told]
    assert kinds[0] == "start"
    assert listener.told[0][1] == {"run": "tiny", "epochs": 1, "steps": 6, "done": 0}
    assert kinds[-1] == "stop"
    step = next(what for kind, what in listener.told if kind == "step")
    assert step["epoch"] == step["step"] == 1
    assert step["loss"] > 0
    assert step["images_per_second"] > 0
    assert {"text": "validating"} in [what for kind, what in listener.told if kind == "say"]
