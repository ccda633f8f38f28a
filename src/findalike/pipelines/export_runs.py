"""The runs behind an exported encoder, as sections and pictures of its model card."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from findalike.pipelines.card_table import table
from findalike.pipelines.chain_table import RunOutcome, chain_header, chain_rows
from findalike.pipelines.machine_paths import without_machine_paths
from findalike.pipelines.run_record import RunRecord, TrainedOn
from findalike.pipelines.run_to_export import RunToExport

_ALTERNATIVES = {"loss.png": "Loss by step", "map.png": "mAP of the validation sets by step"}


def data_in_words(source: RunToExport) -> str:
    """All data of all runs behind an encoder, and what the first of them began with."""
    trained_on = ", ".join(str(entry) for entry in _data_sets(source))
    return f"{trained_on}; started from {source.line[0].start}"


def data_section(source: RunToExport, licence: str) -> str:
    """What was trained on in any run, and under which terms the weights come.

    Args:
        licence: of the weights.
    """
    several = len(source.line) > 1
    header = ("data set", "images", "labels", *(["in the runs"] if several else []))
    rows = [
        [entry.name, _count(entry.images), _count(entry.classes)]
        + ([", ".join(runs)] if several else [])
        for entry, runs in _data_sets(source).items()
    ]
    parts = [table(header, rows), _line_in_words(source)]
    teachers = list(_teachers(source))
    if teachers:
        parts.append(f"Held near to what other encoders say: {'; '.join(teachers)}.")
    names = ", ".join(dict.fromkeys(entry.name for entry in _data_sets(source)))
    parts.append(
        f"Licence of the weights: {licence}. A recipe knows nothing of the licences of its data: "
        f"see those of {names} before you pass this encoder on."
    )
    return "\n\n".join(parts)


def training_section(source: RunToExport, pictures: Mapping[str, Path]) -> Iterator[str]:
    """What each run came to, and the curves."""
    outcomes = [outcome for record in source.line if (outcome := _outcome(record)) is not None]
    if not outcomes and not pictures:
        return
    yield "## Training"
    if outcomes:
        header = chain_header(outcomes)
        yield table(tuple(header), chain_rows(outcomes))
        yield "The mAP is that of each run's final weights, by torch."
    if pictures:
        yield "\n".join(f"![{_ALTERNATIVES[name]}]({name})" for name in pictures)


def recipe_section(source: RunToExport) -> Iterator[str]:
    """The settings: all of the first run, and what each later one changes."""
    yield "## Recipe"
    before: dict[str, Any] | None = None
    for record in source.line:
        settings = without_machine_paths(record.run.model_dump(mode="json", by_alias=True))
        if before is None:
            yield f"The run `{record.full_name}`, with every setting:"
            shown = settings
        else:
            yield f"The run `{record.full_name}`, what it changes of the one before it:"
            shown = {"name": settings["name"], "start": settings["start"]}
            shown |= _changes(before, settings)
        yield f"```yaml\n{_yaml(shown)}```"
        before = settings


def draw_curves(source: RunToExport, folder: Path) -> dict[str, Path]:
    """The pictures of the card, by file name, drawn into ``folder``.

    A validation that was asked only once makes no curve: its figure is in the table.
    """
    from findalike.training.chain_charts import Curves, draw_chain_charts  # noqa: PLC0415
    from findalike.training.metrics_log import read_metrics  # noqa: PLC0415

    chain = [
        Curves(record.run.name, read_metrics(record.folder / "metrics.csv"))
        for record in source.line
    ]
    if any(curves.rows for curves in chain):
        return draw_chain_charts(chain, folder)
    # A run folder from which the table was taken: its own pictures are what there is.
    charts = source.record.folder / "charts"
    found = [name for name in _ALTERNATIVES if (charts / name).is_file()]
    return {name: Path(shutil.copyfile(charts / name, folder / name)) for name in found}


def _data_sets(source: RunToExport) -> dict[TrainedOn, list[str]]:
    """Each training set, and the names of the runs that saw it so."""
    found: dict[TrainedOn, list[str]] = {}
    for record in source.line:
        for entry in record.data:
            found.setdefault(entry, []).append(record.run.name)
    return found


def _line_in_words(source: RunToExport) -> str:
    first, *later = source.line
    told = f"Started from: {first.start}."
    if later:
        names = [record.run.name for record in source.line]
        told += f" {len(names)} runs, each from the weights of the one before: {', '.join(names)}."
    if source.ancestors.lost:
        told += f" {source.ancestors.lost}"
    if not source.record.finished:
        told += " The training had not come to its end."
    return told


def _teachers(source: RunToExport) -> Iterator[str]:
    for record in source.line:
        section = record.run.distillation
        if section is not None and section.teacher != "start":
            named = (section.teacher,) if isinstance(section.teacher, str) else section.teacher
            shown = ", ".join(str(without_machine_paths(name)) for name in named)
            yield f"{record.run.name} to {shown}"


def _outcome(record: RunRecord) -> RunOutcome | None:
    said = record.outcome
    try:
        return RunOutcome(
            run=record.run,
            start=record.start,
            folder=record.folder,
            state="kept",
            figures={str(name): float(value) for name, value in said["final"].items()},
            steps=int(said["steps"]),
            images=int(said["images"]),
            classes=int(said["classes"]),
            seconds=float(said["seconds"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        # Of a run that did not come to its end, or of another version.
        return None


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The keys whose values differ, sections key by key; lists and values as a whole."""
    found: dict[str, Any] = {}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            inner = _changes(old, value)
            if inner:
                found[key] = inner
        elif key not in before or old != value:
            found[key] = value
    return found


def _yaml(settings: Any) -> str:
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100)


def _count(value: int | None) -> str:
    return "not noted" if value is None else f"{value:,}"
