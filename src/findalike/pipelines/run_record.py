"""A run folder as one reads it afterwards: settings, data, figures, and the runs it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from findalike.config import Run, explain, resolve_path
from findalike.errors import FindalikeError, RecipeError
from findalike.models.bundle import file_sha256
from findalike.pipelines.machine_paths import without_machine_paths

MAX_JSON_BYTES = 200_000_000
START_SHA256 = "start_sha256"
"""Key of ``data.json``: SHA-256 of the file of weights that a run began with."""

_FINAL = Path("weights") / "final.safetensors"


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """One training set of a run.

    Attributes:
        images: photos trained on; None where the run does not say.
        classes: labels of theirs; None where the run does not say.
    """

    name: str
    images: int | None
    classes: int | None

    def __str__(self) -> str:
        if self.images is None or self.classes is None:
            return self.name
        return f"{self.name} ({self.images:,} images of {self.classes:,} labels)"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run folder says.

    Attributes:
        folder: the run folder.
        run: its settings.
        start: what its weights came from, in words.
        base: what the paths of ``run`` are relative to; None where the run does not say.
        data: what it was trained on.
        start_sha256: of the file it began with; None for none, and where the run does not say.
        outcome: the content of ``figures.json``; empty for a run that has not come to its end.
        finished: whether the run came to its end.
    """

    folder: Path
    run: Run
    start: str
    base: Path | None
    data: tuple[TrainedOn, ...]
    start_sha256: str | None
    outcome: Mapping[str, Any]
    finished: bool

    @property
    def full_name(self) -> str:
        """Recipe and run, such as ``grocery/xbm``."""
        folder = self.folder.resolve()
        return f"{folder.parent.name}/{folder.name}"


@dataclass(frozen=True, slots=True)
class Ancestors:
    """The runs that a run comes from.

    Attributes:
        runs: the first one first.
        lost: why the line is not followed further, a sentence; "" where it is known to its start.
    """

    runs: tuple[RunRecord, ...] = ()
    lost: str = ""


def read_run_record(folder: Path) -> RunRecord:
    """Read a run folder.

    Raises:
        RecipeError: if it is no run folder, or is damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise RecipeError(
            f"{folder} is no run: it has no run.json; give the folder of one run, which lies in "
            f"its recipe's folder below the --out of `findalike train`"
        )
    document = read_json(path)
    try:
        # JSON, because only there a strict schema takes a list for a tuple.
        run = Run.model_validate_json(json.dumps(document["run"]))
        start = str(document["start"])
    except KeyError as error:
        raise RecipeError(f"{path} has no key {error}: train the run again") from None
    except ValidationError as error:
        raise RecipeError(
            f"{path}: {'; '.join(explain(error, Run))}; export it with the findalike that "
            f"trained it"
        ) from None
    base = document.get("base")
    data = read_json(folder / "data.json", missing={})
    sha256 = data.get(START_SHA256)
    return RunRecord(
        folder=folder,
        run=run,
        start=str(without_machine_paths(start)),
        base=Path(base) if isinstance(base, str) else None,
        data=_trained_on(data, run),
        start_sha256=sha256 if isinstance(sha256, str) else None,
        outcome=read_json(folder / "figures.json", missing={}),
        finished=document.get("state") == "finished",
    )


def read_ancestors(record: RunRecord) -> Ancestors:
    """Follow the starts of a run as far back as there are run folders to read.

    A folder whose weights are not those that the run began with is of another training since, and
    not taken for an ancestor.
    """
    found: list[RunRecord] = []
    seen = {record.folder.resolve()}
    child = record
    while child.run.start not in ("random", "pretrained"):
        weights = _start_file(child)
        parent = weights.parent.parent if weights is not None else None
        said = f"{child.run.name} started from {child.start}"
        if weights is None or parent is None or not (parent / "run.json").is_file():
            return Ancestors(tuple(found), f"{said}, of which nothing more is known here.")
        if child.start_sha256 is not None and (
            not weights.is_file() or file_sha256(weights) != child.start_sha256
        ):
            return Ancestors(tuple(found), f"{said}, which has been trained anew since.")
        try:
            child = read_run_record(parent)
        except RecipeError:
            return Ancestors(tuple(found), f"{said}, which cannot be read.")
        if parent.resolve() in seen:
            return Ancestors(tuple(found), f"{said}, which comes from itself.")
        seen.add(parent.resolve())
        found.insert(0, child)
    return Ancestors(tuple(found))


def _start_file(child: RunRecord) -> Path | None:
    """The file of weights a run began with: of a run beside it, or of any folder."""
    beside = child.start if child.run.start == "previous" else child.run.start
    folder = child.folder.resolve().parent / beside
    if Path(beside).name == beside and (
        child.run.start == "previous" or (folder / "run.json").is_file()
    ):
        return folder / _FINAL
    try:
        return resolve_path(child.run.start, base=child.base or Path.cwd())
    except FindalikeError:
        return None


def _trained_on(data: Mapping[str, Any], run: Run) -> tuple[TrainedOn, ...]:
    said = {
        str(entry.get("name")): entry for entry in data.get("sets", ()) if isinstance(entry, dict)
    }
    return tuple(
        TrainedOn(
            entry.name,
            _count(said.get(entry.name, {}).get("images")),
            _count(said.get(entry.name, {}).get("classes")),
        )
        for entry in run.data.train
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def read_json(path: Path, *, missing: dict[str, Any] | None = None) -> dict[str, Any]:
    """The object in a file that a run wrote.

    Args:
        missing: given where there is no file; by default that is an error.

    Raises:
        RecipeError: if it cannot be read, or holds something else.
    """
    if missing is not None and not path.is_file():
        return missing
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise RecipeError(f"{path} is larger than {MAX_JSON_BYTES} bytes: no run wrote it")
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RecipeError(f"{path} cannot be read ({error}): train the run again") from error
    if not isinstance(document, dict):
        raise RecipeError(f"{path} holds no JSON object: train the run again")
    return document
