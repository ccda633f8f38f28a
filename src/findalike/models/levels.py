"""Features from inside a backbone, joined to those at its end."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from findalike.config import LevelSection
from findalike.errors import BundleError
from findalike.models.pooling import CentrePooling


class Levels(nn.Module):
    """Averages feature maps as they pass through a backbone.

    It listens at the named modules and has no weights, so a backbone has the same tensors with it
    and without it.

    Args:
        backbone: whose modules are named.
        sections: which of them, and their weights.
        spec: name of the backbone, for messages.

    Raises:
        BundleError: if there is no such module.
    """

    def __init__(self, backbone: nn.Module, sections: Sequence[LevelSection], *, spec: str) -> None:
        super().__init__()
        self.spec = spec
        self.weights = tuple(section.weight for section in sections)
        self.taps = nn.ModuleList(_Tap() for _ in sections)
        self.pools = nn.ModuleList(
            CentrePooling(section.spread) if section.spread is not None else _Mean()
            for section in sections
        )
        modules = dict(backbone.named_modules())
        for section, tap in zip(sections, self.taps, strict=True):
            if section.at not in modules:
                near = get_close_matches(section.at, modules, n=3)
                raise BundleError(
                    f"model.levels names {section.at!r}, and {spec} has no such module: near it "
                    f"are {', '.join(near) or 'none'}"
                )
            modules[section.at].register_forward_hook(tap.keep)

    def joined(self, features: Tensor) -> Tensor:
        """The features at the end, with those kept since the last call; see `join`."""
        return self.join(features, self.taken())

    def taken(self) -> list[Tensor]:
        """What has passed through the named modules since the last call, one for each level."""
        return [cast(_Tap, tap).take() for tap in self.taps]

    def join(self, features: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Features and feature maps as one vector a picture.

        Args:
            features: (n, f), at the end of the backbone.
            maps: (n, c, h, w) each, as `taken` gives them.

        Returns:
            (n, f + channels of all levels); each part is of unit length times its weight, that of
            the end being 1. ``features`` themselves where there are no levels.
        """
        if not maps:
            return features
        parts = [functional.normalize(features, dim=1)]
        for weight, found, pool in zip(self.weights, maps, self.pools, strict=True):
            if found.ndim != 4:
                raise BundleError(
                    f"model.levels needs feature maps, and a module it names in {self.spec} gives "
                    f"an array of shape {tuple(found.shape)}: name stages of a convolutional "
                    f"network"
                )
            parts.append(weight * functional.normalize(pool(found), dim=1))
        return torch.cat(parts, dim=1)


class _Mean(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return features.mean(dim=(2, 3))


class _Tap(nn.Module):
    """Keeps what passed through a module until it is taken.

    The hook is a method of a module that is copied together with the backbone, so a copy of the
    network listens to its own backbone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: Tensor | None = None

    def keep(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        del module, inputs
        self._kept = output

    def take(self) -> Tensor:
        kept, self._kept = self._kept, None
        if kept is None:
            raise RuntimeError("nothing has passed through the backbone")
        return kept

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_kept": None}
