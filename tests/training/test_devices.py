from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402
from torch.multiprocessing.spawn import ProcessRaisedException  # noqa: E402

from findalike.errors import FailureError, RecipeError, SettingError  # noqa: E402
from findalike.training.devices import Devices, parse_devices  # noqa: E402
from findalike.training.fit import _of_process  # noqa: E402
from findalike.training.metrics_log import read_metrics  # noqa: E402
from training_stand_ins import BreaksOff, make_run, train  # noqa: E402


@pytest.mark.parametrize(
    ("text", "expected"),
    [("cpu", Devices("cpu", 1)), ("cpu:2", Devices("cpu", 2)), (" cpu:16 ", Devices("cpu", 16))],
)
def test_devices_are_read(text: str, expected: Devices) -> None:
    assert parse_devices(text) == expected


def test_a_number_alone_means_gpus_only_where_there_are_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert parse_devices("auto") == Devices("cpu", 1)
    assert parse_devices("2") == Devices("cpu", 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert parse_devices("auto") == Devices("gpu", 4)
    assert parse_devices("2") == Devices("gpu", 2)
    with pytest.raises(SettingError, match="there are 4 GPUs"):
        parse_devices("gpu:5")


@pytest.mark.parametrize("text", ["tpu", "0", "cpu:", "-1", "cpu:0", "gpu,1", ""])
def test_other_devices_are_refused(text: str) -> None:
    with pytest.raises(SettingError):
        parse_devices(text)


def test_half_precision_of_gpus_is_refused_on_the_cpu(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="16-mixed"):
        train(make_run(train={"precision": "16-mixed"}), tmp_path / "run")


# Starting processes takes its time where others compute too.
@pytest.mark.timeout(900)
def test_two_processes_make_the_run_of_one_with_the_same_batches(tmp_path: Path) -> None:
    """Without dropout and batch statistics, which are each device's own matter."""
    changes = {
        "model": {"backbone": "timm/test_convnext", "dropout": 0.0},
        "losses": [{"name": "arcface"}, {"name": "contrastive"}],
        "memory": {"size": 40},
        "optimizer": {"lr": 0.001},
    }
    one = make_run(**changes, train={"batch_size": 8, "ema": 0.8})
    two = make_run(**changes, train={"batch_size": 4, "ema": 0.8})
    alone = train(one, tmp_path / "one")
    flag = tmp_path / "flag"
    flag.touch()
    judge = BreaksOff(flag)
    with pytest.raises(RecipeError, match=r"^the disk fell off$"):
        train(two, tmp_path / "two", devices="cpu:2", validate=judge)
    flag.unlink()
    pair = train(two, tmp_path / "two", devices="cpu:2", validate=judge)

    assert pair.steps == alone.steps == 12
    assert pair.images == alone.images == 96
    for left, right in zip(
        read_metrics(tmp_path / "one" / "metrics.csv"),
        read_metrics(tmp_path / "two" / "metrics.csv"),
        strict=True,
    ):
        assert float(left["train_loss"]) == pytest.approx(float(right["train_loss"]), rel=1e-3)
        assert left.get("map") == right.get("map")
    # The running mean is of each process: one in memory they share would be updated twice a step.
    kept = [load_file(tmp_path / name / "weights" / "last.safetensors") for name in ("one", "two")]
    for name, tensor in kept[0].items():
        assert torch.allclose(tensor, kept[1][name], atol=2e-3), name
    # Nobody but the first process wrote.
    assert sorted(p.name for p in (tmp_path / "one" / "weights").iterdir()) == sorted(
        p.name for p in (tmp_path / "two" / "weights").iterdir()
    )


@pytest.mark.parametrize(
    ("last", "kind", "message"),
    [
        ("findalike.errors.RecipeError: lr: too high", RecipeError, "lr: too high"),
        ("findalike.errors.FilterError: bad filter", FailureError, "bad filter"),
        ("ValueError: of some library", ProcessRaisedException, "of some library"),
    ],
)
def test_errors_come_back_from_the_processes_of_devices(
    last: str, kind: type[Exception], message: str
) -> None:
    raised = ProcessRaisedException(f"Traceback:\n  File x, line 1\n{last}\n", 0, 1)
    found = _of_process(raised)
    assert type(found) is kind
    assert message in str(found)
