"""Boxes proposed for a photo in which none was drawn: where the thing the shopper means may be.

Classical means, no network: patches, saliency against what is joined to the border, objectness of
windows. The papers are named in the modules of `findalike.data.proposing`. A trained finder may
take the place of `propose_boxes`: it has to keep to its signature, and to what `score` means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from findalike.data.proposing.cues import CueMaps
from findalike.data.proposing.scorer import BoxScorer, shipped_scorer
from findalike.data.proposing.windows import Windows, apart, neighbours, window_grid
from findalike.errors import SettingError
from findalike.types import Box, Pixels

SIDE = 96
"""Longer side in pixels of the copy that the windows are laid on."""

STARTS = 24
STEPS = (0.125, 0.125, 0.06, 0.06)
OVERLAP = 0.35
"""Two proposals overlap by no more than this: further ones are other things."""

LEAST_OF_BEST = 0.6
"""A further box is proposed if its score is at least this share of the best one's."""

NEARLY_WHOLE = 0.8
"""Boxes of this share of the photo are left out where the whole of it comes first."""


@dataclass(frozen=True, slots=True)
class ProposedBox:
    """A box where something stands out.

    Attributes:
        box: in pixels of the upright photo, within it.
        score: the overlap (intersection over union) to be expected with what was meant, 0 to 1,
            as measured on simulated photos; larger is better.
    """

    box: Box
    score: float


def propose_boxes(
    pixels: Pixels, *, most: int = 5, scorer: BoxScorer | None = None
) -> list[ProposedBox]:
    """Where the product in a photo may be, best first; never empty.

    Where nothing stands out for sure - the product fills the photo, or is a heap of many - the
    whole photo comes first: a wrong box costs more than none.

    Args:
        pixels: (height, width, 3) uint8, upright.
        most: how many at most, 1 or more.
        scorer: judges windows; the one inside the package by default.

    Raises:
        SettingError: if ``most`` is below 1.
    """
    if most < 1:
        raise SettingError(f"most is {most}: it must be 1 or more")
    scorer = scorer or shipped_scorer()
    height, width = pixels.shape[:2]
    maps = cue_maps(pixels)
    windows, outcomes = _best_windows(maps, scorer)
    scale = np.array([width / maps.width, height / maps.height] * 2)
    kept = apart(windows, outcomes, most=most, overlap=OVERLAP)
    found = [
        ProposedBox(_box(windows[row] * scale), scorer.expected(float(outcomes[row])))
        for row in kept
    ]
    best = found[0].score
    found = [box for box in found if box.score >= LEAST_OF_BEST * best]
    if best < scorer.sure:
        whole = ProposedBox(Box(0.0, 0.0, float(width), float(height)), scorer.sure)
        most_area = NEARLY_WHOLE * width * height
        found = [whole, *(b for b in found if b.box.w * b.box.h < most_area)][:most]
    return found


def cue_maps(pixels: Pixels) -> CueMaps:
    """The maps of a photo of any size.

    Args:
        pixels: (height, width, 3) uint8.
    """
    return CueMaps(_shrunk(pixels, SIDE))


def _best_windows(maps: CueMaps, scorer: BoxScorer) -> tuple[Windows, np.ndarray]:
    """Starts from the grid, each moved uphill a few steps, with their outcomes."""
    size = {"width": maps.width, "height": maps.height}
    grid = window_grid(**size)
    outcomes = scorer.outcome(maps.cues(grid))
    starts = apart(grid, outcomes, most=STARTS, overlap=0.6)
    windows, outcomes = grid[starts], outcomes[starts]
    for share in STEPS:
        moved = neighbours(windows, share=share, **size)
        judged = scorer.outcome(maps.cues(moved.reshape(-1, 4))).reshape(moved.shape[:2])
        best = judged.argmax(axis=1)
        rows = np.arange(len(windows))
        better = judged[rows, best] > outcomes
        windows = np.where(better[:, None], moved[rows, best], windows)
        outcomes = np.where(better, judged[rows, best], outcomes)
    return windows, outcomes


def _shrunk(pixels: Pixels, side: int) -> Pixels:
    import cv2  # noqa: PLC0415 - 100 ms that only proposing boxes should cost

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8)


def _box(edges: np.ndarray) -> Box:
    left, top, right, bottom = (float(edge) for edge in edges)
    return Box(left, top, right - left, bottom - top)
