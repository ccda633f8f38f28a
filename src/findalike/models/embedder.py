"""What everything that embeds prepared pictures has: an encoder, a network in training."""

from __future__ import annotations

from typing import Protocol

from findalike.types import Embeddings, InputSpec, Pixels


class Embedder(Protocol):
    """Prepared pictures in, embeddings of unit length out."""

    @property
    def name(self) -> str:
        """What results call it."""

    @property
    def dimension(self) -> int:
        """Length of an embedding."""

    @property
    def input(self) -> InputSpec:
        """How a photo becomes its input."""

    def embed(self, pixels: Pixels) -> Embeddings:
        """Embed a batch (n, size, size, 3) uint8; returns (n, d) float32, unit rows."""
