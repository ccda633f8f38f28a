"""The sections ``model`` and ``input`` of a run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from findalike.config.section import Section
from findalike.types import InputSpec

Channel = Annotated[float, Field(ge=0.0, le=1.0)]
Spread = Annotated[float, Field(gt=0.01, le=10.0)]
Deviation = Annotated[float, Field(gt=0.0, le=10.0)]


class LevelSection(Section):
    """Features from inside the backbone, joined to those at its end.

    Early layers tell colours and textures, late ones what a thing is: shops need both.

    Attributes:
        at: name of the module whose output is averaged, such as ``blocks.3``.
        weight: of its features, which are brought to unit length, beside the last ones.
        spread: the middle of the feature map counts most, by a Gaussian with this share of the side
            as its standard deviation; None for a plain mean.
    """

    at: str = Field(min_length=1)
    weight: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
    spread: Spread | None = None


class WhiteningSection(Section):
    """How the head ``whitening`` is computed from the training photos; see `fit_whitening`.

    Attributes:
        within: share of the covariance within labels in what is whitened, the rest being that of
            all photos: 0 is plain whitening, 1 is as in linear discriminant analysis.
        shrink: added to every eigenvalue, their mean being 1: the larger, the gentler.
        domains_of: training sets whose user and seller photos say where the centre is and which
            direction between the two is taken out; by default every set that has both.
        images: at most so many photos, drawn by the run's seed.
    """

    within: float = Field(default=0.3, ge=0.0, le=1.0)
    shrink: Annotated[float, Field(gt=0.0)] = 3.0
    domains_of: tuple[str, ...] = ()
    images: int = Field(default=20_000, ge=2)


class ModelSection(Section):
    """The network: a backbone, pooling, and what makes its features an embedding.

    Attributes:
        backbone: a short name, ``timm/NAME`` or ``open_clip/ARCH:TAG``; see
            `findalike.models.backbones.build`.
        checkpoint: a local file with the backbone's weights, relative to the recipe;
            ``package:NAME/FILE`` takes a file of an installed Python package. Used by runs that
            start ``pretrained``; the hub is asked where there is none.
        pooling: ``backbone`` keeps the backbone's own; ``gem`` is generalised-mean pooling with
            the exponent learnt (arXiv:1711.02512); ``centre`` a mean in which the middle of the
            feature map counts most.
        gem_power: the exponent ``gem`` starts with.
        spread: of ``centre``, as in ``levels``.
        levels: further features, from inside the backbone.
        embedding_size: length of the embedding; None takes the pooled features as they are.
        head: what makes features of ``embedding_size`` numbers: a linear map; a linear map and
            batch normalisation; or ``whitening``, an affine map that is computed from the
            training photos before the first step and again after the last one. In between it
            stays as it is: trained, it fits the training labels and forgets all others.
        whitening: how it is computed.
        dropout: before the head.
    """

    backbone: str = Field(min_length=1)
    checkpoint: str | None = None
    pooling: Literal["backbone", "gem", "centre"] = "backbone"
    gem_power: float = Field(default=3.0, ge=1.0, le=10.0)
    spread: Spread = 0.25
    levels: tuple[LevelSection, ...] = ()
    embedding_size: int | None = Field(default=None, ge=2, le=16_384)
    head: Literal["linear", "linear-bn", "whitening"] = "linear"
    whitening: WhiteningSection = WhiteningSection()
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _head_has_a_size(self) -> Self:
        if self.head == "linear-bn" and self.embedding_size is None:
            raise ValueError("head is linear-bn, which needs an embedding_size")
        return self


class InputSection(Section):
    """How a photo becomes the network's input; see `findalike.types.InputSpec`.

    Attributes:
        size: side of the square in pixels, in training and validation.
        resize: ``stretch`` scales both sides to ``size``; ``pad`` keeps the shape and fills the
            rest; ``crop`` takes the middle.
        context: margin added around a given box on each side, as a share of its longer side.
        fill: grey level of what ``pad`` fills.
        mean: subtracted from each channel, on the scale 0-1; the backbone's by default.
        std: divided by after that; the backbone's by default.
    """

    size: int = Field(default=224, ge=16, le=2048)
    resize: Literal["stretch", "pad", "crop"] = "pad"
    context: float = Field(default=0.05, ge=0.0, le=1.0)
    fill: int = Field(default=255, ge=0, le=255)
    mean: tuple[Channel, Channel, Channel] | None = None
    std: tuple[Deviation, Deviation, Deviation] | None = None

    def spec(self) -> InputSpec:
        """What `findalike.data.prepare` takes."""
        return InputSpec(self.size, self.resize, self.context, self.fill)
