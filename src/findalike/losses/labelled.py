"""Embeddings with what losses over pairs need to know of each."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from findalike.losses.precision import widened


@dataclass(frozen=True, slots=True, eq=False)
class LabelledEmbeddings:
    """Embeddings of images, one a row.

    Attributes:
        features: (n, d) float32 or float64, unit rows.
        labels: (n,) int64, the class of each.
        image_ids: (n,) int64, which image it is: the same image always has the same id, in every
            epoch and on every rank.
    """

    features: Tensor
    labels: Tensor
    image_ids: Tensor

    @classmethod
    def normalised(
        cls, embeddings: Tensor, labels: Tensor, image_ids: Tensor
    ) -> LabelledEmbeddings:
        """From embeddings (n, d) of any length and float dtype. A zero row stays zero."""
        return cls(functional.normalize(widened(embeddings)), labels, image_ids)

    def __len__(self) -> int:
        return len(self.labels)
