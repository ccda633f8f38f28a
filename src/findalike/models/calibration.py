"""What a cosine of one encoder means: how likely the product is the right one, and in words.

Cosines of two encoders cannot be compared: 0.6 is a sure match for one and a chance likeness for
another. Nor can those of two photos: in one kind of picture everything is nearer to everything. So
a score is judged by how far it rises above the typical one, the photo's mean cosine with the shop's
pictures, as speaker verification normalises by a cohort (Auckenthaler, Carey and Lloyd-Thomas,
"Score Normalization for Text-Independent Speaker Verification Systems", 2000).
On simulated photos and real ones the mean differs by half the range of scores; over it, one curve
fits both. The curve is fitted to searches whose answer is known and lies in the encoder's bundle.
"""

from __future__ import annotations

import math
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from findalike.errors import EvaluationError

Likeness: TypeAlias = Literal["same", "very similar", "similar", "unlike"]

SAME_FROM, VERY_SIMILAR_FROM = 0.8, 0.5
"""Chance of being the right product from which on a found one is called so."""

FALSE_ALARMS = 0.05
"""Share of the photos of products that are in the shop, and found, that may be told otherwise."""

MOST_STEPS = 100


class Calibration(BaseModel):
    """What the cosine of the nearest product says, under an encoder.

    The chance that it is the right one is ``1 / (1 + exp(-(slope * rise + offset)))``, the rise
    being its cosine less the typical one: the mean over the shop's pictures.

    Attributes:
        version: of this section's meaning.
        slope: above 0, so that a larger cosine never means less.
        same, very_similar, similar: rises from which on a product is called so; what is below
            all of them is "unlike".
        false_alarms: share of the searches with the right product first whose best rise was
            below ``similar``, where it was fitted.
        caught: the same share of searches for products that were not in the gallery.
        queries: how many photos it was fitted to, each searched with and without its product.
        fitted_on: which photos.
        command: what fitted it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    version: Literal[1] = 1
    slope: float = Field(gt=0)
    offset: float
    same: float = Field(ge=-2, le=2)
    very_similar: float = Field(ge=-2, le=2)
    similar: float = Field(ge=-2, le=2)
    false_alarms: float = Field(ge=0, le=1)
    caught: float = Field(ge=0, le=1)
    queries: int = Field(ge=1)
    fitted_on: str = Field(min_length=1)
    command: str = Field(min_length=1)

    @model_validator(mode="after")
    def _falling(self) -> Self:
        if not self.same >= self.very_similar >= self.similar:
            raise ValueError(
                f"same {self.same:g}, very_similar {self.very_similar:g}, similar "
                f"{self.similar:g}: each must be at least the next"
            )
        return self

    def chance(self, score: float, *, typical: float) -> float:
        """How likely the nearest product is the right one, 0 to 1.

        Args:
            score: its cosine.
            typical: mean cosine of the photo with the shop's pictures.
        """
        return float(_logistic(np.array(self.slope * (score - typical) + self.offset)))

    def likeness_of(self, score: float, *, typical: float) -> Likeness:
        """What a cosine means to a shopper; see `chance` for the arguments."""
        rise = score - typical
        if rise >= self.same:
            return "same"
        if rise >= self.very_similar:
            return "very similar"
        return "similar" if rise >= self.similar else "unlike"

    def nothing_like_it(self, best_score: float, *, typical: float) -> bool:
        """Whether an answer whose nearest product has this cosine holds nothing like the photo."""
        return best_score - typical < self.similar


def fit_calibration(
    rises: NDArray[np.float64],
    right: NDArray[np.bool_],
    present: NDArray[np.bool_],
    *,
    fitted_on: str,
    command: str,
) -> Calibration:
    """Fit a calibration to the nearest products of searches.

    The curve is Platt's, with his targets that keep it from certainty ("Probabilistic Outputs for
    Support Vector Machines", 1999), by the Newton steps of Lin, Lin and Weng ("A Note on Platt's
    Probabilistic Outputs", 2007).

    Args:
        rises: (n,) cosine of the nearest product of each search, less the photo's typical one.
        right: (n,) whether it was the product in the photo.
        present: (n,) whether that was in the gallery at all. Each photo should be searched with
            twice, with and without: the chances are those of a shop where every second photo
            shows something it has not got.

    Raises:
        EvaluationError: if there is nothing to learn: no right or no absent product among the
            searches, or right ones rise no higher.
    """
    rises = np.asarray(rises, np.float64)
    if not right.any() or present.all() or (right & ~present).any():
        raise EvaluationError(
            f"{int(right.sum())} of {len(rises)} searches were right and {int((~present).sum())} "
            f"for products that are not in the gallery: a calibration needs both, and no right "
            f"answer for an absent product"
        )
    slope, offset = fit_logistic(rises, right)
    if slope <= 0:
        raise EvaluationError(
            "right products rise no higher than wrong ones: this encoder cannot be "
            "calibrated on these photos"
        )
    similar = float(np.quantile(rises[right], FALSE_ALARMS))
    very_similar = max(similar, _rise_at(VERY_SIMILAR_FROM, slope, offset))
    same = max(very_similar, _rise_at(SAME_FROM, slope, offset))
    return Calibration(
        slope=round(slope, 4),
        offset=round(offset, 4),
        same=round(same, 4),
        very_similar=round(very_similar, 4),
        similar=round(similar, 4),
        false_alarms=round(float((rises[right] < similar).mean()), 4),
        caught=round(float((rises[~present] < similar).mean()), 4),
        queries=int(present.sum()),
        fitted_on=fitted_on,
        command=command,
    )


def fit_logistic(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of Platt's curve, by maximum likelihood.

    Args:
        scores: (n,), n ≥ 1.
        right: (n,).
    """
    yes = int(right.sum())
    no = len(right) - yes
    target = np.where(right, (yes + 1) / (yes + 2), 1 / (no + 2))
    middle, width = float(scores.mean()), float(scores.std()) or 1.0
    terms = np.stack([(scores - middle) / width, np.ones(len(scores))], axis=1)
    weights = np.array([0.0, math.log((yes + 1) / (no + 1))])
    cost = _cost(terms @ weights, target)
    for _ in range(MOST_STEPS):
        chance = _logistic(terms @ weights)
        gradient = terms.T @ (chance - target)
        if np.abs(gradient).max() < 1e-8 * len(scores):
            break
        curve = (terms * (chance * (1 - chance))[:, None]).T @ terms + 1e-10 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        # Newton's step may overshoot where the curve is flat: halved until the cost falls.
        for halvings in range(30):
            tried = weights - step * 0.5**halvings
            if (found := _cost(terms @ tried, target)) < cost:
                weights, cost = tried, found
                break
        else:
            break
    slope = float(weights[0]) / width
    return slope, float(weights[1]) - slope * middle


def _cost(logits: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, logits) - target * logits).sum())


def _logistic(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))


def _rise_at(chance: float, slope: float, offset: float) -> float:
    """The rise at which the curve passes a chance."""
    return min(2.0, max(-2.0, (math.log(chance / (1 - chance)) - offset) / slope))
