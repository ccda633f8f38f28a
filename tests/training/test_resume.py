from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.training.metrics_log import read_metrics  # noqa: E402
from training_stand_ins import make_run, train, train_alone  # noqa: E402

# Imports torch and Lightning once, and has no threads: children are there in milliseconds. It finds
# the stand-ins by the environment alone.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["training_stand_ins"])


@pytest.fixture(autouse=True)
def _stand_ins_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))


EVERYTHING: dict[str, Any] = {
    "model": {"head": "linear-bn", "pooling": "gem"},
    "losses": [{"name": "arcface"}, {"name": "contrastive", "weight": 0.5}],
    "memory": {"size": 40, "warm_up_steps": 3},
    "optimizer": {"lr": 0.003, "backbone_lr": 0.001, "layer_decay": 0.8},
    "scheduler": {"warm_up_steps": 4},
    "train": {"epochs": 3, "batch_size": 4, "accumulate": 2, "ema": 0.9, "clip_norm": 1.0},
    "validate": {"every_steps": 4, "patience": 40},
    "keep": {"weights": "top", "top": 2},
    "logging": {"every_steps": 2},
}


def _kill_at(
    run: Any, folder: Path, rows: int, wait: float, number: signal.Signals = signal.SIGKILL
) -> None:
    """Train in a process of its own; signal it so long after its table has that many rows."""
    process = SERVER.Process(target=train_alone, args=(run, folder))
    process.start()
    give_up = time.monotonic() + 120
    while process.is_alive() and len(read_metrics(folder / "metrics.csv")) < rows:
        assert time.monotonic() < give_up, "the training does not get there"
        time.sleep(0.002)
    time.sleep(wait)
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join()
    assert process.exitcode != 0, "it ended before it could be killed"


def _curve(folder: Path) -> list[dict[str, float]]:
    rows = read_metrics(folder / "metrics.csv")
    return [{k: float(v) for k, v in row.items() if k != "images_per_s"} for row in rows]


@pytest.mark.parametrize(
    ("workers", "checkpoint_steps", "kills"),
    [(0, None, [(5, 0.0), (8, 0.02)]), (2, 3, [(2, 0.01), (7, 0.0), (9, 0.03)])],
    ids=["after epochs", "within epochs, with workers"],
)
def test_a_killed_run_goes_on_as_if_nothing_had_been(
    tmp_path: Path, workers: int, checkpoint_steps: int | None, kills: list[tuple[int, float]]
) -> None:
    changes = EVERYTHING | {
        "train": EVERYTHING["train"] | {"workers": workers},
        "keep": EVERYTHING["keep"] | {"checkpoint_steps": checkpoint_steps},
    }
    run = make_run(**changes)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected = train(run, whole)
        for rows, wait in kills:
            _kill_at(run, broken, rows, wait)
        found = train(run, broken)
    finally:
        torch.set_num_threads(threads)

    assert len(_curve(whole)) == len(_curve(broken)) >= 9
    for left, right in zip(_curve(whole), _curve(broken), strict=True):
        assert left == pytest.approx(right, abs=1e-6)
    assert found.steps == expected.steps == 18
    assert found.images == expected.images == 144
    assert [k.path.name for k in found.kept] == [k.path.name for k in expected.kept]
    assert sorted(p.name for p in (broken / "weights").iterdir()) == sorted(
        p.name for p in (whole / "weights").iterdir()
    )
    from safetensors.torch import load_file

    for name in ("last", "best"):
        mine = load_file(broken / "weights" / f"{name}.safetensors")
        for key, tensor in load_file(whole / "weights" / f"{name}.safetensors").items():
            assert torch.allclose(mine[key].float(), tensor.float(), atol=1e-6), key


def test_a_run_asked_to_end_saves_where_it_is(tmp_path: Path) -> None:
    run = make_run(train={"steps": 20, "epochs": None, "batch_size": 2})
    _kill_at(run, tmp_path / "run", 3, 0.0, signal.SIGTERM)
    rows = len(read_metrics(tmp_path / "run" / "metrics.csv"))
    assert 3 <= rows < 20
    state = torch.load(tmp_path / "run" / "checkpoints" / "resume.ckpt", weights_only=True)
    assert state["global_step"] == rows
    assert train(run, tmp_path / "run").steps == 20
    assert [int(row["step"]) for row in _curve(tmp_path / "run")] == list(range(1, 21))


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    run = make_run(train={"epochs": 1})
    first = train(run, tmp_path / "run")
    before = (tmp_path / "run" / "metrics.csv").read_bytes()
    again = train(run, tmp_path / "run")
    assert again == first
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == before
