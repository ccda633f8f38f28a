"""A convolution and the frozen batch normalisation after it, computed as one. Needs torch."""

from __future__ import annotations

from typing import Any, cast

import torch
from timm.layers import BatchNormAct2d, Conv2dSame, conv2d_same
from torch import Tensor, nn
from torch.nn import functional


class FoldedConvolution(nn.Module):
    """What ``norm(conv(x))`` gives as long as the normalisation rests, by a single convolution.

    With the scale s = γ / √(σ² + ε), its kernel is s times the convolution's, and its bias
    β + s · (b - μ). The kernel is multiplied anew at each call, so the convolution's own weights
    are what learns, and their gradients are those of the two steps; only where they are frozen as
    well is it done once. Nothing as large as a feature map is computed or kept for the
    normalisation. (torch's own ``fuse_conv_bn_eval`` makes new weights, from which nothing leads
    back to the old ones.)

    Args:
        conv: its parameters are shared with this module, not copied.
        norm: the same; an activation that it carries is applied. Neither its weights nor its
            statistics may change from now on.
    """

    scale: Tensor
    shift: Tensor
    kernel: Tensor | None

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.conv = conv
        self.activation = norm.act if isinstance(norm, BatchNormAct2d) else nn.Identity()
        with torch.no_grad():
            mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
            # At least in float32, even where the network is in 16 bits.
            wide = torch.promote_types(variance.dtype, torch.float32)
            scale = norm.weight.to(wide) * torch.rsqrt(variance.to(wide) + norm.eps)
            self.register_buffer("shift", norm.bias.to(wide) - scale * mean.to(wide))
            self.register_buffer("scale", scale)
        frozen = not any(parameter.requires_grad for parameter in conv.parameters())
        self.register_buffer("kernel", self._kernel().detach() if frozen else None)

    def forward(self, features: Tensor) -> Tensor:
        """Feature map (n, c, h, w) → (n, d, h', w')."""
        conv = self.conv
        kernel = self._kernel() if self.kernel is None else self.kernel
        bias = self.shift
        if conv.bias is not None:
            bias = torch.addcmul(bias, conv.bias, self.scale)
        bias = bias.to(kernel.dtype)
        how: tuple[Any, ...] = (conv.stride, conv.padding, conv.dilation, conv.groups)
        convolve = conv2d_same if isinstance(conv, Conv2dSame) else functional.conv2d
        folded: Tensor = self.activation(convolve(features, kernel, bias, *how))
        return folded

    def _kernel(self) -> Tensor:
        weight = self.conv.weight
        return (weight * self.scale.view(-1, 1, 1, 1)).to(weight.dtype)


def can_fold(conv: nn.Module, norm: nn.Module) -> bool:
    """Whether `FoldedConvolution` gives what the two give, now and as long as ``norm`` rests.

    Other kinds of convolution, such as those that standardise their weights, are left alone, and so
    is what somebody listens to.
    """
    if type(conv) not in (nn.Conv2d, Conv2dSame) or type(norm) not in (
        nn.BatchNorm2d,
        BatchNormAct2d,
    ):
        return False
    conv, norm = cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm)
    if isinstance(norm, BatchNormAct2d) and not isinstance(norm.drop, nn.Identity):
        return False
    resting = not norm.training and not any(p.requires_grad for p in norm.parameters())
    known = norm.affine and norm.running_mean is not None and norm.running_var is not None
    heard = any(m._forward_hooks or m._forward_pre_hooks for m in (conv, norm))
    return resting and known and not heard and conv.padding_mode == "zeros"
