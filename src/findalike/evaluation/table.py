"""Several runs in one table: encoders, classical baselines, random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from findalike.errors import SettingError
from findalike.evaluation.result import EvaluationResult

TABLE_HEADER = ("method", "mAP", "95 % interval", "R@1", "dimensions", "seconds", "note")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One run of the table.

    Attributes:
        name: encoder or method.
        map_at_k: mean average precision.
        map_ci95: its 95 % interval.
        recall_at_1: share of right first matches.
        seconds: how long the run took.
        dimensions: length of an embedding; None where there is none, as for SIFT.
        note: what a reader must know, such as "random weights".
    """

    name: str
    map_at_k: float
    map_ci95: tuple[float, float]
    recall_at_1: float
    seconds: float
    dimensions: int | None = None
    note: str = ""

    @classmethod
    def from_result(
        cls, result: EvaluationResult, *, dimensions: int | None = None, note: str = ""
    ) -> TableRow:
        """Take the figures of a run."""
        return cls(
            name=result.encoder,
            map_at_k=result.figures.map_at_k,
            map_ci95=result.figures.map_ci95,
            recall_at_1=result.figures.recall_at_1,
            seconds=result.seconds,
            dimensions=dimensions,
            note=note,
        )


def table_cells(rows: Sequence[TableRow]) -> list[tuple[str, ...]]:
    """The rows as text for a terminal, best mAP first, one cell for each of the header's names.

    Raises:
        SettingError: if there are no rows.
    """
    return [
        (
            row.name,
            f"{row.map_at_k:.4f}",
            f"{row.map_ci95[0]:.3f} to {row.map_ci95[1]:.3f}",
            f"{row.recall_at_1:.3f}",
            "" if row.dimensions is None else f"{row.dimensions:,}",
            f"{row.seconds:,.1f}",
            row.note,
        )
        for row in best_first(rows)
    ]


def best_first(rows: Sequence[TableRow]) -> list[TableRow]:
    """The rows by descending mAP, equal ones by name.

    Raises:
        SettingError: if there are no rows.
    """
    if not rows:
        raise SettingError("a table of runs needs at least one run")
    return sorted(rows, key=lambda row: (-row.map_at_k, row.name))
