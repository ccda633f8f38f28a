"""Tensors that the devices of a training share out among them: cut, and put together again."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor


def is_cut(module: nn.Module) -> bool:
    """Whether weights of a module are shared out."""
    return any(isinstance(parameter, DTensor) for parameter in module.parameters())


def own_part(tensor: Tensor) -> Tensor:
    """What this device holds of a tensor, as a view; the tensor itself if it is not shared out."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor. Every device must ask for it, in the same order."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def cut_like(tensor: Tensor, pattern: Tensor) -> Tensor:
    """A whole tensor, which every device has, shared out as ``pattern`` is, on its device."""
    if not isinstance(pattern, DTensor):
        return tensor.to(pattern.device)
    placed = tensor.to(own_part(pattern).device)
    return distribute_tensor(placed, pattern.device_mesh, pattern.placements, src_data_rank=None)


def whole_state(state: Mapping[str, Tensor], *, kept: bool) -> dict[str, Tensor]:
    """The tensors of a state in one piece, on the CPU.

    One after the other, so that no device ever holds more than one of them. Every device must ask
    for it.

    Args:
        state: the same names in the same order on every device.
        kept: whether this device wants them; it is given nothing otherwise.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        complete = whole(tensor.detach())
        if kept:
            found[name] = complete.cpu()
    return found
