"""A run folder as an export reads it: settings, weights, what it was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from findalike.config import Run, explain
from findalike.errors import RecipeError
from findalike.pipelines.machine_paths import without_machine_paths

NAMED_WEIGHTS = ("best", "last", "final")

MAX_JSON_BYTES = 200_000_000


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
class RunToExport:
    """What a run folder says.

    Attributes:
        folder: the run folder.
        run: its settings.
        start: what its weights came from, in words.
        base: what the paths of ``run`` are relative to; None where the run does not say.
        data: what it was trained on.
        environment: the content of ``environment.json``.
        weights: the file to export.
        finished: whether the run came to its end.
    """

    folder: Path
    run: Run
    start: str
    base: Path | None
    data: tuple[TrainedOn, ...]
    environment: Mapping[str, Any]
    weights: Path
    finished: bool

    @property
    def full_name(self) -> str:
        """Recipe and run, such as ``grocery/xbm``."""
        folder = self.folder.resolve()
        return f"{folder.parent.name}/{folder.name}"

    @property
    def charts(self) -> dict[str, Path]:
        """The curves that the run has drawn, by file name."""
        places = {name: self.folder / "charts" / name for name in ("loss.png", "map.png")}
        return {name: path for name, path in places.items() if path.is_file()}


def read_run_to_export(folder: Path, weights: str | None = None) -> RunToExport:
    """Read a run folder.

    Args:
        folder: made by `findalike train`.
        weights: ``best``, ``last``, ``final`` or a file of weights; by default ``final``, and
            ``best`` for a run that has none.

    Raises:
        RecipeError: if it is no run folder, is damaged, or has no such weights.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise RecipeError(
            f"{folder} is no run: it has no run.json; give the folder of one run, which lies in "
            f"its recipe's folder below the --out of `findalike train`"
        )
    document = _read_json(path)
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
    return RunToExport(
        folder=folder,
        run=run,
        start=str(without_machine_paths(start)),
        base=Path(base) if isinstance(base, str) else None,
        data=_trained_on(folder / "data.json", run),
        environment=_read_json(folder / "environment.json", missing={}),
        weights=_weights(folder, weights),
        finished=document.get("state") == "finished",
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


def _trained_on(path: Path, run: Run) -> tuple[TrainedOn, ...]:
    said = {
        str(entry.get("name")): entry
        for entry in _read_json(path, missing={}).get("sets", ())
        if isinstance(entry, dict)
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


def _read_json(path: Path, *, missing: dict[str, Any] | None = None) -> dict[str, Any]:
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
