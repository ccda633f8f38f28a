"""How far stated chances are from what came true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def calibration_error(
    chances: NDArray[np.float64], right: NDArray[np.bool_], *, bins: int = 10
) -> float:
    """Expected calibration error with bins of equal counts; 0 is best, 1 worst.

    The mean over bins of the distance between the mean chance and the share that was right, as in
    Guo et al., "On Calibration of Modern Neural Networks" (2017), with bins of equal counts in
    place of equal widths (Nguyen and O'Connor, 2015): wide ones would be nearly empty.

    Args:
        chances: (n,) from 0 to 1, n ≥ 1.
        right: (n,).
        bins: at most; as many as there are cases where those are fewer.
    """
    order = np.argsort(chances, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(float(chances[part].mean() - right[part].mean())) for part in parts]
    return float(np.average(gaps, weights=[len(part) for part in parts]))
