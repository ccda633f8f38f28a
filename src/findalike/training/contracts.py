"""What is handed to a training from outside, as types."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from findalike.types import Embeddings, Pixels

Embed = Callable[[Pixels], Embeddings]
"""(n, s, s, 3) uint8 → (n, d) float32, unit rows."""

Validate = Callable[[Embed], Mapping[str, float]]
"""Judges a network: ``NAME/map`` of each validation set and their mean as ``map``."""

Teacher = Callable[[Tensor], Tensor]
"""uint8 pictures (n, 3, s, s) → embeddings (n, t), which need no gradient."""
