"""What the scores of one answer mean, in words."""

from __future__ import annotations

from dataclasses import dataclass

from findalike.models.calibration import Calibration, Likeness


@dataclass(frozen=True, slots=True)
class Meaning:
    """What scores mean for one photo in one shop.

    Attributes:
        typical: the photo's mean cosine with the shop's pictures.
    """

    calibration: Calibration
    typical: float

    def likeness_of(self, score: float) -> Likeness:
        """What a cosine means to a shopper."""
        return self.calibration.likeness_of(score, typical=self.typical)

    def nothing_like_it(self, best_score: float) -> bool:
        """Whether even the nearest product looks unlike."""
        return self.calibration.nothing_like_it(best_score, typical=self.typical)
