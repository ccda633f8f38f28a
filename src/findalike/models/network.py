"""The network that is trained: pictures in, embeddings out. Needs torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor, nn

from findalike.config import InputSection, ModelSection
from findalike.errors import RecipeError
from findalike.models import backbones
from findalike.models.levels import Levels
from findalike.models.pooling import CentrePooling, GemPooling, replace_pooling
from findalike.models.stages import stage_names
from findalike.models.whitening import WhiteningHead

_NORMS = (nn.modules.batchnorm._BatchNorm,)


class EmbeddingNetwork(nn.Module):
    """A backbone, its pooling, dropout, and a head that gives embeddings their length.

    Attributes:
        backbone: normalised float pictures → pooled features (n, f).
        head: features → embeddings (n, d), dropout included.
        embedding_size: d.
        feature_size: f.
        spec: long name of the backbone.
        size: side of the input in pixels.
        mean: (1, 3, 1, 1), subtracted from the channels, on the scale 0-255.
        scale: (1, 3, 1, 1), what the channels are multiplied with after that.
        weights: where the backbone's weights come from, in words.
        licence: of those weights, where their source names it.
        resting: whether gradients end at the head; see `rest_backbone`.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, built: backbones.Backbone, model: ModelSection, picture: InputSection
    ) -> None:
        super().__init__()
        self.spec = built.spec
        self.size = picture.size
        self.weights = built.weights
        self.licence = built.licence
        self.channel_mean = picture.mean or built.mean
        self.channel_std = picture.std or built.std
        self.backbone = built.module
        _pool(self.backbone, model, built.spec)
        self.levels = Levels(self.backbone, model.levels, spec=built.spec)
        features = self._width(picture.size)
        self.feature_size = features
        self.embedding_size = model.embedding_size or features
        self.head = _head(model, features)
        # Left out of the state dict: they belong to the input, not to what was learnt.
        mean, scale = self._normalisation(torch.device("cpu"))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self._frozen: frozenset[str] = frozenset()
        self.resting = False
        self._norms_rest = False

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pictures.

        Args:
            pixels: (n, 3, s, s) uint8, or float on the scale 0-255.

        Returns:
            (n, d) float, not of unit length.
        """
        return self.embed_normalised(self.normalised(pixels))

    def embed_normalised(self, pictures: Tensor) -> Tensor:
        """Normalised float pictures (n, 3, s, s) → embeddings (n, d)."""
        embeddings: Tensor = self.head(self.features(pictures))
        return embeddings

    def features(self, pictures: Tensor) -> Tensor:
        """Normalised float pictures (n, 3, s, s) → what the head is given, (n, f)."""
        if self.resting:
            with torch.no_grad():
                return self.levels.joined(self.backbone(pictures))
        return self.levels.joined(self.backbone(pictures))

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pictures as `forward` takes them, as `features` does."""
        return ((pixels.float() - self.mean) * self.scale).to(self._dtype())

    def for_export(self) -> nn.Module:
        """The part that `findalike.models.export.PixelEncoder` takes as its backbone.

        It shares its layers with this network: export a copy if training goes on.
        """
        return _Normalised(self)

    def stages(self) -> list[list[nn.Parameter]]:
        """Parameters of the backbone by stage, from input to output; see `stage_names`.

        The exponent of a pooling that was put in is the head's matter.
        """
        parameters = dict(self.backbone.named_parameters())
        ours = {id(parameter) for parameter in self._pooling_parameters()}
        stages = [[parameters[name] for name in names] for names in stage_names(self.backbone)]
        return [[p for p in stage if id(p) not in ours] for stage in stages]

    def head_parameters(self) -> list[nn.Parameter]:
        """Every parameter that is in no stage of the backbone."""
        return [*self._pooling_parameters(), *self.head.parameters()]

    def freeze(self, what: Literal["none", "backbone"] | int) -> None:
        """Keep the backbone, or its first stages, as they are from now on.

        Args:
            what: ``none``, ``backbone``, or how many stages.

        Raises:
            RecipeError: if there are fewer stages.
        """
        names = stage_names(self.backbone)
        count = {"none": 0, "backbone": len(names)}[what] if isinstance(what, str) else what
        if not 0 <= count <= len(names):
            raise RecipeError(
                f"train.freeze is {count}: {self.spec} has {len(names)} stages, so none, backbone "
                f"or 0 to {len(names)} are allowed"
            )
        self._frozen = frozenset(name for stage in names[:count] for name in stage)
        ours = {id(parameter) for parameter in self._pooling_parameters()}
        for name, parameter in self.backbone.named_parameters():
            parameter.requires_grad_(name not in self._frozen or id(parameter) in ours)
        self.train(self.training)

    def rest_backbone(self, resting: bool) -> None:
        """Let gradients end at the head for now, which spares the way back through the backbone."""
        self.resting = resting
        self.train(self.training)

    def freeze_batch_norm(self) -> None:
        """Keep statistics and weights of the backbone's batch normalisation from now on."""
        self._norms_rest = True
        for module in self._backbone_norms():
            module.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As `torch.nn.Module.train`, but what is frozen keeps behaving as in evaluation."""
        super().train(mode)
        parameters = {name for name, _ in self.backbone.named_parameters()}
        if mode and (self.resting or (self._frozen and self._frozen >= parameters)):
            self.backbone.train(False)
        elif mode:
            for name, module in self.backbone.named_modules():
                if isinstance(module, _NORMS) and (
                    self._norms_rest or f"{name}.weight" in self._frozen
                ):
                    module.train(False)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        # A network in bfloat16 still reads pictures exactly: there 123.675 would become 123.5.
        if self.mean.dtype != torch.float32:
            self.mean, self.scale = self._normalisation(self.mean.device)
        return self

    def _normalisation(self, device: torch.device) -> tuple[Tensor, Tensor]:
        mean = torch.tensor(self.channel_mean, dtype=torch.float32, device=device)
        std = torch.tensor(self.channel_std, dtype=torch.float32, device=device)
        return 255.0 * mean.view(1, 3, 1, 1), 1.0 / (255.0 * std.view(1, 3, 1, 1))

    def _dtype(self) -> torch.dtype:
        return next(self.backbone.parameters()).dtype

    def _width(self, size: int) -> int:
        with torch.inference_mode():
            features = self.backbone.eval()(torch.zeros((1, 3, size, size)))
            if features.ndim != 2:
                raise RecipeError(
                    f"{self.spec} gives an array of shape {tuple(features.shape)} for a picture, "
                    f"not one vector: choose a backbone with pooled features"
                )
            return int(self.levels.joined(features).shape[1])

    def _backbone_norms(self) -> list[nn.Module]:
        return [module for module in self.backbone.modules() if isinstance(module, _NORMS)]

    def _pooling_parameters(self) -> list[nn.Parameter]:
        gems = [module for module in self.backbone.modules() if isinstance(module, GemPooling)]
        return [gem.power for gem in gems]


class _Normalised(nn.Module):
    """A network that is given normalised pictures."""

    def __init__(self, network: EmbeddingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        return self.network.embed_normalised(pictures)


def build_network(
    model: ModelSection,
    picture: InputSection,
    *,
    start: Literal["random", "pretrained"],
    checkpoint: Path | None = None,
    seed: int = 0,
) -> EmbeddingNetwork:
    """Build the network of a run.

    Args:
        model: the section ``model``.
        picture: the section ``input``.
        start: where the backbone's weights come from; the head's are random.
        checkpoint: file of the backbone's weights for ``pretrained``; the hub is asked where there
            is none. Not used by ``random``.
        seed: of everything random.

    Raises:
        BundleError: if there is no such backbone, the checkpoint does not fit it, or it has no
            feature map to pool.
        FetchError: if the hub cannot be reached and the weights are not in its local cache.
    """
    pretrained = start == "pretrained"
    built = backbones.build(
        model.backbone,
        checkpoint=checkpoint if pretrained else None,
        pretrained=pretrained,
        seed=seed,
        size=picture.size,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(built, model, picture)


def _head(model: ModelSection, features: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Dropout(model.dropout)] if model.dropout else []
    if model.head == "whitening":
        layers.append(WhiteningHead(features, model.embedding_size or features))
    elif model.embedding_size is not None:
        normed = model.head == "linear-bn"
        # A bias before batch normalisation would be taken out again by it.
        layers.append(nn.Linear(features, model.embedding_size, bias=not normed))
        if normed:
            layers.append(nn.BatchNorm1d(model.embedding_size))
    return nn.Sequential(*layers)


def _pool(backbone: nn.Module, model: ModelSection, spec: str) -> None:
    """Put in the pooling that the section names, if it is not the backbone's own."""
    if model.pooling == "gem":
        replace_pooling(
            backbone,
            lambda flatten: GemPooling(model.gem_power, flatten=flatten),
            name="gem",
            spec=spec,
        )
    elif model.pooling == "centre":
        replace_pooling(
            backbone,
            lambda flatten: CentrePooling(model.spread, flatten=flatten),
            name="centre",
            spec=spec,
        )
