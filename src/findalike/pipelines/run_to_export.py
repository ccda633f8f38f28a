"""A run folder as an export reads it: what it says, its weights, and the runs it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from findalike.config import Run
from findalike.errors import RecipeError
from findalike.pipelines.run_record import (
    Ancestors,
    RunRecord,
    read_ancestors,
    read_json,
    read_run_record,
)

NAMED_WEIGHTS = ("best", "last", "final")


@dataclass(frozen=True, slots=True)
class RunToExport:
    """A run, and what is exported of it.

    Attributes:
        record: what the run folder says.
        ancestors: the runs that it comes from.
        environment: the content of ``environment.json``.
        weights: the file to export.
    """

    record: RunRecord
    ancestors: Ancestors
    environment: Mapping[str, Any]
    weights: Path

    @property
    def run(self) -> Run:
        """Its settings."""
        return self.record.run

    @property
    def full_name(self) -> str:
        """Recipe and run, such as ``grocery/xbm``."""
        return self.record.full_name

    @property
    def line(self) -> tuple[RunRecord, ...]:
        """All runs behind the weights, the first one first and this one last."""
        return (*self.ancestors.runs, self.record)


def read_run_to_export(folder: Path, weights: str | None = None) -> RunToExport:
    """Read a run folder.

    Args:
        folder: made by `findalike train`.
        weights: ``best``, ``last``, ``final`` or a file of weights; by default ``final``, and
            ``best`` for a run that has none.

    Raises:
        RecipeError: if it is no run folder, is damaged, or has no such weights.
    """
    record = read_run_record(folder)
    return RunToExport(
        record=record,
        ancestors=read_ancestors(record),
        environment=read_json(folder / "environment.json", missing={}),
        weights=_weights(folder, weights),
    )


def _weights(folder: Path, wanted: str | None) -> Path:
    place = folder / "weights"
    if wanted is not None and wanted not in NAMED_WEIGHTS:
        path = Path(wanted)
        if not path.is_file():
            raise RecipeError(
                f"--weights {wanted!r}: there is no such file; give best, last, final or a "
                f".safetensors file, such as one of {place}"
            )
        return path
    names = [wanted] if wanted is not None else ["final", "best"]
    for name in names:
        path = place / f"{name}.safetensors"
        if path.is_file():
            return path
    present = sorted(path.stem for path in place.glob("*.safetensors"))
    raise RecipeError(
        f"{folder} has no weights named {' or '.join(names)}: it has "
        f"{', '.join(present) or 'none; train it first'}"
    )
