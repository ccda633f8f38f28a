"""What pairs of embeddings cost by their cosine: the contrastive loss as a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from findalike.errors import SettingError
from findalike.losses.labelled import LabelledEmbeddings
from findalike.losses.precision import without_autocast

Reduction = Literal["pairs", "anchors"]

# Cosines held at once: 1 MB in float32, which stays in a processor's cache; on other devices 67 MB,
# where each strip costs a launch of every kernel.
_CPU_CHUNK, _OTHER_CHUNK = 2**18, 2**24


@dataclass(frozen=True, slots=True)
class PairRule:
    """Which pairs cost how much. With s the cosine of a pair:

    * same label: ``max(0, positive_margin - s)``;
    * different labels: ``max(0, s - negative_margin)``;
    * the same image, by its id: nothing, whatever the labels.

    Attributes:
        positive_margin: cosine that pairs of a class are pulled up to, -1 to 1.
        negative_margin: cosine that pairs of two classes are pushed down to, -1 to 1.
        reduction: ``"pairs"``, the mean over positive pairs that cost something plus the mean over
            such negative pairs, as pytorch-metric-learning does by default; ``"anchors"``, the sum
            over all pairs divided by the number of anchors, as in the paper of XBM.
    """

    positive_margin: float = 1.0
    negative_margin: float = 0.5
    reduction: Reduction = "pairs"

    def __post_init__(self) -> None:
        for name in ("positive_margin", "negative_margin"):
            value = getattr(self, name)
            if not -1.0 <= value <= 1.0:
                raise SettingError(f"{name}={value} is no cosine: give -1 to 1")
        if self.reduction not in ("pairs", "anchors"):
            raise SettingError(f"no reduction {self.reduction!r}: choose 'pairs' or 'anchors'")


def contrastive_loss(
    anchors: LabelledEmbeddings,
    references: LabelledEmbeddings,
    rule: PairRule,
    *,
    chunk: int | None = None,
) -> Tensor:
    """Loss over all pairs of an anchor and a reference.

    Gradients reach the features of both where they are wanted. They are worked out together with
    the loss: ``chunk`` cosines exist at a time, only a gradient of the features' shape is kept for
    backward, and the references may change before backward runs. First derivatives only. Without
    any pair that costs something: 0, and zero gradients.

    Args:
        anchors: n of them.
        references: m of them.
        rule: what a pair costs.
        chunk: cosines held at once; more of them need fewer steps and more memory. By default what
            suits the device.

    Returns:
        A scalar of the features' dtype; smaller is better.
    """
    on_cpu = anchors.features.device.type == "cpu"
    pairs = _Pairs(anchors, references, rule, chunk or (_CPU_CHUNK if on_cpu else _OTHER_CHUNK))
    with without_autocast(anchors.features):
        loss: Tensor = _Contrastive.apply(anchors.features, references.features, pairs)
    return loss


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    anchors: LabelledEmbeddings
    references: LabelledEmbeddings
    rule: PairRule
    chunk: int

    def measure(self, wanted: tuple[bool, bool]) -> tuple[_Hinges, _Hinges]:
        """Costs and gradients of the positive and of the negative pairs."""
        anchors, references, rule = self.anchors, self.references, self.rule
        pulls, pushes = (_Hinges(anchors.features, references.features, wanted) for _ in range(2))
        step = max(1, self.chunk // max(1, len(anchors)))
        for start in range(0, len(references) if len(anchors) else 0, step):
            strip = slice(start, start + step)
            # A tall matrix times a narrow one: half the time of the transposed product on CPUs.
            cosines = references.features[strip].to(anchors.features.dtype) @ anchors.features.T
            same = references.labels[strip, None] == anchors.labels
            itself = references.image_ids[strip, None] == anchors.image_ids
            near = _selection(same.view(torch.uint8))
            costs = (rule.positive_margin - cosines[near]).clamp_(min=0.0)
            pulls.add(strip, near, costs.masked_fill_(~same[near] | itself[near], 0.0), slope=-1.0)
            costs = cosines.sub_(rule.negative_margin).clamp_(min=0.0)
            costs.masked_fill_(same.logical_or_(itself), 0.0)
            close = _selection(costs)
            pushes.add(strip, close, costs[close], slope=1.0)
        return pulls, pushes


class _Hinges:
    """What pairs of one kind cost, and the gradients of that sum, gathered strip by strip."""

    def __init__(self, anchors: Tensor, references: Tensor, wanted: tuple[bool, bool]) -> None:
        self._anchors, self._references = anchors, references
        self.total = anchors.new_zeros(())
        self.count = torch.zeros((), dtype=torch.int64, device=anchors.device)
        self.to_anchors = torch.zeros_like(anchors) if wanted[0] else None
        self.to_references = torch.zeros_like(references) if wanted[1] else None

    def add(self, strip: slice, rows: Tensor | slice, costs: Tensor, *, slope: float) -> None:
        """Add pairs of all anchors and the references at ``rows`` of a strip, costs (k, n)."""
        self.total += costs.sum()
        self.count += torch.count_nonzero(costs)
        slopes = costs.sign_().mul_(slope)
        if self.to_anchors is not None:
            features = self._references[strip][rows].to(slopes.dtype)
            self.to_anchors.addmm_(slopes.T, features)
        if self.to_references is not None:
            self.to_references[strip][rows] = (slopes @ self._anchors).to(self._references.dtype)

    def loss(self, rule: PairRule) -> Tensor:
        return self.total / self._divisor(rule)

    def gradients(self, rule: PairRule) -> list[Tensor | None]:
        """Of the loss by the features of anchors and references, None for what is not wanted."""
        sums = (self.to_anchors, self.to_references)
        return [None if part is None else part / self._divisor(rule) for part in sums]

    def _divisor(self, rule: PairRule) -> Tensor:
        everyone = torch.full_like(self.count, len(self._anchors))
        return (self.count if rule.reduction == "pairs" else everyone).clamp(min=1)


def _selection(found: Tensor) -> Tensor | slice:
    """The references (rows) of a strip with anything above 0; they are few in training.

    A GPU multiplies all of them sooner than it stops to tell the host how many there are.
    """
    if found.device.type != "cpu":
        return slice(None)
    # The maximum of a row takes a tenth of the time of `any`.
    return found.amax(dim=1).nonzero().squeeze(1)


class _Contrastive(torch.autograd.Function):
    """Works the gradients out in the forward pass, where the cosines are at hand."""

    @staticmethod
    def forward(
        ctx: Any, anchor_features: Tensor, reference_features: Tensor, pairs: _Pairs
    ) -> Tensor:
        pulls, pushes = pairs.measure(ctx.needs_input_grad[:2])
        ctx.gradients = [
            None if pull is None or push is None else pull + push
            for pull, push in zip(
                pulls.gradients(pairs.rule), pushes.gradients(pairs.rule), strict=True
            )
        ]
        return pulls.loss(pairs.rule) + pushes.loss(pairs.rule)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        return *(None if part is None else part * outer for part in ctx.gradients), None
