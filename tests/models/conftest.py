"""A tiny encoder made for the tests: the mean colour of each quarter of a 16 px picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SIZE = 16


@pytest.fixture
def write_model() -> Callable[..., Path]:
    def write(path: Path, *, fault: str | None = None, external: str | None = None) -> Path:
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        weights = np.eye(12, 13 if fault == "other_dimension" else 12, dtype=np.float32)
        if fault == "zero":
            weights[:] = 0.0
        if fault == "nan":
            weights[:] = np.nan
        kind = TensorProto.FLOAT if fault == "float_input" else TensorProto.UINT8
        nodes = [
            helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["floats"], ["channels"], perm=[0, 3, 1, 2]),
            helper.make_node(
                "AveragePool", ["channels"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]
            ),
            helper.make_node("Flatten", ["cells"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["features"]),
            helper.make_node("ReduceL2", ["features", "axis"], ["length"], keepdims=1),
            helper.make_node("Max", ["length", "least"], ["safe"]),
            helper.make_node("Div", ["features", "safe"], ["embedding"]),
        ]
        outputs = [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", weights.shape[1]])
        ]
        if fault == "two_outputs":
            outputs.append(helper.make_tensor_value_info("length", TensorProto.FLOAT, ["n", 1]))
        constants = [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
            numpy_helper.from_array(np.array([1e-12], np.float32), "least"),
        ]
        pixels = helper.make_tensor_value_info("pixels", kind, ["n", SIZE, SIZE, 3])
        graph = helper.make_graph(nodes, "tiny", [pixels], outputs, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        path.parent.mkdir(parents=True, exist_ok=True)
        if external:
            onnx.save(model, path, save_as_external_data=True, location=external, size_threshold=64)
        else:
            onnx.save(model, path)
        return path

    return write


@pytest.fixture
def manifest_values() -> dict[str, Any]:
    return {
        "name": "tiny",
        "version": "1",
        "input": {"size": SIZE, "resize": "stretch", "context": 0.1, "fill": 255},
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "embedding_size": 12,
        "files": {"encoder.onnx": "0" * 64},
        "licence": "Apache-2.0",
        "source": {"backbone": "mean colours", "weights": "none"},
        "trained_on": "nothing",
    }


@pytest.fixture
def make_bundle(
    tmp_path: Path, write_model: Callable[..., Path], manifest_values: dict[str, Any]
) -> Callable[..., Path]:
    def make(
        folder: Path, *, fault: str | None = None, external: str | None = None, **changes: Any
    ) -> Path:
        from findalike.models import Manifest, write_bundle

        model = write_model(
            tmp_path / "drafts" / folder.name / "model.onnx", fault=fault, external=external
        )
        manifest = Manifest.model_validate(manifest_values | changes)
        write_bundle(folder, manifest, model=model, card="# tiny\n")
        return folder

    return make


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("FINDALIKE_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def photos(shared_data: Path) -> Callable[[int], np.ndarray]:
    """Twelve real photos as squares of any side."""
    paths = sorted((shared_data / "grocery" / "user").rglob("*.jpg"))[::340]
    paths += sorted((shared_data / "apparel" / "seller").glob("*.jpg"))[::60]

    def squares(size: int) -> np.ndarray:
        return np.stack(
            [
                np.asarray(Image.open(path).convert("RGB").resize((size, size)))
                for path in paths[:12]
            ]
        )

    return squares


@pytest.fixture
def random_pictures() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (37, SIZE, SIZE, 3), dtype=np.uint8)
