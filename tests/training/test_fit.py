from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from findalike.errors import RecipeError  # noqa: E402
from findalike.training.metrics_log import read_metrics  # noqa: E402
from training_stand_ins import (  # noqa: E402
    agreement,
    make_feed,
    make_losses,
    make_network,
    make_run,
    train,
)


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _weights(path: Path, name: str = "last") -> dict[str, Any]:
    return dict(load_file(path / "weights" / f"{name}.safetensors"))


def _moved(before: Any, after: dict[str, Any]) -> set[str]:
    """Names of the network's tensors that are not what they were."""
    old = {f"network.{name}": tensor for name, tensor in before.state_dict().items()}
    return {name for name, tensor in old.items() if not torch.equal(tensor, after[name])}


def _column(path: Path, name: str) -> dict[int, float]:
    rows = read_metrics(path / "metrics.csv")
    return {int(row["step"]): float(row[name]) for row in rows if name in row}


def test_a_run_leaves_its_folder_filled(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = make_run(logging={"every_steps": 4})
    network = make_network(run)
    result = train(run, tmp_path / "run", network=network, feed=make_feed(run, validation=True))

    assert (result.steps, result.epochs, result.images) == (12, 2, 96)
    assert not result.stopped_early
    assert result.seconds > 0
    rows = read_metrics(tmp_path / "run" / "metrics.csv")
    assert [row["step"] for row in rows] == ["4", "6", "8", "12"]
    assert [row["epoch"] for row in rows] == ["0", "1", "1", "2"]
    assert set(rows[1]) == {
        "step", "epoch", "train_loss", "loss/arcface", "lr", "images_per_s",
        "val_loss", "squares/map", "map",
    }  # fmt: skip
    assert float(rows[0]["train_loss"]) > float(rows[-1]["train_loss"])
    names = {p.name for p in (tmp_path / "run").iterdir()} - {".lock"}
    assert names == {
        "run.json", "environment.json", "metrics.csv", "tensorboard", "charts", "weights",
        "checkpoints",
    }  # fmt: skip
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))
    assert {p.name for p in (tmp_path / "run" / "charts").iterdir()} == {"loss.png", "map.png"}
    # What it says, it says to its own files.
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == ""
    # The network has the weights of the last step.
    assert _moved(network, _weights(tmp_path / "run")) == set()
    with safe_open(result.last.path, framework="pt") as file:
        found = file.metadata()
    assert (found["step"], found["epoch"]) == ("12", "2")
    assert json.loads(found["figures"]) == result.last.figures


def test_the_validation_loss_touches_no_memory(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "losses": [{"name": "contrastive"}],
        "memory": {"size": 30},
        "train": {"epochs": 1},
    }
    run = make_run(**changes)
    with_loss, without = make_losses(run), make_losses(run)
    train(run, tmp_path / "a", losses=with_loss, feed=make_feed(run, validation=True))
    train(run, tmp_path / "b", losses=without)
    assert torch.equal(with_loss[0].memory.image_ids, without[0].memory.image_ids)
    assert int(with_loss[0].memory.image_ids.max()) < 48
    assert list(_column(tmp_path / "a", "val_loss")) == [6]


def test_the_sum_of_weighted_losses_is_minimised(tmp_path: Path) -> None:
    run = make_run(
        losses=[{"name": "arcface", "weight": 0.5}, {"name": "contrastive", "weight": 2.0}],
        distillation={"weight": 3.0},
        train={"steps": 2, "epochs": None},
    )

    def teacher(pixels: Any) -> Any:
        return pixels.float().mean(dim=(2, 3))

    train(run, tmp_path / "run", teacher=teacher)
    for row in read_metrics(tmp_path / "run" / "metrics.csv"):
        parts = [float(row[f"loss/{n}"]) for n in ("arcface", "contrastive", "distillation")]
        expected = 0.5 * parts[0] + 2.0 * parts[1] + 3.0 * parts[2]
        assert float(row["train_loss"]) == pytest.approx(expected, rel=1e-5)
        assert parts[2] > 0


def test_a_teacher_that_is_a_module_stays_as_it_is(tmp_path: Path) -> None:
    run = make_run(distillation={"kind": "embedding"}, train={"epochs": 1})
    teacher = make_network(make_run(model={"embedding_size": 5}))
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    train(run, tmp_path / "run", teacher=teacher)
    assert all(torch.equal(before[n], t) for n, t in teacher.state_dict().items())
    checkpoint = torch.load(
        tmp_path / "run" / "checkpoints" / "resume.ckpt", weights_only=True, map_location="cpu"
    )
    assert not [name for name in checkpoint["state_dict"] if "teacher" in name or "held" in name]
    # Five numbers are compared with eight through a map that is learnt along.
    assert checkpoint["state_dict"]["distillation.map.weight"].shape == (5, 8)


