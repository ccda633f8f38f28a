"""The sections ``sampler`` and ``augment`` of a run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from findalike.config.data import Share
from findalike.config.section import Section

Range = tuple[float, float]


class SamplerSection(Section):
    """Which images make a batch.

    Attributes:
        name: ``shuffled`` takes every image once an epoch; ``balanced`` every label equally
            often; ``m-per-class`` fills a batch with ``per_class`` images of each of its labels;
            ``group-aware`` does so with labels of few groups, which makes hard negatives.
        per_class: images of a label in a batch.
        per_group: labels of one group in a batch, for ``group-aware``.
        both_domains: a label's images in a batch are user and seller photos in turn, where it has
            both.
    """

    name: Literal["shuffled", "balanced", "m-per-class", "group-aware"] = "shuffled"
    per_class: int = Field(default=4, ge=1, le=64)
    per_group: int = Field(default=4, ge=1, le=64)
    both_domains: bool = False


class CropAugment(Section):
    """A random part of the picture, scaled to its size again.

    Attributes:
        area: least and largest share of the picture's area.
        ratio: least and largest ratio of width to height.
    """

    area: Annotated[Range, Field()] = (0.5, 1.0)
    ratio: Annotated[Range, Field()] = (0.75, 1.3333)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0.0 < self.area[0] <= self.area[1] <= 1.0:
            raise ValueError(f"area {list(self.area)} must rise within 0 to 1")
        if not 0.0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"ratio {list(self.ratio)} must rise above 0")
        return self


class ColourAugment(Section):
    """Light of another place, as torchvision's `ColorJitter` makes it.

    Attributes:
        probability: of any change.
        brightness: largest change, as a share.
        contrast: largest change, as a share.
        saturation: largest change, as a share.
        hue: largest turn of the colour circle; 0.5 is half of it.
    """

    probability: Share = 0.8
    brightness: float = Field(default=0.3, ge=0.0, le=1.0)
    contrast: float = Field(default=0.3, ge=0.0, le=1.0)
    saturation: float = Field(default=0.2, ge=0.0, le=1.0)
    hue: float = Field(default=0.02, ge=0.0, le=0.5)


class PhoneAugment(Section):
    """What a phone does to a picture: blur and JPEG.

    Attributes:
        blur: probability of a blur.
        sigma: largest width of the blur in pixels.
        jpeg: probability of JPEG artefacts.
        quality: least and largest JPEG quality.
    """

    blur: Share = 0.2
    sigma: float = Field(default=1.5, gt=0.0, le=10.0)
    jpeg: Share = 0.3
    quality: tuple[int, int] = (30, 90)

    @model_validator(mode="after")
    def _qualities(self) -> Self:
        if not 1 <= self.quality[0] <= self.quality[1] <= 100:
            raise ValueError(f"quality {list(self.quality)} must rise within 1 to 100")
        return self


class PasteAugment(Section):
    """Seller photos on plain ground, cut out and laid on clutter, as a shopper meets them.

    Attributes:
        probability: of a photo that can be cut out to be pasted.
        scale: least and largest share of the picture's side that the product takes.
        degrees: largest turn to either side.
    """

    probability: Share = 0.5
    scale: Annotated[Range, Field()] = (0.5, 1.0)
    degrees: float = Field(default=15.0, ge=0.0, le=180.0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0.0 < self.scale[0] <= self.scale[1] <= 1.0:
            raise ValueError(f"scale {list(self.scale)} must rise within 0 to 1")
        return self


class AugmentSection(Section):
    """What happens to a training picture, in this order; what is not named does not happen.

    Attributes:
        flip: probability of a mirror image.
        policy: ``trivial`` is TrivialAugment (arXiv:2103.10158), ``auto`` AutoAugment's policy for
            ImageNet (arXiv:1805.09501).
        grey: probability of a picture without colour.
        erase: probability of a rectangle wiped out (arXiv:1708.04896).
    """

    paste: PasteAugment | None = None
    crop: CropAugment | None = None
    flip: Share = 0.0
    policy: Literal["none", "trivial", "auto"] = "none"
    colour: ColourAugment | None = None
    grey: Share = 0.0
    phone: PhoneAugment | None = None
    erase: Share = 0.0
