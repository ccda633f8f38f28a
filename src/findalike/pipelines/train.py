"""The use case of `findalike train`: run after run, each from the weights of one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from findalike.config import Recipe, Run, fingerprint, resolve_path
from findalike.errors import RecipeError
from findalike.models.bundle import file_sha256
from findalike.pipelines.chain_table import RunOutcome, write_chain_table
from findalike.pipelines.rehearsal import rehearsal
from findalike.pipelines.run_training import train_run
from findalike.pipelines.training_plan import start_in_words
from findalike.training import TrainingProgress, read_run_state

FINAL = Path("weights") / "final.safetensors"
OUTCOME = "figures.json"

Say = Callable[[str], None]


def train_recipe(
    recipe: Recipe,
    *,
    base: Path,
    out: Path,
    resume: bool = False,
    devices: str = "auto",
    progress: TrainingProgress | None = None,
    say: Say | None = None,
) -> list[RunOutcome]:
    """Train every run of a recipe that is not finished yet.

    A run is finished if its folder says so and nothing that its weights depend on has changed: its
    settings, the tables it reads, the weights it starts from. The folder of a changed run is kept
    under another name.

    Args:
        base: the recipe's folder, which its paths are relative to.
        out: folder of the runs; those of this recipe go into a folder of its name.
        resume: go on with a run that was interrupted.
        devices: see `findalike.training.devices.parse_devices`.
        progress: is told of each step.
        say: is told what happens between trainings, a sentence each.

    Returns:
        What each run came to, in order.

    Raises:
        RecipeError: if a run was interrupted and ``resume`` is not set, or it names what is not
            there.
        TrainingDataError: if data cannot be used, or leaks into what judges the run.
    """
    tell = say or (lambda _: None)
    for run in recipe.runs:
        start_in_words(recipe, run, base)
    folder = out / recipe.name
    outcomes: list[RunOutcome] = []
    fingerprints: dict[str, str] = {}
    for run in recipe.runs:
        parent = recipe.start_of(run)
        origin = _origin(run, base, fingerprints.get(parent or ""))
        mark = fingerprints[run.name] = fingerprint(run, origin)
        target = folder / run.name
        start = start_in_words(recipe, run, base)
        if _is_finished(target, mark):
            tell(f"run {run.name} is finished: kept")
            outcomes.append(_outcome(run, start, target, "kept"))
            continue
        resumed = _make_way(target, mark, resume=resume, tell=tell)
        tell(f"run {run.name}, from {start}")
        train_run(
            run,
            base=base,
            folder=target,
            mark=mark,
            start=start,
            parent=_parent_weights(run, base, folder / parent / FINAL if parent else None),
            devices=devices,
            progress=progress,
            tell=tell,
        )
        outcomes.append(_outcome(run, start, target, "resumed" if resumed else "trained"))
        write_chain_table(outcomes, folder)
    write_chain_table(outcomes, folder)
    return outcomes


def rehearse_recipe(
    recipe: Recipe,
    *,
    out: Path,
    progress: TrainingProgress | None = None,
    say: Say | None = None,
) -> list[RunOutcome]:
    """Train the recipe made small; see `findalike.pipelines.rehearsal.rehearsal`."""
    # Absolute, for the stand-in recipe reads its paths relative to this folder.
    data = (out / f"{recipe.name}-smoke" / "stand-ins").resolve()
    small = rehearsal(recipe, data)
    return train_recipe(
        small, base=data, out=out, resume=True, devices="cpu", progress=progress, say=say
    )


def _origin(run: Run, base: Path, parent: str | None) -> str:
    """A digest of all that the weights depend on beside the run's own settings."""
    parts = [parent or ""]
    files = [run.model.checkpoint] if run.start == "pretrained" and run.model.checkpoint else []
    if parent is None and run.start not in ("random", "pretrained"):
        files.append(run.start)
    files += [entry.path for entry in run.data.train]
    for text in files:
        path = resolve_path(text, base=base)
        parts.append(file_sha256(path) if path.is_file() else "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _is_finished(target: Path, mark: str) -> bool:
    state = read_run_state(target)
    finished = state is not None and state.state == "finished" and state.fingerprint == mark
    return finished and (target / FINAL).is_file() and (target / OUTCOME).is_file()


def _make_way(target: Path, mark: str, *, resume: bool, tell: Say) -> bool:
    """Whether the run in the folder is gone on with; what lies in its way is renamed."""
    state = read_run_state(target)
    if state is None:
        return False
    if state.fingerprint == mark and state.state == "running":
        if not resume:
            raise RecipeError(
                f"the run in {target} was interrupted: add --resume to go on with it, or remove "
                f"the folder to start again"
            )
        return state.resumable
    number = 1
    while (aside := target.with_name(f"{target.name}.old-{number}")).exists():
        number += 1
    target.rename(aside)
    tell(f"run {target.name} has changed and is repeated; the old one is {aside}")
    return False


def _parent_weights(run: Run, base: Path, parent: Path | None) -> Path | None:
    if parent is not None:
        return parent
    if run.start in ("random", "pretrained"):
        return None
    return resolve_path(run.start, base=base)


def _outcome(run: Run, start: str, target: Path, state: str) -> RunOutcome:
    found: dict[str, Any] = json.loads((target / OUTCOME).read_text(encoding="utf-8"))
    return RunOutcome(
        run=run,
        start=start,
        folder=target,
        state=state,
        figures=found["final"],
        steps=found["steps"],
        images=found["images"],
        classes=found["classes"],
        seconds=found["seconds"],
    )
