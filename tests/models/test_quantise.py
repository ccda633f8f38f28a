from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

import onnx  # noqa: E402
from torch import nn  # noqa: E402

from findalike.errors import BundleError, SettingError  # noqa: E402
from findalike.models import quantise as quantise_module  # noqa: E402
from findalike.models.export import (  # noqa: E402
    PixelEncoder,
    embed_by_torch,
    export_onnx,
    least_cosine,
)
from findalike.models.quantise import quantise  # noqa: E402

SIZE = 32
LAYERS = 6


class Small(nn.Module):
    """Convolutions, a residual sum and a projection, as the usual backbones have them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU6())
        self.block = nn.Sequential(
            nn.Conv2d(16, 32, 1), nn.ReLU6(), nn.Conv2d(32, 32, 3, 1, 1, groups=32), nn.ReLU6(),
            nn.Conv2d(32, 16, 1),
        )  # fmt: skip
        self.last = nn.Sequential(nn.Conv2d(16, 64, 1), nn.ReLU())
        self.head = nn.Linear(64, 24)

    def forward(self, pictures):
        features = self.stem(pictures)
        features = self.last(features + self.block(features))
        return self.head(features.mean((2, 3)))


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Smooth pictures of many colours, all different."""
    cells = np.random.default_rng(0).integers(0, 256, (48, 4, 4, 3), dtype=np.uint8)
    return np.repeat(np.repeat(cells, SIZE // 4, axis=1), SIZE // 4, axis=2)


@pytest.fixture(scope="module")
def module() -> PixelEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return PixelEncoder(Small(), mean=(0.5,) * 3, std=(0.25,) * 3)


@pytest.fixture(scope="module")
def model(module, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "encoder.onnx"
    export_onnx(module, SIZE, path, half=False)
    return path


def test_the_first_attempt_has_integers_everywhere_but_in_the_first_layer(
    model, module, pictures, tmp_path
):
    made = next(quantise(model, tmp_path, pictures[:16]))
    assert (made.layers, len(made.kept)) == (LAYERS, 1)
    graph = onnx.load(made.path).graph
    kinds = Counter(tensor.data_type for tensor in graph.initializer if len(tensor.dims) > 1)
    assert kinds[onnx.TensorProto.INT8] == LAYERS - 1
    first = next(node for node in graph.node if node.op_type == "Conv")
    assert first.name == made.kept[0]
    weights = {t.name: t.data_type for t in graph.initializer}
    assert weights[first.input[1]] == onnx.TensorProto.FLOAT
    # A scale for each output channel.
    scales = [t for t in graph.initializer if t.name.endswith("_scale") and t.dims == [32]]
    assert scales
    compared = pictures[16:]
    assert least_cosine(embed_by_torch(module, compared), made.path, compared) > 0.98


def test_each_attempt_keeps_more_layers_and_comes_nearer(model, module, pictures, tmp_path):
    expected = embed_by_torch(module, pictures)
    found = []
    for made in quantise(model, tmp_path, pictures):
        found.append((len(made.kept), least_cosine(expected, made.path, pictures)))
    assert [count for count, _ in found] == [1, 2, 3]
    assert found[-1][1] >= found[0][1]


def test_the_layers_that_harm_most_are_kept_first(model, pictures, tmp_path, monkeypatch):
    told = []
    attempts = quantise(model, tmp_path, pictures, progress=lambda *said: told.append(said))
    first = next(attempts)
    real = quantise_module._embed
    asked = iter(range(100))

    def one_good(path, photos):
        # The exported model is asked first, then each layer in its order is kept in float: only
        # without the fourth in integers are the embeddings right.
        embeddings = real(path, photos)
        return embeddings if next(asked) in (0, 4) else -embeddings

    monkeypatch.setattr(quantise_module, "_embed", one_good)
    second = next(attempts)
    names = quantise_module._layers(onnx.load(model))
    assert second.kept == (first.kept[0], names[4])
    assert told[-1] == ("judging layers", LAYERS - 1, LAYERS - 1)
    assert ("calibrating", len(pictures), len(pictures)) in told


def test_too_few_photos_are_refused(model, pictures, tmp_path):
    with pytest.raises(SettingError, match="7 photos to calibrate with: give 8 or more"):
        next(quantise(model, tmp_path, pictures[:7]))


def test_a_model_without_layers_is_refused(pictures, tmp_path):
    module = PixelEncoder(nn.Flatten(), mean=(0.5,) * 3, std=(0.5,) * 3)
    export_onnx(module, SIZE, tmp_path / "m.onnx", half=False)
    with pytest.raises(BundleError, match="0 layers"):
        next(quantise(tmp_path / "m.onnx", tmp_path, pictures))


def test_a_model_that_is_too_large_is_refused(model, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(quantise_module, "LARGEST_SINGLE_FILE", 1000)
    with pytest.raises(BundleError, match="export it as fp16"):
        next(quantise(model, tmp_path, pictures))


def test_the_last_layer_takes_back_what_rounding_shifts(model, pictures, tmp_path, monkeypatch):
    photos = pictures[:16]
    expected = quantise_module._mean_of(onnx.load(model), "linear", photos)

    def shift() -> float:
        made = next(quantise(model, tmp_path, photos))
        found = quantise_module._mean_of(onnx.load(made.path), "linear", photos)
        return float(np.abs(found - expected).mean())

    corrected = shift()
    monkeypatch.setattr(quantise_module._Calibrated, "with_output_of", lambda *_: None)
    assert corrected < shift() / 2


def test_a_network_without_a_last_bias_is_quantised_too(pictures, tmp_path):
    class Pooled(Small):
        def forward(self, pictures):
            features = self.stem(pictures)
            return self.last(features + self.block(features)).mean((2, 3))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = PixelEncoder(Pooled(), mean=(0.5,) * 3, std=(0.25,) * 3)
    export_onnx(module, SIZE, tmp_path / "encoder.onnx", half=False)
    made = next(quantise(tmp_path / "encoder.onnx", tmp_path, pictures[:16]))
    assert least_cosine(embed_by_torch(module, pictures), made.path, pictures) > 0.9
