"""The rectangles that are looked at: a grid of all sizes, then neighbours of the best."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Windows = NDArray[np.int64]
"""(n, 4): left, top, right and bottom in pixels, right and bottom exclusive."""

SIZES = (0.14, 0.2, 0.28, 0.4, 0.55, 0.75, 1.0)
"""Sides of the grid's windows as shares of the picture's."""

MOST_ASPECT = 3.6
LEAST_SIDE = 4
STRIDES = 3
"""Steps that a window of the grid takes to move by its own side."""


@lru_cache(maxsize=64)
def window_grid(width: int, height: int) -> Windows:
    """Windows of many sizes all over a picture, the whole of it among them; read-only."""
    found = []
    for across in SIZES:
        for down in SIZES:
            w = max(min(LEAST_SIDE, width), round(across * width))
            h = max(min(LEAST_SIDE, height), round(down * height))
            if max(w / h, h / w) > MOST_ASPECT and (across, down) != (1.0, 1.0):
                continue
            x, y = (side.ravel() for side in np.meshgrid(_steps(width, w), _steps(height, h)))
            found.append(np.stack([x, y, x + w, y + h], axis=1))
    windows = np.concatenate(found)
    windows.setflags(write=False)
    return windows


def neighbours(windows: Windows, *, share: float, width: int, height: int) -> Windows:
    """Each window with one of its edges moved in or out, or itself moved; (n, 12, 4).

    Args:
        share: of the window's side that an edge moves by; at least a pixel.
    """
    w, h = windows[:, 2] - windows[:, 0], windows[:, 3] - windows[:, 1]
    step_x = np.maximum(1, np.round(share * w).astype(np.int64))
    step_y = np.maximum(1, np.round(share * h).astype(np.int64))
    steps = np.stack([step_x, step_y, step_x, step_y], axis=1)
    moved = windows[:, None] + steps[:, None] * _MOVES[None]
    limits = np.array([width, height, width, height])
    moved = np.clip(moved, 0, limits)
    # An edge that would meet the other stays: the move is no move then.
    flat = (moved[..., 2] - moved[..., 0] < min(LEAST_SIDE, width)) | (
        moved[..., 3] - moved[..., 1] < min(LEAST_SIDE, height)
    )
    return np.where(flat[..., None], windows[:, None], moved)


def overlaps(windows: Windows, other: Windows) -> NDArray[np.float64]:
    """Intersection over union of each window with each other, (n, m)."""
    low = np.maximum(windows[:, None, :2], other[None, :, :2])
    high = np.minimum(windows[:, None, 2:], other[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    union = _areas(windows)[:, None] + _areas(other)[None] - common
    return np.asarray(common / union, np.float64)


def apart(windows: Windows, scores: NDArray[np.float32], *, most: int, overlap: float) -> list[int]:
    """Rows of the best windows that overlap by no more than ``overlap``, best first."""
    kept: list[int] = []
    left = np.argsort(-scores, kind="stable")
    while len(left) and len(kept) < most:
        kept.append(int(left[0]))
        left = left[overlaps(windows[left], windows[left[:1]])[:, 0] <= overlap]
    return kept


def _areas(windows: Windows) -> Windows:
    sides = windows[:, 2:] - windows[:, :2]
    return np.asarray(sides[:, 0] * sides[:, 1])


def _steps(length: int, size: int) -> NDArray[np.int64]:
    count = int(np.ceil((length - size) / max(1, size // STRIDES))) + 1
    return np.unique(np.linspace(0, length - size, count).round().astype(np.int64))


_MOVES = np.concatenate(
    [
        np.concatenate([np.eye(4, dtype=np.int64), -np.eye(4, dtype=np.int64)]),
        np.array([[1, 0, 1, 0], [-1, 0, -1, 0], [0, 1, 0, 1], [0, -1, 0, -1]]),
    ]
)
