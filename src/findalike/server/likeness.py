"""What the scores of one answer mean, in words."""

from __future__ import annotations

from dataclasses import dataclass

from findalike.models.calibration import Calibration, Likeness


@dataclass(frozen=True, slots=True)
class Meaning:
    """What scores mean for one photo in one shop.

    Attributes:
        typical: the photo's mean cosine with the shop's pictures.
        of_others: whether what is found are products beside the one that is asked with. None of
            them is the one meant, so that "same" would be wrong and "unlike" would say nothing.
    """

    calibration: Calibration
    typical: float
    of_others: bool = False

    def likeness_of(self, score: float) -> Likeness | None:
        """What a cosine means to a shopper, None where there is no word for it."""
        likeness = self.calibration.likeness_of(score, typical=self.typical)
        if not self.of_others:
            return likeness
        return {"same": "very similar", "unlike": None}.get(likeness, likeness)

    def nothing_like_it(self, best_score: float) -> bool:
        """Whether even the nearest product looks unlike."""
        if self.of_others:
            return False
        return self.calibration.nothing_like_it(best_score, typical=self.typical)