def test_the_same_seed_makes_the_same_run_and_another_one_another(tmp_path: Path) -> None:
    curves = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run = make_run(train={"epochs": 1, "seed": seed})
        start = make_network(make_run())
        train(run, tmp_path / name, network=start, losses=make_losses(make_run()))
        curves.append(_column(tmp_path / name, "train_loss"))
    assert curves[0] == curves[1]
    # Only dropout differs, from the first step on.
    assert curves[0][1] != curves[2][1]


@pytest.mark.parametrize("freeze", ["backbone", 2])
def test_frozen_parts_stay_as_they_are(tmp_path: Path, freeze: str | int) -> None:
    run = make_run(train={"epochs": 1, "freeze": freeze})
    before, network = make_network(run), make_network(run)
    train(run, tmp_path / "run", network=network)
    moved = _moved(before, _weights(tmp_path / "run"))
    assert any(name.startswith("network.head.") for name in moved)
    backbone = {name for name in moved if name.startswith("network.backbone.")}
    if freeze == "backbone":
        assert backbone == set()
    else:
        # The stem and the first stage, with their statistics.
        assert not {n for n in backbone if n.split(".")[2] in ("conv1", "bn1", "layer1")}
        assert any(n.split(".")[2] == "layer2" for n in backbone)


def test_the_backbone_rests_in_the_first_epochs(tmp_path: Path) -> None:
    run = make_run(train={"epochs": 2, "freeze_epochs": 1}, keep={"weights": "every"})
    before = make_network(run)
    train(run, tmp_path / "run")
    first = _moved(before, _weights(tmp_path / "run", "epoch-001"))
    second = _moved(before, _weights(tmp_path / "run", "epoch-002"))
    assert not {name for name in first if "backbone" in name}
    assert any("head" in name for name in first)
    assert any("backbone" in name for name in second)


def test_batch_normalisation_can_be_kept(tmp_path: Path) -> None:
    run = make_run(train={"epochs": 1, "freeze_batch_norm": True})
    before = make_network(run)
    norms = {
        f"network.{name}.{key}"
        for name, module in before.named_modules()
        if isinstance(module, torch.nn.BatchNorm2d)
        for key in module.state_dict()
    }
    train(run, tmp_path / "run")
    moved = _moved(before, _weights(tmp_path / "run"))
    assert norms
    assert not norms & moved
    assert any(name.startswith("network.backbone.conv1") for name in moved)


def test_the_running_mean_is_what_is_kept(tmp_path: Path) -> None:
    run = make_run(train={"epochs": 1, "ema": 0.5}, validate={"every_steps": 1})
    train(run, tmp_path / "run")
    checkpoint = torch.load(
        tmp_path / "run" / "checkpoints" / "resume.ckpt", weights_only=True, map_location="cpu"
    )
    kept = _weights(tmp_path / "run")
    mean = checkpoint["average"]["network"]["head.1.weight"]
    assert torch.equal(kept["network.head.1.weight"], mean)
    assert not torch.equal(checkpoint["state_dict"]["network.head.1.weight"], mean)
    assert torch.equal(kept["losses.0.weight"], checkpoint["average"]["losses"]["0.weight"])


def test_the_running_mean_of_16_bits_has_32(tmp_path: Path) -> None:
    run = make_run(train={"epochs": 1, "ema": 0.9, "precision": "bf16-true"})
    train(run, tmp_path / "run")
    assert {t.dtype for n, t in _weights(tmp_path / "run").items() if "head" in n} == {
        torch.float32
    }


def test_accumulated_batches_make_the_step_of_a_large_one(tmp_path: Path) -> None:
    """Without dropout and batch statistics, which see one batch at a time."""
    changes = {"model": {"backbone": "timm/test_convnext", "dropout": 0.0}}
    large = make_run(**changes, train={"epochs": 1, "batch_size": 8})
    small = make_run(**changes, train={"epochs": 1, "batch_size": 4, "accumulate": 2})
    train(large, tmp_path / "large")
    train(small, tmp_path / "small")
    left = _column(tmp_path / "large", "train_loss")
    assert left == pytest.approx(_column(tmp_path / "small", "train_loss"), rel=1e-4)
    assert len(left) == 6


def test_gradients_are_clipped(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"optimizer": {"name": "sgd", "lr": 1.0, "weight_decay": 0.0}}
    tight = make_run(**changes, train={"steps": 1, "epochs": None, "clip_norm": 1e-3})
    before = make_network(tight)
    train(tight, tmp_path / "tight")
    after = _weights(tmp_path / "tight")
    names = dict(before.named_parameters())
    squares = [((after[f"network.{n}"] - p.detach()) ** 2).sum() for n, p in names.items()]
    assert 0 < float(torch.stack(squares).sum().sqrt()) <= 1.01e-3


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_half_precision_trains(tmp_path: Path, precision: str) -> None:
    run = make_run(
        losses=[{"name": "arcface"}, {"name": "contrastive"}],
        memory={"size": 16},
        train={"epochs": 1, "precision": precision, "channels_last": True},
    )
    network = make_network(run)
    train(run, tmp_path / "run", network=network)
    assert next(network.parameters()).dtype == torch.float32
    values = list(_column(tmp_path / "run", "train_loss").values())
    assert len(values) == 6
    assert values[-1] < values[0]
    kept = _weights(tmp_path / "run")
    half = precision == "bf16-true"
    assert kept["network.head.1.weight"].dtype == (torch.bfloat16 if half else torch.float32)
    assert kept["losses.0.weight"].dtype == torch.float32


