"""From the cues of a rectangle to how well it is expected to fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from findalike.data.proposing.cues import CUES
from findalike.errors import SettingError

SCORER = Path(__file__).parent / "scorer.json"
WIDEST = 4.0
"""Deviations from the mean beyond which a cue counts no more."""

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BoxScorer:
    """A perceptron with one hidden layer over the cues, fitted to overlaps with true boxes.

    Attributes:
        mean, deviation: (cues,) of each of `CUES` where it was fitted.
        hidden: (units, cues + 1) weights of the hidden layer, the last column its offsets.
        output: (units + 1,) weights of the outcome, the last its offset.
        fit: (slope, offset) from the outcome to the overlap that the best window turns out to
            have.
        sure: the expected overlap from which on a box is proposed rather than the whole photo.
        made_by: the command that fitted it.
    """

    mean: Values
    deviation: Values
    hidden: Values
    output: Values
    fit: tuple[float, float]
    sure: float
    made_by: str

    def outcome(self, cues: Values) -> Values:
        """How well windows of these cues, (n, len(CUES)), fit: (n,), 0 to 1, larger is better."""
        scaled = np.clip((cues - self.mean) / self.deviation, -WIDEST, WIDEST)
        active = np.maximum(scaled @ self.hidden[:, :-1].T + self.hidden[:, -1], 0)
        logits = active @ self.output[:-1] + self.output[-1]
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

    def expected(self, outcome: float) -> float:
        """The overlap to be expected, from 0 to 1."""
        return float(np.clip(self.fit[0] * outcome + self.fit[1], 0.0, 1.0))

    def to_json(self) -> str:
        """What `read_scorer` reads."""
        arrays = {
            name: np.round(getattr(self, name).astype(np.float64), 4).tolist()
            for name in ("mean", "deviation", "hidden", "output")
        }
        rest = {"fit": self.fit, "sure": self.sure, "made_by": self.made_by}
        return json.dumps({"cues": CUES, **rest, **arrays}) + "\n"


@cache
def shipped_scorer() -> BoxScorer:
    """The scorer inside the package."""
    return read_scorer(SCORER.read_text(encoding="utf-8"))


def read_scorer(text: str) -> BoxScorer:
    """The scorer that `BoxScorer.to_json` wrote.

    Raises:
        SettingError: if it was fitted to other cues.
    """
    said: Mapping[str, Any] = json.loads(text)
    if tuple(said["cues"]) != CUES:
        raise SettingError(
            f"the scorer was fitted to the cues {', '.join(said['cues'])}, and these are "
            f"{', '.join(CUES)}: fit it again with recipes/boxes/fit_scorer.py"
        )
    arrays = {
        name: np.array(said[name], np.float32) for name in ("mean", "deviation", "hidden", "output")
    }
    fit = (float(said["fit"][0]), float(said["fit"][1]))
    return BoxScorer(fit=fit, sure=said["sure"], made_by=said["made_by"], **arrays)
