"""The losses of a run, as its recipe names them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from findalike.config import (
    ArcFace,
    Contrastive,
    CrossEntropy,
    MetricLearning,
    Run,
    SupervisedContrastive,
)
from findalike.data.training.mixture import Mixture
from findalike.losses import (
    ArcFaceLoss,
    ContrastiveLoss,
    CrossEntropyLoss,
    MetricLearningLoss,
    SupervisedContrastiveLoss,
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
    return [_build(section, run, mixture, dimension) for section in run.losses]


def _build(
    section: CrossEntropy | ArcFace | Contrastive | SupervisedContrastive | MetricLearning,
    run: Run,
    mixture: Mixture,
    dimension: int,
) -> nn.Module:
    classes, memory = mixture.classes, run.memory
    match section:
        case CrossEntropy():
            return CrossEntropyLoss(classes, dimension, smoothing=section.smoothing)
        case ArcFace():
            margin: float | Tensor = (
                margins_by_frequency(mixture.counts.tolist(), *section.margin)
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
                # It sees batches, of which accumulation makes one step.
                warm_up_batches=memory.warm_up_steps * run.train.accumulate,
            )
        case Contrastive():
            return ContrastiveLoss(
                positive_margin=section.positive_margin,
                negative_margin=section.negative_margin,
                reduction=section.reduction,
            )
        case SupervisedContrastive():
            return SupervisedContrastiveLoss(
                temperature=section.temperature,
                across=section.across,
                users=torch.from_numpy(mixture.users),
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
