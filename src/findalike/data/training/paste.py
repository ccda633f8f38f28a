"""A product cut out of its seller's photo and laid on clutter."""

from __future__ import annotations

import numpy as np

from findalike.config.sampling import PasteAugment
from findalike.data.training.clutter import Clutter
from findalike.types import Pixels


def paste(
    picture: Pixels,
    clutter: Clutter,
    section: PasteAugment,
    *,
    label: int,
    rng: np.random.Generator,
) -> Pixels | None:
    """Cut out, turn, shade and lay down; None where the picture has no plain ground."""
    raise NotImplementedError
