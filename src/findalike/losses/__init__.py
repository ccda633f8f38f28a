"""Losses that embeddings are trained by. Needs torch.

Each is a module with ``forward(embeddings, labels, image_ids)`` for embeddings (n, d) of any length
and float dtype, labels (n,) and image ids (n,) int64, and gives a float32 scalar, smaller is
better. None owns a model; class weights, proxies and memories are in the loss's state dict. The two
distillations take the teacher's embeddings in place of labels.
"""

from findalike.losses.arcface import ArcFaceLoss
from findalike.losses.contrastive import ContrastiveLoss
from findalike.losses.cross_entropy import CrossEntropyLoss
from findalike.losses.distillation import EmbeddingDistillation, RelationalDistillation
from findalike.losses.gather import gather_rows
from findalike.losses.labelled import LabelledEmbeddings
from findalike.losses.margins import margins_by_frequency
from findalike.losses.metric_learning import METRIC_LOSSES, METRIC_MINERS, MetricLearningLoss
from findalike.losses.pairs import PairRule, contrastive_loss
from findalike.losses.registry import LOSSES, find_loss
from findalike.losses.supervised_contrastive import SupervisedContrastiveLoss
from findalike.losses.xbm import CrossBatchMemory, XbmContrastiveLoss

__all__ = [
    "LOSSES",
    "METRIC_LOSSES",
    "METRIC_MINERS",
    "ArcFaceLoss",
    "ContrastiveLoss",
    "CrossBatchMemory",
    "CrossEntropyLoss",
    "EmbeddingDistillation",
    "LabelledEmbeddings",
    "MetricLearningLoss",
    "PairRule",
    "RelationalDistillation",
    "SupervisedContrastiveLoss",
    "XbmContrastiveLoss",
    "contrastive_loss",
    "find_loss",
    "gather_rows",
    "margins_by_frequency",
]
