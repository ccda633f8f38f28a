"""The frozen teachers of a distillation: the start of the run, or encoder bundles."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from findalike.config import DistillationSection
from findalike.errors import RecipeError
from findalike.models.bundle import Bundle
from findalike.models.encoder import Encoder
from findalike.models.network import EmbeddingNetwork
from findalike.models.registry import find_bundle

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
    return BundleTeacher(
        [
            find_bundle(folder if folder.is_dir() else name)
            for folder, name in zip(folders, names, strict=True)
        ]
    )


class StartTeacher:
    """What the head was given when the run began.

    Not the embeddings: in a new run the head is random and has nothing to teach.
    """

    def __init__(self, network: EmbeddingNetwork) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        """See `Teacher`."""
        network = self.network.to(pixels.device)
        return self.from_features(network.features(network.normalised(pixels)))

    def from_features(self, features: Tensor) -> Tensor:
        """See `findalike.training.contracts.NetworkTeacher`."""
        return torch.nn.functional.normalize(features, dim=1)


class BundleTeacher:
    """Encoder bundles, their embeddings side by side; each counts the same in a cosine.

    The runtimes start at the first batch, so that a teacher can be sent to the process of another
    device before.
    """

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        self._bundles = tuple(bundles)
        self._encoders: tuple[Encoder, ...] = ()

    def __getstate__(self) -> dict[str, object]:
        return {"_bundles": self._bundles, "_encoders": ()}

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        """See `Teacher`; the pictures are scaled to the size of each encoder."""
        if not self._encoders:
            self._encoders = tuple(Encoder(bundle) for bundle in self._bundles)
        joined = [self._embed(encoder, pixels) for encoder in self._encoders]
        unit: Tensor = torch.cat(joined, dim=1).to(pixels.device) / len(joined) ** 0.5
        return unit

    @staticmethod
    def _embed(encoder: Encoder, pixels: Tensor) -> Tensor:
        size = encoder.input.size
        if pixels.shape[-1] != size:
            scaled = torch.nn.functional.interpolate(
                pixels.float(), (size, size), mode="bicubic", antialias=True
            )
            pixels = scaled.round().clamp(0, 255).byte()
        return torch.from_numpy(
            encoder.embed(pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy())
        )
