"""Weights of a network and of its losses as .safetensors: saved, and taken over by a later run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from findalike.errors import BundleError
from findalike.models.network import EmbeddingNetwork

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What `load_weights_into` took from a file.

    Attributes:
        taken: how many tensors.
        left: names of tensors of the network's head and of the losses that keep their own values,
            for the file has none of their name and shape.
    """

    taken: int
    left: tuple[str, ...]


def save_weights(
    path: Path, network: nn.Module, losses: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write weights, whole or not at all.

    Tensors are named ``network.*`` and ``losses.<position>.*``. Of the losses only what is learnt
    is kept, such as class weights; a memory of embeddings is worth nothing to another run.

    Args:
        path: the file; another one of its name is replaced.
        network: the network.
        losses: name → what is learnt in the run's losses, as ``dict(module.named_parameters())``
            of their `torch.nn.ModuleList` has it.
        metadata: names and values, both text.
    """
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"losses.{name}": tensor for name, tensor in losses.items()}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    save_file(plain, unfinished, metadata=dict(metadata))
    unfinished.replace(path)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a file that `save_weights` wrote, by name.

    Raises:
        BundleError: if the file cannot be read, or holds something else.
    """
    try:
        tensors = load_file(path)
    except OSError as error:
        reason = error.strerror or error
        raise BundleError(f"cannot read the weights {path} ({reason})") from error
    except SafetensorError as error:
        raise BundleError(f"{path} is damaged ({error}): take other weights of the run") from error
    if not any(name.startswith("network.") for name in tensors):
        raise BundleError(
            f"{path} holds no weights of a run: give a file of a run's folder 'weights', or use "
            f"model.checkpoint for weights of a backbone alone"
        )
    return tensors


def read_metadata(path: Path) -> dict[str, str]:
    """What was written beside the weights, without reading them.

    Raises:
        BundleError: if the file cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise BundleError(f"cannot read the weights {path} ({error})") from error


def load_weights_into(
    network: EmbeddingNetwork, path: Path, *, losses: nn.Module | None = None
) -> TakenOver:
    """Start ``network`` from another run's weights.

    The backbone must fit as a whole. The head, the exponent of a pooling and what the losses learnt
    are taken where name and shape agree; the others keep what they have.

    Args:
        network: changed in place.
        path: a file that `save_weights` wrote.
        losses: changed in place as well, if given.

    Raises:
        BundleError: if the file cannot be read, or its backbone is another one.
    """
    offered = read_weights(path)
    wanted = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    optional = {
        f"network.{name}"
        for name, parameter in network.named_parameters()
        if any(parameter is own for own in network.head_parameters())
    } | {name for name in wanted if name.startswith("network.head.")}
    wanted |= {
        f"losses.{name}": parameter.detach()
        for name, parameter in (losses.named_parameters() if losses is not None else ())
    }
    fits = {
        name: tensor
        for name, tensor in wanted.items()
        if name in offered and offered[name].shape == tensor.shape
    }
    left = [name for name in wanted if name not in fits]
    missing = [
        name
        for name in left
        if name.startswith("network.") and name not in optional and not name.endswith(_COUNTER)
    ]
    if missing:
        name = missing[0]
        said = f"has shape {tuple(offered[name].shape)}" if name in offered else "is not there"
        raise BundleError(
            f"{path} is of another backbone than {network.spec}: {name} {said}, "
            f"{tuple(wanted[name].shape)} is needed; start from a run with the same model.backbone"
        )
    with torch.no_grad():
        for name, target in fits.items():
            target.copy_(offered[name])
    return TakenOver(taken=len(fits), left=tuple(name for name in left if name not in missing))