def test_the_network_is_compiled_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(self))  # noqa: PLW0108
    network = make_network(make_run())
    run = make_run(train={"steps": 1, "epochs": None, "compile": True})
    train(run, tmp_path / "run", network=network)
    assert compiled == [network]


def test_a_run_stops_early_when_nothing_gets_better(tmp_path: Path) -> None:
    run = make_run(train={"epochs": 6}, validate={"patience": 2, "least_gain": 0.0})
    result = train(run, tmp_path / "run", validate=lambda embed: {"map": 0.5})
    assert result.stopped_early
    assert result.steps == result.last.step == 18
    assert result.best.step == 6
    assert train(run, tmp_path / "run", validate=lambda embed: {"map": 0.5}) == result


def test_validation_by_steps_and_epochs(tmp_path: Path) -> None:
    run = make_run(
        train={"epochs": 3},
        validate={"every_epochs": 2, "every_steps": 5},
        keep={"weights": "every"},
    )
    result = train(run, tmp_path / "run")
    assert list(_column(tmp_path / "run", "map")) == [5, 10, 12, 15, 18]
    assert {kept.path.name for kept in result.kept} == {
        "step-000005.safetensors",
        "step-000010.safetensors",
        "epoch-002.safetensors",
        "step-000015.safetensors",
        "epoch-003.safetensors",
    }


def test_weights_are_kept_by_policy(tmp_path: Path) -> None:
    scores = iter([0.2, 0.6, 0.4])
    run = make_run(train={"epochs": 3}, keep={"weights": "top", "top": 1})
    result = train(run, tmp_path / "run", validate=lambda embed: {"map": next(scores)})
    found = {p.name for p in (tmp_path / "run" / "weights").iterdir()}
    assert found == {
        "best.safetensors", "last.safetensors", "epoch-002.safetensors", "index.json",
    }  # fmt: skip
    assert result.best.figures == {"map": 0.6}
    assert torch.equal(
        load_file(result.best.path)["network.head.1.weight"],
        load_file(result.kept[0].path)["network.head.1.weight"],
    )


def test_validation_sees_the_network_as_it_is_used(tmp_path: Path) -> None:
    seen: list[Any] = []

    def look(embed: Any) -> dict[str, float]:
        import numpy as np

        pixels = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)
        seen.append((embed(pixels), embed(pixels[:1]), embed(pixels[:0])))
        return agreement(embed)

    train(make_run(train={"epochs": 1}), tmp_path / "run", validate=look)
    many, one, none = seen[0]
    assert many.shape == (70, 8)
    assert none.shape == (0, 8)
    assert many.dtype.name == "float32"
    assert (many**2).sum(axis=1) == pytest.approx([1.0] * 70, abs=1e-5)
    # No dropout, no statistics of the batch.
    assert one[0] == pytest.approx(many[0], abs=1e-5)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    run = make_run()
    losses = make_losses(run)
    with torch.no_grad():
        losses[0].weight[0, 0] = float("nan")
    with pytest.raises(RecipeError, match=r"step 1 of 12 .*loss/arcface nan.*optimizer\.lr"):
        train(run, tmp_path / "run", losses=losses)
    assert not (tmp_path / "run" / "weights" / "last.safetensors").exists()


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="2 losses were given for the 1 of the run"):
        train(
            make_run(),
            tmp_path / "a",
            losses=torch.nn.ModuleList([*make_losses(make_run()), *make_losses(make_run())]),
        )
    with pytest.raises(RecipeError, match=r"train\.freeze is 9"):
        train(make_run(train={"freeze": 9}), tmp_path / "b")
    with pytest.raises(RecipeError, match="no teacher"):
        train(make_run(distillation={}), tmp_path / "c")
    frozen = make_run(
        model={"embedding_size": None}, losses=[{"name": "contrastive"}],
        train={"freeze": "backbone"},
    )  # fmt: skip
    with pytest.raises(RecipeError, match="nothing is learnt"):
        train(frozen, tmp_path / "d")


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    run = make_run(train={"epochs": 1})
    train(run, tmp_path / "run")
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (trap,))

    torch.save({"callbacks": Trap()}, tmp_path / "run" / "checkpoints" / "resume.ckpt")
    with pytest.raises(RecipeError, match=r"resume\.ckpt cannot be read: it holds more than"):
        train(run, tmp_path / "run")
    assert not trap.exists()
    (tmp_path / "run" / "checkpoints" / "resume.ckpt").write_bytes(b"PK")
    with pytest.raises(RecipeError, match=r"resume\.ckpt cannot be read \("):
        train(run, tmp_path / "run")
