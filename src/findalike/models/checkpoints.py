"""Weights from a local file, and how they are matched to an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from findalike.errors import BundleError

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")

# Training scripts save their weights under one of these keys, beside the optimiser's state.
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model")

_COUNTER = "num_batches_tracked"


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name.

    Only tensors and plain containers are read (``weights_only``): a file that would run code on
    loading is refused.

    Raises:
        BundleError: if the file is missing, of an unknown kind, damaged, or holds no weights.
    """
    if path.suffix not in SUFFIXES:
        raise BundleError(
            f"{path} is no checkpoint that can be read: its name must end in {', '.join(SUFFIXES)}"
        )
    try:
        found: Any
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BundleError(
            f"cannot read the checkpoint {path} ({error.strerror or error})"
        ) from error
    except (SafetensorError, UnpicklingError, RuntimeError, ValueError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(
            f"{path} cannot be read as weights ({reason}): give a file of plain tensors, best "
            f"as .safetensors"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
            break
    tensors = (
        {str(name).removeprefix("module."): t for name, t in found.items() if torch.is_tensor(t)}
        if isinstance(found, Mapping)
        else {}
    )
    if not tensors:
        raise BundleError(f"{path} holds no weights: give the state dict of the backbone")
    return tensors


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], *, head: str, path: Path) -> str:
    """Put ``tensors`` into ``model``, all of them or none.

    They are matched by name. Where the names differ, they are matched by order if both lists have
    the same shapes in the same order, and the same kind of tensor (weight, bias, running mean...)
    at each place: this is how weights of another library's copy of an architecture are taken. Not
    from .safetensors, which sorts its tensors and so has lost their order.

    Args:
        model: the architecture, with its classifier.
        tensors: the weights.
        head: prefix of the classifier's tensors, which may be missing or of another size, for it
            is cut off. Empty if there is none.
        path: where the weights come from, for the message.

    Returns:
        How they were matched: ``"by name"`` or ``"by order and shape"``.

    Raises:
        BundleError: if they do not fit, with the first tensors that differ.
    """
    offered = {name: t for name, t in tensors.items() if not name.endswith(_COUNTER)}
    wanted = {name: t for name, t in model.state_dict().items() if not name.endswith(_COUNTER)}
    body = {name: t for name, t in wanted.items() if not _in_head(name, head)}
    offered_body = {name: t for name, t in offered.items() if not _in_head(name, head)}
    if _shapes(body) == _shapes(offered_body):
        model.load_state_dict(offered_body, strict=False)
        return "by name"
    for names in (wanted, body) if path.suffix != ".safetensors" else ():
        if _signature(names) == _signature(offered):
            renamed = dict(zip(names, offered.values(), strict=True))
            model.load_state_dict(renamed, strict=False)
            return "by order and shape"
    raise BundleError(
        f"{path} does not fit the backbone: {_first_differences(body, offered_body)}; "
        f"give the checkpoint of this architecture, or name the architecture of this checkpoint"
    )


def _in_head(name: str, head: str) -> bool:
    return bool(head) and (name == head or name.startswith(f"{head}."))


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _signature(tensors: Mapping[str, Tensor]) -> list[tuple[str, tuple[int, ...]]]:
    return [(name.rpartition(".")[2], tuple(tensor.shape)) for name, tensor in tensors.items()]


def _first_differences(wanted: Mapping[str, Tensor], offered: Mapping[str, Tensor]) -> str:
    expected, given = _shapes(wanted), _shapes(offered)
    parts = [
        f"{name} is {given[name]}, not {shape}"
        for name, shape in expected.items()
        if name in given and given[name] != shape
    ][:3]
    missing = [name for name in expected if name not in given]
    surplus = [name for name in given if name not in expected]
    if missing:
        parts.append(f"it lacks {', '.join(missing[:3])} ({len(missing)} in all)")
    if surplus:
        parts.append(f"it has {', '.join(surplus[:3])} too many ({len(surplus)} in all)")
    return "; ".join(parts)
