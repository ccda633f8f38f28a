"""The losses of a run, as its recipe names them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from findalike.config import ArcFace, Contrastive, CrossEntropy, MemorySection, MetricLearning, Run
from findalike.data.training.mixture import Mixture
from findalike.losses import (
    ArcFaceLoss,
    ContrastiveLoss,
    CrossEntropyLoss,
    MetricLearningLoss,
    XbmContrastiveLoss,
    margins_by_frequency,
)


def build_losses(run: Run, mixture: Mixture, dimension: int) -> list[nn.Module]:
    """Build every loss of a run, in the recipe's order.

    Args:
        mixture: tells the classes, and how frequent they are.
        dimension: of the embeddings.

    Raises:
        SettingError: if an argument is outside its range.
    """
    counts = mixture.counts.tolist()
    return [_build(section, run.memory, counts, dimension) for section in run.losses]


def _build(
    section: CrossEntropy | ArcFace | Contrastive | MetricLearning,
    memory: MemorySection,
    counts: Sequence[int],
    dimension: int,
) -> nn.Module:
    classes = len(counts)
    match section:
        case CrossEntropy():
            return CrossEntropyLoss(classes, dimension, smoothing=section.smoothing)
        case ArcFace():
            margin: float | Tensor = (
                margins_by_frequency(counts, *section.margin)
                if isinstance(section.margin, tuple)
                else section.margin
            )
            return ArcFaceLoss(
                classes,
                dimension,
                scale=section.scale,
                margin=margin,
                subcentres=section.subcentres,
            )
        case Contrastive() if memory.size:
            return XbmContrastiveLoss(
                dimension,
                size=memory.size,
                positive_margin=section.positive_margin,
                negative_margin=section.negative_margin,
                reduction=section.reduction,
                memory_weight=memory.weight,
                warm_up_steps=memory.warm_up_steps,
            )
        case Contrastive():
            return ContrastiveLoss(
                positive_margin=section.positive_margin,
                negative_margin=section.negative_margin,
                reduction=section.reduction,
            )
        case MetricLearning():
            return MetricLearningLoss(
                section.name,
                classes,
                dimension,
                options=section.options,
                miner=section.miner,
                miner_options=section.miner_options,
            )
