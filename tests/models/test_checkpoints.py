from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

from findalike.errors import BundleError  # noqa: E402
from findalike.models.checkpoints import load_weights, read_checkpoint  # noqa: E402


class Net(nn.Module):
    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, classes)


class SameNet(nn.Module):
    """The architecture of Net under other names."""

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = nn.Conv2d(3, 4, 3)
        self.first_bn = nn.BatchNorm2d(4)
        self.last = nn.Linear(4, 5)


def _filled(model: nn.Module) -> nn.Module:
    for place, tensor in enumerate(model.state_dict().values()):
        tensor.fill_(place + 1)
    return model


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin", ".ckpt"])
def test_tensors_of_every_kind_of_file_are_read(tmp_path, suffix):
    state = _filled(Net()).state_dict()
    path = tmp_path / f"weights{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    found = read_checkpoint(path)
    assert list(found) == list(state) or suffix == ".safetensors"
    assert all(torch.equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict", "state_dict_ema"])
def test_weights_inside_a_training_checkpoint_are_found(tmp_path, wrapper):
    state = {f"module.{name}": tensor for name, tensor in _filled(Net()).state_dict().items()}
    path = tmp_path / "run.pth"
    torch.save({wrapper: state, "epoch": 3, "optimizer": {"state": {}}}, path)
    assert set(read_checkpoint(path)) == set(Net().state_dict())


def test_averaged_weights_are_preferred(tmp_path):
    path = tmp_path / "run.pth"
    torch.save({"state_dict": {"a": torch.zeros(1)}, "state_dict_ema": {"a": torch.ones(1)}}, path)
    assert read_checkpoint(path)["a"] == 1


class _Attack:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"state_dict": {"a": torch.zeros(1)}, "extra": _Attack(tmp_path / "proof")}, path)
    with pytest.raises(BundleError, match=r"evil\.pth cannot be read as weights"):
        read_checkpoint(path)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a zip", b"\x80\x02}q\x00.", b"x" * 100])
def test_a_damaged_file_is_refused(tmp_path, suffix, data):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(data)
    with pytest.raises(BundleError, match=r"w\.(safetensors|pth)"):
        read_checkpoint(path)


def test_missing_files_unknown_kinds_and_files_without_weights_are_refused(tmp_path):
    with pytest.raises(BundleError, match="cannot read the checkpoint"):
        read_checkpoint(tmp_path / "none.pth")
    with pytest.raises(BundleError, match="must end in"):
        read_checkpoint(tmp_path / "weights.h5")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(BundleError, match="holds no weights"):
        read_checkpoint(tmp_path / "empty.pth")


def _load(model: nn.Module, state) -> str:
    return load_weights(model, state, head="fc", path=Path("w.pth"))


def test_weights_are_matched_by_name_whatever_their_order():
    state = dict(reversed(_filled(Net()).state_dict().items()))
    model = Net()
    assert _load(model, state) == "by name"
    assert torch.equal(model.norm.running_var, torch.full((4,), 6.0))


@pytest.mark.parametrize("head", ["missing", "larger"])
def test_the_classifier_need_not_fit(head):
    state = _filled(Net(classes=9)).state_dict()
    if head == "missing":
        state = {name: tensor for name, tensor in state.items() if not name.startswith("fc")}
    model = Net()
    before = model.fc.weight.clone()
    assert _load(model, state) == "by name"
    assert torch.equal(model.stem.weight, torch.ones(4, 3, 3, 3))
    assert torch.equal(model.fc.weight, before)


@pytest.mark.parametrize("counters", [True, False])
@pytest.mark.parametrize("head", [True, False])
def test_other_names_are_matched_by_order_and_shape(counters, head):
    state = {
        name: tensor
        for name, tensor in _filled(SameNet()).state_dict().items()
        if (counters or not name.endswith("num_batches_tracked"))
        and (head or not name.startswith("last"))
    }
    model = Net()
    assert _load(model, state) == "by order and shape"
    assert torch.equal(model.norm.running_mean, torch.full((4,), 5.0))


def test_a_file_that_has_lost_the_order_is_not_matched_by_it():
    with pytest.raises(BundleError, match=r"w\.safetensors does not fit"):
        load_weights(Net(), SameNet().state_dict(), head="fc", path=Path("w.safetensors"))


def test_equal_shapes_of_another_kind_are_not_matched_by_order():
    state = dict(_filled(SameNet()).state_dict())
    mean, var = "first_bn.running_mean", "first_bn.running_var"
    order = [name for name in state if name not in (mean, var)]
    order[4:4] = [var, mean]
    with pytest.raises(BundleError, match="does not fit"):
        _load(Net(), {name: state[name] for name in order})


def test_what_does_not_fit_is_refused_with_the_first_differences_and_changes_nothing():
    state = _filled(Net()).state_dict()
    state["stem.weight"] = torch.zeros(4, 3, 5, 5)
    state["extra.weight"] = torch.zeros(2)
    del state["norm.bias"]
    model = Net()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(BundleError) as caught:
        _load(model, state)
    message = str(caught.value)
    assert "w.pth" in message
    assert "stem.weight is (4, 3, 5, 5), not (4, 3, 3, 3)" in message
    assert "lacks norm.bias (1 in all)" in message
    assert "has extra.weight too many (1 in all)" in message
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
