"""Which weights are the best ones so far, which are kept, and whether it is time to stop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from findalike.config import KeepSection, ValidateSection
from findalike.errors import RecipeError

LOSS = "val_loss"


@dataclass(frozen=True, slots=True)
class Entry:
    """One validation.

    Attributes:
        name: of the file of weights, without its ending.
        step: steps of the optimizer before it.
        epoch: whole epochs before it.
        figures: what it said.
        score: by the criterion, larger is better; None where nothing judges the run.
    """

    name: str
    step: int
    epoch: int
    figures: dict[str, float]
    score: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a validation.

    Attributes:
        best: whether it is the best one so far.
        keep: whether its weights stay.
        drop: names of weights that need not stay any longer.
        stop: whether the run has waited for a better one long enough.
    """

    best: bool
    keep: bool
    drop: tuple[str, ...]
    stop: bool


class Journal:
    """Judges each validation by the ones before it; the same validations give the same verdicts.

    Attributes:
        best: the best entry; the last one where nothing judges the run.
        last: the last entry.
        kept: entries whose weights stay, best first.
        waited: validations since one that was better by more than ``least_gain``.
    """

    def __init__(self, validate: ValidateSection, keep: KeepSection) -> None:
        self._validate = validate
        self._keep = keep
        self.best: Entry | None = None
        self.last: Entry | None = None
        self.kept: list[Entry] = []
        self.waited = 0
        self._bar: float | None = None

    def record(self, *, name: str, step: int, epoch: int, figures: Mapping[str, float]) -> Verdict:
        """Take in a validation.

        Raises:
            RecipeError: if the criterion is not among its figures.
        """
        entry = Entry(name, step, epoch, dict(figures), self._score(figures))
        self.last = entry
        best = (
            self.best is None
            or entry.score is None
            or self.best.score is None
            or entry.score > self.best.score
        )
        if best:
            self.best = entry
        stop = self._has_waited(entry.score)
        dropped = self._rank(entry)
        return Verdict(best, entry in self.kept, tuple(dropped), stop)

    def state(self) -> dict[str, Any]:
        """Plain values that `restored` takes."""
        return {
            "best": asdict(self.best) if self.best else None,
            "last": asdict(self.last) if self.last else None,
            "kept": [asdict(entry) for entry in self.kept],
            "waited": self.waited,
            "bar": self._bar,
        }

    @classmethod
    def restored(
        cls, validate: ValidateSection, keep: KeepSection, state: Mapping[str, Any]
    ) -> Self:
        """The journal whose `state` it was."""
        journal = cls(validate, keep)
        journal.best = Entry(**state["best"]) if state["best"] else None
        journal.last = Entry(**state["last"]) if state["last"] else None
        journal.kept = [Entry(**entry) for entry in state["kept"]]
        journal.waited = int(state["waited"])
        journal._bar = state["bar"]
        return journal

    def _score(self, figures: Mapping[str, float]) -> float | None:
        criterion = self._validate.criterion
        key = LOSS if criterion == "loss" else criterion
        if not figures:
            return None
        if key not in figures:
            raise RecipeError(
                f"validate.criterion is {criterion!r}, and validation gives "
                f"{', '.join(sorted(figures))}: choose loss, map or NAME/map from what there is"
            )
        value = figures[key]
        if math.isnan(value):
            return -math.inf
        return -value if key == LOSS else value

    def _has_waited(self, score: float | None) -> bool:
        if score is None:
            return False
        if self._bar is None or score > self._bar + self._validate.least_gain:
            self._bar = score
            self.waited = 0
        else:
            self.waited += 1
        patience = self._validate.patience
        return patience is not None and self.waited >= patience

    def _rank(self, entry: Entry) -> list[str]:
        if self._keep.weights == "none":
            return []
        # Without a score the newest ones count as the best; a stable sort leaves ties to the older.
        ranked = sorted(
            [*self.kept, entry],
            key=lambda e: -e.score if e.score is not None else -float(e.step),
        )
        if self._keep.weights == "top":
            ranked, gone = ranked[: self._keep.top], ranked[self._keep.top :]
        else:
            gone = []
        self.kept = ranked
        return [old.name for old in gone if old is not entry]
