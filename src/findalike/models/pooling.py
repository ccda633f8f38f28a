"""Poolings of a feature map, and how one takes the place of a backbone's own."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from timm.layers import SelectAdaptivePool2d
from torch import Tensor, nn

from findalike.errors import BundleError


class GemPooling(nn.Module):
    """The power mean of each channel over the places of a feature map (arXiv:1711.02512).

    Power 1 is the average, a large one tends to the maximum. One exponent for all channels, learnt
    with the network, as in the authors' code (filipradenovic/cnnimageretrieval-pytorch); as there,
    activations below ``LEAST`` count as ``LEAST``. It computes in float32 at least, for powers
    leave the range of half precision.

    Attributes:
        power: the exponent, shape (1,).
    """

    LEAST = 1e-6

    def __init__(self, power: float = 3.0, *, flatten: bool = True) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor([power]))
        self.flatten = flatten

    def forward(self, features: Tensor) -> Tensor:
        """Feature map (n, c, h, w) → (n, c), or (n, c, 1, 1) without ``flatten``."""
        with torch.autocast(features.device.type, enabled=False):
            wide = features.float().clamp_min(self.LEAST)
            power = self.power.float()
            mean = wide.pow(power).mean(dim=(2, 3), keepdim=not self.flatten)
            pooled: Tensor = mean.pow(1.0 / power)
        return pooled.to(features.dtype)


class CentrePooling(nn.Module):
    """The mean of each channel over the places of a feature map, the middle counting most.

    A product fills the middle of its box, and what lies at the edge is mostly ground. The weights
    are a Gaussian over each side, as CroW's centring prior is (arXiv:1512.04065, section 4).

    Attributes:
        spread: standard deviation as a share of the side.
    """

    def __init__(self, spread: float, *, flatten: bool = True) -> None:
        super().__init__()
        self.spread = spread
        self.flatten = flatten

    def forward(self, features: Tensor) -> Tensor:
        """Feature map (n, c, h, w) → (n, c), or (n, c, 1, 1) without ``flatten``."""
        weights = self._side(features, 2).unsqueeze(1) * self._side(features, 3)
        pooled: Tensor = (features * weights).sum(dim=(2, 3), keepdim=not self.flatten)
        return pooled

    def _side(self, features: Tensor, axis: int) -> Tensor:
        length = int(features.shape[axis])
        places = [(place + 0.5) / length - 0.5 for place in range(length)]
        heights = [math.exp(-((place / self.spread) ** 2) / 2.0) for place in places]
        return torch.tensor(
            [height / sum(heights) for height in heights],
            device=features.device,
            dtype=features.dtype,
        )


def replace_pooling(
    backbone: nn.Module, make: Callable[[bool], nn.Module], *, name: str, spec: str
) -> None:
    """Put another pooling where ``backbone`` averages its feature map.

    What follows the pooling, such as the normalisation in the head of a ConvNeXt, stays.

    Args:
        backbone: a convolutional network of timm, or an image tower of open_clip around one.
        make: makes the pooling; told whether it is to flatten its result.
        name: of the pooling, for the message.
        spec: name of the backbone, for the message.

    Raises:
        BundleError: if the backbone averages no feature map, as a transformer with a class token.
    """
    found = [
        (parent, place, child)
        for parent in backbone.modules()
        for place, child in parent.named_children()
        if isinstance(child, SelectAdaptivePool2d) and child.pool_type in ("avg", "fast", "fastavg")
    ]
    if len(found) != 1:
        raise BundleError(
            f"model.pooling is {name}, but {spec} has no feature map that it averages: use pooling "
            f"'backbone', or a convolutional backbone such as timm/resnet50 or timm/convnext_base"
        )
    parent, place, plain = found[0]
    flat = isinstance(plain.flatten, nn.Flatten) or bool(getattr(plain.pool, "flatten", False))
    setattr(parent, place, make(flat))
