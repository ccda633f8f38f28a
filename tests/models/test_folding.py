"""A convolution and frozen batch normalisation as one give what the two give."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from timm.layers import BatchNormAct2d, Conv2dSame, StdConv2d  # noqa: E402
from torch import nn  # noqa: E402

from findalike.models.folding import FoldedConvolution, can_fold  # noqa: E402


def resting(norm: Any, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
        tensor.copy_(torch.randn(tensor.shape, generator=generator))
    norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=generator) + 0.1)
    return norm.eval().requires_grad_(False)


def features(dtype: Any = torch.float64) -> Any:
    return torch.randn((3, 4, 9, 9), generator=torch.Generator().manual_seed(1)).to(dtype)


@pytest.mark.parametrize(
    ("conv", "norm"),
    [
        (nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6)),
        (nn.Conv2d(4, 8, 3, groups=4, dilation=2, bias=True), nn.BatchNorm2d(8, eps=0.01)),
        (Conv2dSame(4, 6, 3, stride=2, bias=False), BatchNormAct2d(6, act_layer=nn.SiLU)),
        (nn.Conv2d(4, 6, 1), BatchNormAct2d(6, apply_act=False)),
    ],
    ids=["plain", "grouped with a bias", "same padding and an activation", "no activation"],
)
def test_output_and_gradients_are_those_of_the_two(conv: Any, norm: Any) -> None:
    conv, norm = conv.double(), resting(norm.double())
    assert can_fold(conv, norm)
    folded = FoldedConvolution(conv, norm)
    for _ in range(2):
        found = []
        for compute in (folded, nn.Sequential(conv, norm)):
            conv.zero_grad()
            given = features().requires_grad_()
            result = compute(given)
            result.square().sum().backward()
            found.append([result, given.grad, *(p.grad.clone() for p in conv.parameters())])
        for mine, expected in zip(*found, strict=True):
            torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-9)
        # It follows the weights as they are learnt.
        with torch.no_grad():
            conv.weight.mul_(1.5)


def test_a_frozen_kernel_is_folded_once_and_leaves_no_graph() -> None:
    conv = nn.Conv2d(4, 6, 3).requires_grad_(False)
    norm = resting(nn.BatchNorm2d(6))
    folded = FoldedConvolution(conv, norm)
    assert folded.kernel is not None
    found = folded(features(torch.float32))
    assert not found.requires_grad
    torch.testing.assert_close(found, norm(conv(features(torch.float32))), rtol=1e-4, atol=1e-5)
    assert FoldedConvolution(nn.Conv2d(4, 6, 3), norm).kernel is None


def test_in_sixteen_bits_the_scale_is_computed_in_more() -> None:
    conv, norm = nn.Conv2d(4, 6, 3), resting(nn.BatchNorm2d(6))
    conv, norm = conv.bfloat16(), norm.bfloat16()
    folded = FoldedConvolution(conv, norm)
    assert folded.scale.dtype == torch.float32
    found = folded(features(torch.bfloat16))
    assert found.dtype == torch.bfloat16
    wide = nn.Sequential(conv.float(), norm.float())(features(torch.bfloat16).float())
    assert torch.allclose(found.float(), wide, rtol=0.05, atol=0.1)


def test_what_would_change_is_not_folded() -> None:
    conv, norm = nn.Conv2d(4, 6, 3), resting(nn.BatchNorm2d(6))
    assert can_fold(conv, norm)
    assert not can_fold(conv, nn.BatchNorm2d(6))
    assert not can_fold(conv, nn.BatchNorm2d(6).eval())
    assert not can_fold(conv, resting(nn.BatchNorm2d(6)).train())
    assert not can_fold(conv, nn.BatchNorm2d(6, affine=False).eval())
    assert not can_fold(
        conv, nn.BatchNorm2d(6, track_running_stats=False).eval().requires_grad_(False)
    )
    assert not can_fold(conv, resting(BatchNormAct2d(6, drop_layer=nn.Dropout)))
    assert not can_fold(StdConv2d(4, 6, 3), norm)
    assert not can_fold(nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), norm)
    assert not can_fold(nn.Linear(4, 6), norm)
    conv.register_forward_hook(lambda *_: None)
    assert not can_fold(conv, norm)
