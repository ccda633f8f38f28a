"""What a batch is made of before pictures are read: image ids, each with a seed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Draw(NamedTuple):
    """One image of a batch.

    Attributes:
        image_id: of the mixture.
        seed: decides all that is left to chance in making its picture, 0 to 2⁶³ - 1.
    """

    image_id: int
    seed: int


def draw_seeds(seed: int, epoch: int, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Seeds for the places of an epoch: the same for one place, unrelated between places.

    The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over a counter.

    Args:
        seed: of the run.
        epoch: 0 or above.
        positions: where in the epoch each image stands.

    Returns:
        int64, 0 or above, of the shape of ``positions``.
    """
    start = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    state = positions.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return np.asarray((state >> np.uint64(1)).astype(np.int64))
