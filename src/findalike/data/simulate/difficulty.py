"""How hard a shopper's photo is to match, measured on the photo itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from findalike.data.simulate.camera import Shot

RIGHT_EXPOSURE = 0.35
"""Stops at which a scene of average light comes out as it should."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a photo besides the camera's settings.

    Attributes:
        defocus: radius in pixels.
        visible: share of the product that can be seen.
        box_size: share of the photo that the box takes.
        clutter: number of other things in the picture.
        perspective: how much larger its near side looks than its far side, 0 for not at all.
        turn: degrees by which the product is turned away from its front view.
    """

    defocus: float
    visible: float
    box_size: float
    clutter: int
    perspective: float
    turn: float


@dataclass(frozen=True, slots=True)
class Difficulty:
    """What makes a photo hard to match.

    Attributes:
        blur: radius in pixels of defocus and smear together.
        occlusion: share of the product that is hidden or outside the frame.
        light: distance from neutral light, in stops of exposure and colour together.
        box_size, clutter, perspective, turn: see :class:`Facts`.
        noise: standard deviation in 8-bit steps.
        jpeg_quality: 1-100.
        score: all together, 0 easy to 1 hard.
    """

    blur: float
    occlusion: float
    light: float
    box_size: float
    clutter: int
    perspective: float
    turn: float
    noise: float
    jpeg_quality: int
    score: float

    @property
    def level(self) -> str:
        """The score as a word."""
        return "easy" if self.score < 0.33 else "medium" if self.score < 0.6 else "hard"


def measure(shot: Shot, facts: Facts) -> Difficulty:
    """Judge a photo from the camera's settings and what is seen."""
    blur = float(np.hypot(facts.defocus, shot.motion / 3))
    cast = abs(shot.white_balance[0] - 1)
    light = float(
        np.hypot(shot.exposure - RIGHT_EXPOSURE, 4 * cast)
        + abs(shot.gradient[0])
        + abs(shot.gradient[1])
        + shot.glare
    )
    parts = (
        (0.36, blur / 4.0),
        (0.30, (1 - facts.visible) / 0.4),
        (0.22, light / 1.4),
        (0.26, (0.4 - facts.box_size) / 0.38),
        (0.16, facts.clutter / 5),
        (0.12, facts.turn / 45),
        (0.08, shot.noise / 12),
        (0.06, (92 - shot.jpeg_quality) / 60),
    )
    score = sum(weight * float(np.clip(value, 0, 1)) for weight, value in parts)
    return Difficulty(
        blur=blur,
        occlusion=float(np.clip(1 - facts.visible, 0, 1)),
        light=light,
        box_size=facts.box_size,
        clutter=facts.clutter,
        perspective=facts.perspective,
        turn=facts.turn,
        noise=shot.noise,
        jpeg_quality=shot.jpeg_quality,
        score=float(np.clip(score, 0, 1)),
    )
