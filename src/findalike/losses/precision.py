"""The precision losses are computed in, whatever the network runs in."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor

_HALF = (torch.bfloat16, torch.float16)


def widened(embeddings: Tensor) -> Tensor:
    """bfloat16 and float16 as float32; float32 and float64 as they are.

    Under autocast embeddings leave the network in half precision: a cosine of 0.998 is 1.0 in
    bfloat16, so a margin, a hinge or a scale of 30 would act on rounding.
    """
    return embeddings.float() if embeddings.dtype in _HALF else embeddings


def without_autocast(tensor: Tensor) -> AbstractContextManager[object]:
    """Matrix products inside keep the precision of their arguments, on the device of ``tensor``."""
    return torch.autocast(tensor.device.type, enabled=False)
