"""A backbone as an ONNX file: pixels in, embeddings of unit length out. Needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import onnx_ir
import torch
from torch import Tensor, nn

from findalike.errors import BundleError
from findalike.models.onnx_file import LARGEST_SINGLE_FILE
from findalike.models.quiet import quiet
from findalike.models.runtime import onnx_runtime
from findalike.types import Embeddings, Pixels

OPSET = 18
INPUT_NAME = "pixels"
OUTPUT_NAME = "embedding"

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]

LEAST_COSINES: dict[Precision, float] = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.98}
"""An export must agree with torch at least this well on every sample picture."""

LEAST_COSINE = LEAST_COSINES["fp32"]
"""The same for encoders that nobody trained here."""

# Pictures that a comparison gives to the runtime, or to torch, together.
_TOGETHER = 16


class PixelEncoder(nn.Module):
    """uint8 RGB (n, size, size, 3) → unit rows (n, d), normalisation and length included."""

    def __init__(
        self, backbone: nn.Module, *, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        super().__init__()
        self.backbone = _with_plain_pooling(backbone)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", 255.0 * torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("scale", 1.0 / (255.0 * torch.tensor(std).view(1, 3, 1, 1)))

    def forward(self, pixels: Tensor) -> Tensor:
        """See the class."""
        picture = (pixels.permute(0, 3, 1, 2).to(torch.float32) - self.mean) * self.scale
        features: Tensor = self.backbone(picture)
        length = torch.linalg.vector_norm(features, dim=1, keepdim=True)
        embedding: Tensor = features / length.clamp_min(1e-12)
        return embedding


def export_onnx(module: PixelEncoder, size: int, path: Path, *, half: bool) -> None:
    """Write ``module`` as an ONNX file with any batch size.

    Args:
        module: what to export.
        size: side of its input.
        path: the file; weights of more than 1.8 GB go to ``<path>.data`` beside it.
        half: store the weights as float16. The runtime widens them once, when it loads the
            file, and computes in float32 as ever: half the file at the same speed. Its float16
            arithmetic is slower on a CPU, for most of its kernels widen and narrow at each step:
            16.2 ms instead of 12.7 for a picture of EfficientNet-Lite0.

    Raises:
        BundleError: if torch cannot export the module.
    """
    example = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    batch = torch.export.Dim("n")
    try:
        with quiet():
            program = torch.onnx.export(
                module.eval(),
                (example,),
                dynamo=True,
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
                dynamic_shapes=({0: batch},),
                opset_version=OPSET,
                verbose=False,
            )
    except Exception as error:  # the exporter's errors share no base, and any of them means no
        reason = str(error).strip().splitlines()[0]
        raise BundleError(
            f"this backbone cannot be exported ({type(error).__name__}: {reason})"
        ) from error
    if program is None:
        raise BundleError("this backbone cannot be exported: torch gave no program")
    model = program.model
    _strip_traces(model)
    if half:
        _store_as_half(model)
    weights = sum(tensor.nbytes for _, tensor in _weights(model))
    beside = f"{path.name}.data" if weights > LARGEST_SINGLE_FILE else None
    onnx_ir.save(model, path, external_data=beside)


class _GlobalMean(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return torch.mean(features, dim=(2, 3), keepdim=True)


def _with_plain_pooling(backbone: nn.Module) -> nn.Module:
    """Average pooling to one cell as the mean it is.

    torch 2.15 exports `nn.AdaptiveAvgPool2d` as a gather over computed strides, ten nodes that no
    runtime can optimise.
    """
    for module in list(backbone.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and child.output_size in (1, (1, 1)):
                setattr(module, name, _GlobalMean())
    return backbone


def export_checked(
    module: PixelEncoder, size: int, path: Path, samples: Pixels
) -> tuple[bool, int]:
    """Export with the weights as float16 if that agrees with torch, else as float32.

    Returns:
        Whether the weights are stored as float16, and the length of an embedding.

    Raises:
        BundleError: if the module gives no vector a picture, cannot be exported, or the export
            differs from torch on a sample.
    """
    expected = embed_by_torch(module, samples)
    if expected.ndim != 2:
        raise BundleError(
            f"this backbone gives an array of shape {expected.shape} for {len(samples)} pictures, "
            f"not one vector each: choose one with pooled features"
        )
    cosine = -1.0
    for half in (True, False):
        export_onnx(module, size, path, half=half)
        cosine = least_cosine(expected, path, samples)
        if cosine >= LEAST_COSINE:
            return half, expected.shape[1]
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
    raise BundleError(
        f"the exported backbone differs from torch: its cosine is {cosine:.6f} on the worst of "
        f"{len(samples)} pictures, at least {LEAST_COSINE} is allowed; it cannot be used"
    )


def embed_by_torch(module: PixelEncoder, pictures: Pixels) -> Embeddings:
    """What torch makes of pictures: what an export is compared with.

    Args:
        pictures: (n, size, size, 3) uint8, n ≥ 1.
    """
    module.eval()
    with torch.inference_mode():
        parts = [
            module(torch.from_numpy(pictures[at : at + _TOGETHER])).numpy()
            for at in range(0, len(pictures), _TOGETHER)
        ]
    embeddings: Embeddings = np.concatenate(parts)
    return embeddings


def least_cosine(expected: Embeddings, path: Path, samples: Pixels) -> float:
    """The smallest cosine between torch's and ONNX Runtime's embedding of the same picture.

    The runtime sees the pictures in batches and the first one alone, so that an export that
    works for one batch size only is found out.
    """
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        together = np.concatenate(
            [
                session.run([OUTPUT_NAME], {INPUT_NAME: samples[at : at + _TOGETHER]})[0]
                for at in range(0, len(samples), _TOGETHER)
            ]
        )
        alone = session.run([OUTPUT_NAME], {INPUT_NAME: samples[:1]})[0]
    except Exception as error:  # the runtime's own classes share no public base
        raise BundleError(f"ONNX Runtime cannot run the exported backbone ({error})") from error
    return min(_least_cosine(expected, together), _least_cosine(expected[:1], alone))


def _least_cosine(expected: Embeddings, found: Embeddings) -> float:
    if expected.shape != found.shape:
        return -1.0
    cosines = np.einsum("nd,nd->n", expected, found, dtype=np.float64)
    return float(np.nan_to_num(cosines, nan=-1.0).min())


def _weights(model: onnx_ir.Model) -> list[tuple[onnx_ir.Value, onnx_ir.TensorProtocol]]:
    values = model.graph.initializers.values()
    return [(value, value.const_value) for value in values if value.const_value is not None]


def _strip_traces(model: onnx_ir.Model) -> None:
    # The exporter notes the Python source line of every node, with the paths of this machine.
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    values = [*model.graph.inputs, *model.graph.outputs, *model.graph.initializers.values()]
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        values += node.outputs
    for value in values:
        value.metadata_props.clear()
        value.doc_string = None


def _store_as_half(model: onnx_ir.Model) -> None:
    """Keep matrices and kernels as float16 followed by a cast; vectors are small and stay."""
    for value, tensor in _weights(model):
        array = tensor.numpy()
        if array.dtype != np.float32 or array.ndim < 2:
            continue
        if np.abs(array).max() > np.finfo(np.float16).max:
            continue
        name = str(value.name)
        stored = onnx_ir.Value(
            name=f"{name}.half",
            type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT16),
            shape=onnx_ir.Shape(array.shape),
            const_value=onnx_ir.tensor(array.astype(np.float16), name=f"{name}.half"),
        )
        cast = onnx_ir.node("Cast", [stored], attributes={"to": onnx_ir.DataType.FLOAT})
        value.replace_all_uses_with(cast.outputs[0])
        del model.graph.initializers[name]
        model.graph.register_initializer(stored)
        model.graph.insert_before(model.graph[0], cast)
        cast.outputs[0].name = name
