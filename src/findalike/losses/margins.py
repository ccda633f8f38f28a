"""A margin for each class from its number of images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from findalike.errors import SettingError

_EXPONENT = -0.25


def margins_by_frequency(counts: Sequence[int], low: float = 0.05, high: float = 0.45) -> Tensor:
    """The rarer a class, the larger its margin.

    ``margin(n) = a * n ** (-1/4) + b`` for a class of n images, with a and b such that the most
    frequent class has ``low`` and the rarest has ``high``. A class without images, which is never
    the target, has ``high``. If all classes are of one size, each has the mean of the two.

    From the 3rd place of Google Landmark Recognition 2020 (arXiv:2010.05350), where the exponent is
    a setting whose best value was 1/4; a and b follow from the range there, too.

    Args:
        counts: images of each class, C of them.
        low: margin of the most frequent class in radians.
        high: margin of the rarest class in radians.

    Returns:
        (C,) float32, for `ArcFaceLoss`.

    Raises:
        SettingError: if no class has an image, a count is negative, or not
            ``0 <= low <= high < pi / 2``.
    """
    if not 0.0 <= low <= high < math.pi / 2:
        raise SettingError(
            f"margins from {low} to {high} are not possible: give 0 <= low <= high < 1.57 (radians)"
        )
    sizes = torch.tensor(list(counts), dtype=torch.float64)
    if not len(sizes) or sizes.min() < 0 or sizes.max() < 1:
        raise SettingError(
            f"margins by frequency need the number of images of each class, at least one of them "
            f"above 0 and none below; given are {len(sizes)} counts, "
            f"{f'the least {int(sizes.min())}' if len(sizes) else 'which is none'}"
        )
    present = sizes > 0
    rarity = sizes.clamp(min=1).pow(_EXPONENT)
    least, most = rarity[present].min(), rarity[present].max()
    if least == most:
        margins = torch.full_like(rarity, (low + high) / 2)
    else:
        margins = low + (high - low) * (rarity - least) / (most - least)
    return torch.where(present, margins, high).float()
