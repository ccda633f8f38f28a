"""The frozen teachers of a distillation: the start of the run, or encoder bundles."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from findalike.config import DistillationSection
from findalike.errors import RecipeError
from findalike.models.encoder import Encoder
from findalike.models.network import EmbeddingNetwork

Teacher = Callable[[Tensor], Tensor]
"""uint8 pictures (n, 3, s, s) → unit embeddings (n, t), without gradients."""

START = "start"


def build_teacher(
    section: DistillationSection, network: EmbeddingNetwork, *, base: Path
) -> Teacher:
    """Build what the network is held to.

    Args:
        network: as it starts; it is copied.
        base: folder that the folders of bundles are relative to.

    Raises:
        BundleError: if there is no such encoder.
        RecipeError: if ``start`` is named together with others.
    """
    names = [section.teacher] if isinstance(section.teacher, str) else list(section.teacher)
    if names == [START]:
        return StartTeacher(network)
    if START in names:
        raise RecipeError(
            f"distillation.teacher is {names}: '{START}' stands alone; name encoder bundles"
        )
    folders = [base / name for name in names]
    encoders = [
        Encoder.load(folder if folder.is_dir() else name)
        for folder, name in zip(folders, names, strict=True)
    ]
    return BundleTeacher(encoders)


class StartTeacher:
    """The pooled features of the backbone as the run found it.

    Before the head, which in a new run is random and has nothing to teach.
    """

    def __init__(self, network: EmbeddingNetwork) -> None:
        self._network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        """See `Teacher`."""
        network = self._network.to(pixels.device)
        pictures = (pixels.to(network.mean.dtype) - network.mean) * network.scale
        features: Tensor = network.backbone(pictures)
        return torch.nn.functional.normalize(features, dim=1)


class BundleTeacher:
    """Encoder bundles, their embeddings side by side; each counts the same in a cosine."""

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        self._encoders = tuple(encoders)

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        """See `Teacher`; the pictures are scaled to the size of each encoder."""
        joined = [self._embed(encoder, pixels) for encoder in self._encoders]
        return torch.cat(joined, dim=1).to(pixels.device) / len(joined) ** 0.5

    @staticmethod
    def _embed(encoder: Encoder, pixels: Tensor) -> Tensor:
        size = encoder.input.size
        if pixels.shape[-1] != size:
            scaled = torch.nn.functional.interpolate(
                pixels.float(), (size, size), mode="bicubic", antialias=True
            )
            pixels = scaled.round().clamp(0, 255).to(torch.uint8)
        return torch.from_numpy(
            encoder.embed(pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy())
        )
