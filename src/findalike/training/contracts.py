"""What is handed to a training from outside, as types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from findalike.models.network import EmbeddingNetwork
from findalike.types import Embeddings, Pixels

Embed = Callable[[Pixels], Embeddings]
"""(n, s, s, 3) uint8 → (n, d) float32, unit rows."""

Validate = Callable[[Embed], Mapping[str, float]]
"""Judges a network: ``NAME/map`` of each validation set and their mean as ``map``."""

Teacher = Callable[[Tensor], Tensor]
"""uint8 pictures (n, 3, s, s) → embeddings (n, t), which need no gradient."""


@runtime_checkable
class NetworkTeacher(Protocol):
    """A `Teacher` that is a copy of the network, as it was when the run began.

    Attributes:
        network: the copy, in evaluation mode and without gradients.
    """

    network: EmbeddingNetwork

    def __call__(self, pixels: Tensor, /) -> Tensor:
        """See `Teacher`."""

    def from_features(self, features: Tensor) -> Tensor:
        """What it makes of features (n, f) of its network."""
