"""The table of a chain: what each run changed, and what it came to."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from findalike.config import Run

TABLE_CSV = "table.csv"
TABLE_MARKDOWN = "table.md"


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What one run of a chain came to.

    Attributes:
        run: its settings.
        start: what its weights came from, in words.
        folder: the run folder.
        state: ``trained``, ``resumed``, or ``kept`` if it was finished before.
        figures: of its final weights: ``NAME/map`` of each validation set, ``map``, ``val_loss``.
        steps: of the optimizer.
        images: it trained on.
        classes: labels of these images.
        seconds: spent in training and validation, over all sittings.
    """

    run: Run
    start: str
    folder: Path
    state: str
    figures: Mapping[str, float]
    steps: int
    images: int
    classes: int
    seconds: float


def chain_header(outcomes: Sequence[RunOutcome]) -> list[str]:
    """Names of the columns; validation sets that any run has get one each."""
    return [
        "run",
        "from",
        "backbone",
        "px",
        "losses",
        "images",
        "classes",
        "steps",
        "minutes",
        *(f"{name} mAP" for name in _sets(outcomes)),
    ]


def chain_rows(outcomes: Sequence[RunOutcome]) -> list[list[str]]:
    """One row a run, as text."""
    return [
        [
            outcome.run.name,
            outcome.run.start if outcome.run.start in ("random", "pretrained") else outcome.start,
            outcome.run.model.backbone.removeprefix("timm/").removeprefix("open_clip/"),
            str(outcome.run.input.size),
            " + ".join(_loss(outcome.run)),
            str(outcome.images),
            str(outcome.classes),
            str(outcome.steps),
            f"{outcome.seconds / 60:.1f}",
            *(_figure(outcome.figures.get(f"{name}/map")) for name in _sets(outcomes)),
        ]
        for outcome in outcomes
    ]


def write_chain_table(outcomes: Sequence[RunOutcome], folder: Path) -> None:
    """Write ``table.csv`` and ``table.md`` into the recipe's folder."""
    header, rows = chain_header(outcomes), chain_rows(outcomes)
    with (folder / TABLE_CSV).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    lines = [header, ["---"] * len(header), *rows]
    text = "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)
    (folder / TABLE_MARKDOWN).write_text(text, encoding="utf-8")


def _sets(outcomes: Sequence[RunOutcome]) -> list[str]:
    names = (entry.name for outcome in outcomes for entry in outcome.run.data.validation)
    return list(dict.fromkeys(names))


def _loss(run: Run) -> list[str]:
    names = [
        f"{loss.name} + XBM {run.memory.size}"
        if loss.name == "contrastive" and run.memory.size
        else loss.name
        for loss in run.losses
    ]
    return names + (["distillation"] if run.distillation else [])


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
