"""What happens to a training picture, and in which order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from findalike.config.sampling import AugmentSection, CropAugment
from findalike.data.training.light import erased, grey, jitter, phone
from findalike.data.training.parts import WHOLE, Part
from findalike.data.training.paste import paste
from findalike.types import InputSpec, Pixels

if TYPE_CHECKING:
    from findalike.data.training.clutter import Clutter

_TRIES = 10


class Augmentation:
    """The section ``augment`` of a run, put to work on pictures one at a time.

    All of it happens before a picture is padded to its square, so that the padding keeps the
    colour it has when the encoder is used, and crops are taken from the photo, not from the small
    square: a training picture is what `prepare` gives for a box a little off.

    Args:
        section: what happens.
        spec: of the encoder; its ``fill`` colours what turning a picture leaves bare.
        clutter: grounds for ``paste``.

    Raises:
        ValueError: if the section pastes and there is no clutter.
    """

    def __init__(
        self, section: AugmentSection, spec: InputSpec, *, clutter: Clutter | None = None
    ) -> None:
        if section.paste is not None and clutter is None:
            raise ValueError("paste needs clutter: see findalike.data.training.clutter")
        self.section = section
        self.clutter = clutter
        self._policy = _policy(section, spec.fill)

    @property
    def needs_room(self) -> bool:
        """Whether a picture is wanted larger than it will be, to cut parts from."""
        return self.section.crop is not None or self.section.paste is not None

    def pastes(self, rng: np.random.Generator) -> bool:
        """Whether chance wants this picture on clutter; without ``paste``, none is drawn."""
        section = self.section.paste
        return section is not None and bool(rng.random() < section.probability)

    def scene(self, picture: Pixels, label: int, rng: np.random.Generator) -> Pixels | None:
        """A seller's picture cut out and laid on clutter; None if its ground is not plain.

        Args:
            picture: uint8 (h, w, 3), all that is seen of the photo.
            label: of the product, for clutter of other products.
            rng: chance.
        """
        section = self.section.paste
        if section is None or self.clutter is None:
            return None
        return paste(picture, self.clutter, section, label=label, rng=rng)

    def part(self, rng: np.random.Generator) -> Part:
        """The part of the picture that is shown."""
        return WHOLE if self.section.crop is None else random_part(self.section.crop, rng)

    def altered(self, content: Pixels, rng: np.random.Generator) -> Pixels:
        """Everything after the crop.

        Args:
            content: uint8 (h, w, 3), not padded; left as it is.
            rng: chance.
        """
        section = self.section
        if rng.random() < section.flip:
            content = np.ascontiguousarray(content[:, ::-1])
        if self._policy is not None:
            content = _by_torch(self._policy, content, int(rng.integers(1 << 62)))
        if section.colour is not None and rng.random() < section.colour.probability:
            content = jitter(content, section.colour, rng)
        if rng.random() < section.grey:
            content = grey(content)
        if section.phone is not None:
            content = phone(content, section.phone, rng)
        if rng.random() < section.erase:
            content = erased(content, rng)
        return content


def random_part(section: CropAugment, rng: np.random.Generator) -> Part:
    """A part with an area and a ratio from the section's ranges.

    As `torchvision.transforms.v2.RandomResizedCrop` draws it, except that the ratio is relative to
    that of the picture: 1 keeps its proportions, whatever they are. An absolute one would cut tall
    and wide products to the middle, which the encoder never sees of a box.
    """
    low, high = (math.log(value) for value in section.ratio)
    for _ in range(_TRIES):
        area = float(rng.uniform(*section.area))
        ratio = math.exp(float(rng.uniform(low, high)))
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w <= 1.0 and h <= 1.0:
            return Part(float(rng.uniform(0, 1 - w)), float(rng.uniform(0, 1 - h)), w, h)
    w, h = min(w, 1.0), min(h, 1.0)
    return Part((1 - w) / 2, (1 - h) / 2, w, h)


def _policy(section: AugmentSection, fill: int) -> Any:
    if section.policy == "none":
        return None
    # It takes seconds to load, and most recipes have no policy.
    from torchvision.transforms import v2  # noqa: PLC0415

    bare = [float(fill)] * 3
    if section.policy == "trivial":
        return v2.TrivialAugmentWide(fill=bare)
    return v2.AutoAugment(v2.AutoAugmentPolicy.IMAGENET, fill=bare)


def _by_torch(policy: Any, content: Pixels, seed: int) -> Pixels:
    """Apply one of torchvision's transforms, whose chance is torch's own generator."""
    tensor = torch.from_numpy(np.ascontiguousarray(content.transpose(2, 0, 1)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        changed = policy(tensor)
    return np.ascontiguousarray(changed.numpy().transpose(1, 2, 0))
