"""An exported encoder in 8-bit integers, calibrated on real photos. Needs the extra ``train``.

Static quantisation by ONNX Runtime in its QDQ form (arXiv:1712.05877): weights as int8 with a scale
for each output channel, activations as uint8. The range of an activation holds 99.99 % of what
the calibration photos make of it: on EfficientNet-Lite0 the worst of 200 photos keeps a cosine of
0.986 so, of 0.975 with the whole range and of 0.976 with the range of least entropy.

Weights have eight bits. ONNX Runtime's ``reduce_range`` gives them seven, because x86 CPUs without
VNNI add pairs of products in 16 bits, which may overflow; it costs 0.03 of cosine on every CPU.
`findalike.models.encoder.Encoder` has the runtime use exact sums on such CPUs instead.

Rounding shifts the mean of every layer's output, and a whitening head makes much of a small shift.
The bias of the last layer takes back what the calibration photos show of it (arXiv:1906.03193 does
so for every layer): the mean cosine of the shipped encoder goes from 0.993 to 0.994, and with its
worst layer kept in float from there to 0.997.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from findalike.errors import BundleError, SettingError
from findalike.models.encoder import INPUT_NAME, OUTPUT_NAME
from findalike.models.onnx_file import LARGEST_SINGLE_FILE
from findalike.models.quiet import quiet
from findalike.models.runtime import onnx_runtime
from findalike.types import Embeddings, Pixels

PERCENTILE = 99.99
FEWEST_PHOTOS = 8

# Photos whose activations are in memory together: those of a large network at 272 px take 100 MB.
_CHUNK = 4
# Photos that tell which layers suffer most.
_JUDGES = 16
# Photos the network sees at once.
_BATCH = 16
_WITH_WEIGHTS = ("Conv", "Gemm", "MatMul")
# Bounds that an integer's range holds anyway, so that they vanish.
_ACTIVATIONS = ("Clip", "Relu")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Quantised:
    """One way to quantise an encoder.

    Attributes:
        path: the ONNX file.
        layers: how many layers have weights.
        kept: names of those among them that compute in float.
    """

    path: Path
    layers: int
    kept: tuple[str, ...]


def quantise(
    model: Path, folder: Path, photos: Pixels, *, progress: Progress | None = None
) -> Iterator[Quantised]:
    """Quantise an exported encoder, ever more cautiously: take the first that is good enough.

    The first layer always stays in float, as do normalisation and unit length: on three channels
    integers are slower, and less exact (EfficientNet-Lite0 takes 4.8 ms a picture instead of 6.3).
    After the first attempt each layer is kept in float alone, and those without which embeddings
    are nearest to torch's stay so: 1, 2, 4 … up to half of them. (To quantise each alone instead
    tells less: some harm only beside others.)

    Args:
        model: a float32 file of `findalike.models.export.export_onnx`, with its weights inside.
        folder: where the files go; each attempt replaces the one before it.
        photos: (n, size, size, 3) uint8, prepared real photos to calibrate with.
        progress: called with (what, done, in all).

    Raises:
        SettingError: with fewer than 8 photos.
        BundleError: if the file is too large, or has no layers to quantise.
    """
    import onnx  # noqa: PLC0415

    if len(photos) < FEWEST_PHOTOS:
        raise SettingError(
            f"there are {len(photos)} photos to calibrate with: give {FEWEST_PHOTOS} or more, "
            f"best 100 and more"
        )
    # Weights of a large one lie in a file beside it, whose name begins with its own.
    size = sum(file.stat().st_size for file in model.parent.glob(f"{model.name}*"))
    if size > LARGEST_SINGLE_FILE:
        raise BundleError(
            f"the model has {size / 1e9:.1f} GB, int8 goes up to "
            f"{LARGEST_SINGLE_FILE / 1e9:g} GB: export it as fp16"
        )
    show = progress if progress is not None else lambda *_: None
    with quiet():
        graph = onnx.shape_inference.infer_shapes(onnx.load(model))
    layers = _layers(graph)
    if len(layers) < 2:
        raise BundleError(
            f"the model has {len(layers)} layers with weights of their own: there is nothing to "
            f"quantise, export it as fp16"
        )
    calibrated = _Calibrated(graph, _calibrate(graph, folder, photos, show))
    target = folder / "int8.onnx"

    def attempt(kept: Sequence[str]) -> Quantised:
        chosen = [name for name in layers if name not in kept]
        calibrated.write(target, chosen)
        corrected = calibrated.with_output_of(target, layers[-1], photos)
        if corrected is not None:
            corrected.write(target, chosen)
        return Quantised(target, len(layers), tuple(kept))

    yield attempt(layers[:1])
    left: dict[str, float] = {}
    judges = photos[:_JUDGES]
    expected = _embed(model, judges)
    for name in layers[1:]:
        calibrated.write(target, [other for other in layers[1:] if other != name])
        left[name] = _mean_distance(expected, _embed(target, judges))
        show("judging layers", len(left), len(layers) - 1)
    worst = sorted(left, key=lambda name: left[name])
    count = 1
    while count <= len(layers) // 2:
        yield attempt([layers[0], *worst[:count]])
        count *= 2


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """A model with the range of each of its activations."""

    graph: Any
    ranges: Any

    def write(self, path: Path, layers: Sequence[str]) -> None:
        """Write the model with ``layers`` in integers."""
        import onnx  # noqa: PLC0415
        from onnxruntime.quantization import QuantType  # noqa: PLC0415
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer  # noqa: PLC0415

        bounds = [node.name for node in self.graph.graph.node if node.op_type in _ACTIVATIONS]
        with quiet(), redirect_stdout(io.StringIO()):
            quantizer = QDQQuantizer(
                copy.deepcopy(self.graph),
                per_channel=True,
                reduce_range=False,
                weight_qType=QuantType.QInt8,
                activation_qType=QuantType.QUInt8,
                tensors_range=self.ranges,
                nodes_to_quantize=[*layers, *bounds],
                nodes_to_exclude=[],
                op_types_to_quantize=[*_WITH_WEIGHTS, *_ACTIVATIONS],
                extra_options={},
            )
            quantizer.quantize_model()
        onnx.save(quantizer.model.model, path)

    def with_output_of(self, path: Path, layer: str, photos: Pixels) -> _Calibrated | None:
        """This model, the bias of ``layer`` moved so that the one at ``path`` keeps its mean.

        Returns:
            None if the layer has no bias of its own, or its output is not a row a photo.
        """
        import onnx  # noqa: PLC0415

        node = next(node for node in self.graph.graph.node if node.name == layer)
        constants = {tensor.name: tensor for tensor in self.graph.graph.initializer}
        if node.op_type != "Gemm" or len(node.input) < 3 or node.input[2] not in constants:
            return None
        (name,) = node.output
        shift = _mean_of(self.graph, name, photos) - _mean_of(onnx.load(path), name, photos)
        moved = copy.deepcopy(self.graph)
        bias = next(one for one in moved.graph.initializer if one.name == node.input[2])
        values = onnx.numpy_helper.to_array(bias)
        bias.CopyFrom(
            onnx.numpy_helper.from_array((values + shift).astype(values.dtype), bias.name)
        )
        return _Calibrated(moved, self.ranges)


def _mean_of(graph: Any, name: str, photos: Pixels) -> NDArray[np.float64]:
    """The mean row of what a layer gives for the photos, after rounding where it is rounded."""
    import onnx  # noqa: PLC0415

    shown = onnx.ModelProto()
    shown.CopyFrom(graph)
    rounded = f"{name}_DequantizeLinear_Output"
    if any(rounded in node.output for node in shown.graph.node):
        name = rounded
    shown.graph.output.append(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
    )
    rows = _run(shown.SerializeToString(), name, photos)
    mean: NDArray[np.float64] = rows.mean(axis=0, dtype=np.float64)
    return mean


def _layers(graph: Any) -> list[str]:
    """Names of the nodes that multiply with constants, in the order they run."""
    constants = {tensor.name for tensor in graph.graph.initializer}
    return [
        node.name
        for node in graph.graph.node
        if node.op_type in _WITH_WEIGHTS and len(node.input) > 1 and node.input[1] in constants
    ]


def _calibrate(graph: Any, folder: Path, photos: Pixels, show: Progress) -> Any:
    """The range of every activation that the photos make."""
    onnx_runtime()
    import onnx  # noqa: PLC0415
    from onnxruntime.quantization import CalibrationMethod  # noqa: PLC0415
    from onnxruntime.quantization.calibrate import create_calibrator  # noqa: PLC0415

    source = folder / "calibrate.onnx"
    onnx.save(graph, source)
    with quiet(), redirect_stdout(io.StringIO()):
        calibrator = create_calibrator(
            source,
            [*_WITH_WEIGHTS, *_ACTIVATIONS],
            str(folder / "calibrate-all.onnx"),
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"percentile": PERCENTILE, "symmetric": False},
        )
        for start in range(0, len(photos), _CHUNK):
            calibrator.collect_data(_reader(photos[start : start + _CHUNK]))
            show("calibrating", min(start + _CHUNK, len(photos)), len(photos))
        return calibrator.compute_data()


def _reader(photos: Pixels) -> Any:
    from onnxruntime.quantization import CalibrationDataReader  # noqa: PLC0415

    class Once(CalibrationDataReader):  # type: ignore[misc]
        """Hands the photos over together, and then nothing."""

        def __init__(self) -> None:
            self.left = [{INPUT_NAME: photos}]

        def get_next(self) -> dict[str, Pixels] | None:
            return self.left.pop() if self.left else None

    return Once()


def _mean_distance(expected: Embeddings, found: Embeddings) -> float:
    cosines = np.einsum("nd,nd->n", expected, found, dtype=np.float64)
    return 1.0 - float(np.nan_to_num(cosines, nan=-1.0).mean())


def _embed(path: Path, photos: Pixels) -> Embeddings:
    return _run(str(path), OUTPUT_NAME, photos)


def _run(model: str | bytes, output: str, photos: Pixels) -> Embeddings:
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rows: Embeddings = np.concatenate(
        [
            session.run([output], {INPUT_NAME: photos[at : at + _BATCH]})[0]
            for at in range(0, len(photos), _BATCH)
        ]
    )
    return rows
