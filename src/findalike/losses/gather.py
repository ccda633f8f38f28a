"""Rows of all ranks of a distributed run, with gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed


def gather_rows(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The rows of all ranks, those of rank 0 first, for each tensor; the tensors as they are alone.

    Ranks may hold different numbers of rows. All ranks must call it the same number of times, also
    for backward, so it belongs into training steps and not into validation.

    **Scaling.** Let every rank compute the same loss L from the gathered rows. Here the gradient
    that reaches a rank's rows is the *sum* of what all W ranks send back, so W * dL/d(rows); a
    network's gradient on rank r is W * dL/d(rows of r) * d(rows of r)/d(weights). DDP takes the
    *mean* over ranks, which cancels W: what is left is the sum over r of
    dL/d(rows of r) * d(rows of r)/d(weights), the gradient of one process that holds all rows. Of a
    weight that the loss itself owns, every rank has the whole gradient, and their mean is it. Hence
    a loss over the gathered rows needs no factor, whatever the number of ranks. The sum rather than
    W times the own gradient, for then it is also right where each rank's loss covers only its share
    and the shares' mean is the loss. Nothing in it depends on when DDP exchanges gradients, so it
    holds for each micro-batch of an accumulation.

    Args:
        tensors: (n, ...) each, one row an image; the same n for all of them on a rank.

    Returns:
        (N, ...) each, N the number of rows on all ranks.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return tensors
    if distributed.get_world_size() == 1:
        return tensors
    sizes = _all_gather(torch.tensor([len(tensors[0])], device=tensors[0].device))
    rows = [int(size) for size in torch.cat(sizes).tolist()]
    return tuple(_Gather.apply(tensor, rows) for tensor in tensors)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor, rows: list[int]) -> Tensor:
        ctx.rows = rows
        # Ranks exchange blocks of one size, so short ones are filled up.
        block = tensor.new_zeros((max(rows), *tensor.shape[1:]))
        block[: len(tensor)] = tensor
        parts = _all_gather(block)
        return torch.cat([part[:count] for part, count in zip(parts, rows, strict=True)])

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None]:
        gradient = outer.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(gradient)
        rank = distributed.get_rank()
        start = sum(ctx.rows[:rank])
        return gradient[start : start + ctx.rows[rank]], None


def _all_gather(block: Tensor) -> list[Tensor]:
    parts = [torch.empty_like(block) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, block.contiguous())
    return parts
