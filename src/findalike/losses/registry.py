"""Every loss on labelled embeddings by its name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from torch import nn

from findalike.errors import SettingError
from findalike.losses.arcface import ArcFaceLoss
from findalike.losses.contrastive import ContrastiveLoss
from findalike.losses.cross_entropy import CrossEntropyLoss
from findalike.losses.metric_learning import METRIC_LOSSES, MetricLearningLoss
from findalike.losses.supervised_contrastive import SupervisedContrastiveLoss
from findalike.losses.xbm import XbmContrastiveLoss

LOSSES: Mapping[str, type[nn.Module]] = MappingProxyType(
    {
        "arcface": ArcFaceLoss,
        "contrastive": ContrastiveLoss,
        "cross-entropy": CrossEntropyLoss,
        "supervised-contrastive": SupervisedContrastiveLoss,
        "xbm-contrastive": XbmContrastiveLoss,
        **dict.fromkeys(METRIC_LOSSES, MetricLearningLoss),
    }
)
"""Classes whose ``forward(embeddings, labels, image_ids)`` is a scalar; smaller is better."""


def find_loss(name: str) -> type[nn.Module]:
    """The class of a loss; `MetricLearningLoss` wants the name once more.

    Raises:
        SettingError: if there is none of this name, with those there are.
    """
    if name not in LOSSES:
        near = get_close_matches(name, LOSSES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise SettingError(f"no loss named {name!r}: {hint}There are {', '.join(sorted(LOSSES))}")
    return LOSSES[name]
