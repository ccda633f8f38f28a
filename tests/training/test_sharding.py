"""Weights that two processes share out train as those of one process do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from findalike.errors import RecipeError  # noqa: E402
from findalike.training.metrics_log import read_metrics  # noqa: E402
from findalike.training.sharding_parts import largest_part, sharding_parts  # noqa: E402
from training_stand_ins import (  # noqa: E402
    BreaksOff,
    make_feed,
    make_losses,
    make_network,
    make_run,
    train,
)

# Without dropout and batch statistics, which are each device's own matter.
CHANGES: dict[str, Any] = {
    "model": {"backbone": "timm/test_convnext", "dropout": 0.0, "pooling": "gem"},
    "losses": [{"name": "arcface"}, {"name": "contrastive"}],
    "memory": {"size": 40, "warm_up_steps": 1},
    "optimizer": {"lr": 0.001},
}
TRAIN: dict[str, Any] = {
    "strategy": "fsdp", "clip_norm": 1.0, "ema": 0.8, "accumulate": 2, "freeze": 1,
    "channels_last": True,
}  # fmt: skip


def _weights(folder: Path) -> dict[str, Any]:
    return dict(load_file(folder / "weights" / "last.safetensors"))


def _checkpoint(folder: Path) -> dict[str, Any]:
    path = folder / "checkpoints" / "resume.ckpt"
    return dict(torch.load(path, weights_only=True, map_location="cpu"))


def _assert_same_run(one: Path, two: Path) -> None:
    left, right = (read_metrics(folder / "metrics.csv") for folder in (one, two))
    assert len(left) == len(right) >= 4
    for mine, other in zip(left, right, strict=True):
        assert mine.keys() == other.keys()
        for name in ("train_loss", "val_loss", "map", "loss/arcface", "loss/contrastive"):
            if name in mine:
                assert float(mine[name]) == pytest.approx(float(other[name]), rel=1e-3)
    assert sorted(p.name for p in (one / "weights").iterdir()) == sorted(
        p.name for p in (two / "weights").iterdir()
    )
    ours, theirs = _weights(one), _weights(two)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert tensor.shape == theirs[name].shape
        assert tensor.dtype == theirs[name].dtype
        assert torch.allclose(tensor.float(), theirs[name].float(), atol=2e-3), name


# Starting processes takes its time where others compute too.
@pytest.mark.timeout(900)
def test_shared_out_weights_make_the_run_of_one_process(tmp_path: Path) -> None:
    one = make_run(**CHANGES, train=TRAIN | {"batch_size": 4})
    two = make_run(**CHANGES, train=TRAIN | {"batch_size": 2})
    alone = train(one, tmp_path / "one", feed=make_feed(one, validation=True))

    # Broken off after the first epoch and gone on with.
    flag = tmp_path / "flag"
    flag.touch()
    judge = BreaksOff(flag)
    options: dict[str, Any] = {"devices": "cpu:2", "validate": judge}
    options["feed"] = make_feed(two, validation=True)
    with pytest.raises(RecipeError, match=r"^the disk fell off$"):
        train(two, tmp_path / "two", **options)
    flag.unlink()
    pair = train(two, tmp_path / "two", **options)

    assert (pair.steps, pair.images) == (alone.steps, alone.images)
    _assert_same_run(tmp_path / "one", tmp_path / "two")
    # The checkpoint is one that a single process could go on with: whole, with the same names.
    left, right = _checkpoint(tmp_path / "one"), _checkpoint(tmp_path / "two")
    assert left["state_dict"].keys() == right["state_dict"].keys()
    means = [found["average"]["network"] for found in (left, right)]
    assert all(torch.allclose(mean, means[1][name], atol=2e-3) for name, mean in means[0].items())
    for name, tensor in left["state_dict"].items():
        assert type(right["state_dict"][name]) is torch.Tensor
        assert torch.allclose(tensor.float(), right["state_dict"][name].float(), atol=2e-3), name
    states = [found["optimizer_states"][0]["state"] for found in (left, right)]
    assert states[0].keys() == states[1].keys()
    for place, values in states[0].items():
        assert values["exp_avg"].shape == states[1][place]["exp_avg"].shape


def test_every_weight_is_in_a_part_that_is_called() -> None:
    run = make_run(**CHANGES)
    network, losses = make_network(run), [*make_losses(run)]
    parts = sharding_parts(network, losses)
    # The contrastive loss learns nothing.
    assert parts[-3:] == [network.backbone, network.head, losses[0]]
    assert not [part for part in parts if isinstance(part, torch.nn.ModuleList)]
    blocks = [part for part in parts if type(part).__name__ == "ConvNeXtBlock"]
    assert blocks
    assert parts.index(blocks[-1]) < parts.index(network.backbone)
    everything = {id(p) for p in [*network.parameters(), *losses[0].parameters()]}
    assert {id(p) for part in parts for p in part.parameters()} == everything
    alone = max(sum(p.numel() for p in block.parameters()) for block in blocks)
    assert alone <= largest_part(network, losses) < sum(p.numel() for p in network.parameters())


def test_a_single_number_is_not_shared_out(tmp_path: Path) -> None:
    run = make_run(train={"strategy": "fsdp"})
    losses = make_losses(run)
    losses[0].scale_too = torch.nn.Parameter(torch.tensor(1.0))
    with pytest.raises(RecipeError, match=r"0\.scale_too of losses is a single number.*ddp"):
        train(run, tmp_path / "run", losses=losses, devices="cpu:2")


def test_one_device_shares_with_nobody(tmp_path: Path) -> None:
    curves = []
    for strategy in ("ddp", "fsdp"):
        run = make_run(train={"steps": 2, "epochs": None, "strategy": strategy})
        train(run, tmp_path / strategy)
        rows = read_metrics(tmp_path / strategy / "metrics.csv")
        curves.append([row["train_loss"] for row in rows])
    assert curves[0] == curves[1]
