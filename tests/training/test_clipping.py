"""Gradients are clipped in every precision, by every optimizer."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from training_stand_ins import make_network, make_run, train  # noqa: E402


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_step_is_no_longer_than_its_gradient_may_be(tmp_path: Path, precision: str) -> None:
    run = make_run(
        optimizer={"name": "sgd", "lr": 1.0, "weight_decay": 0.0},
        train={"steps": 1, "epochs": None, "clip_norm": 1e-3, "precision": precision},
    )
    before = make_network(run)
    train(run, tmp_path / "run")
    after = load_file(tmp_path / "run" / "weights" / "last.safetensors")
    names = dict(before.named_parameters())
    squares = [((after[f"network.{n}"] - p.detach()) ** 2).sum() for n, p in names.items()]
    assert 0 < float(torch.stack(squares).sum().sqrt()) <= 1.01e-3


def test_adamw_trains_with_clipping_in_bf16(tmp_path: Path) -> None:
    run = make_run(train={"steps": 2, "epochs": None, "clip_norm": 5.0, "precision": "bf16-mixed"})
    train(run, tmp_path / "run")
    assert (tmp_path / "run" / "weights" / "last.safetensors").is_file()
