"""The folder of a run: what it is, who writes to it, and where its files lie."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from filelock import FileLock, Timeout

from findalike.config import Run
from findalike.errors import RecipeError, RunLockedError
from findalike.training.environment import describe_environment
from findalike.training.files import write_json

_RUN, _LOCK = "run.json", ".lock"
_OWN_FILES = (
    "environment.json", "metrics.csv", "figures.json", "data.json", "start.safetensors", _RUN,
)  # fmt: skip
_OWN_FOLDERS = ("weights", "checkpoints", "tensorboard", "charts")


@dataclass(frozen=True, slots=True)
class RunState:
    """What a run folder says of itself.

    Attributes:
        fingerprint: see `findalike.config.fingerprint`.
        state: ``running`` until `RunFolder.finish`, also after the process died.
        start: what its weights came from, in words.
        resumable: whether there is a checkpoint to go on from.
    """

    name: str
    fingerprint: str
    state: Literal["running", "finished"]
    start: str
    resumable: bool


def read_run_state(folder: Path) -> RunState | None:
    """The state of the run in ``folder``; None if there is none.

    Raises:
        RecipeError: if its ``run.json`` cannot be read.
    """
    path = folder / _RUN
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        finished = found["state"] == "finished"
        return RunState(
            name=str(found["run"]["name"]),
            fingerprint=str(found["fingerprint"]),
            state="finished" if finished else "running",
            start=str(found["start"]),
            resumable=(folder / "checkpoints" / "resume.ckpt").is_file(),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            f"{path} cannot be read ({error}): remove the folder, or choose another --out"
        ) from error


class RunFolder:
    """A run folder that this process writes to, and no other one.

    Attributes:
        path: the folder; ``weights``, ``checkpoints`` and ``charts`` are inside it.
        resuming: whether the run goes on from a checkpoint.
    """

    def __init__(self, path: Path, *, resuming: bool) -> None:
        self.path = path
        self.resuming = resuming
        self._lock: FileLock | None = None

    @classmethod
    def open(
        cls, path: Path, run: Run, *, fingerprint: str, start: str, devices: str = "auto",
        base: Path | None = None, replace: bool = False,
    ) -> RunFolder:  # fmt: skip
        """Make the folder of a run, or go on with it.

        A folder of the same fingerprint is gone on with: from its checkpoint if there is one.

        Args:
            path: the folder.
            run: its settings, written to ``run.json``.
            fingerprint: of the run and its ancestors.
            start: what its weights come from, in words.
            devices: as asked for; written to ``environment.json``.
            base: folder that the run's paths are relative to, for those who read it later.
            replace: begin anew in a folder of another fingerprint or of a finished run. Removes
                what a run writes and nothing else.

        Raises:
            RecipeError: if the folder holds another run, a finished one, or something else.
            RunLockedError: if another process trains in it.
        """
        path.mkdir(parents=True, exist_ok=True)
        folder = cls(path, resuming=False)
        folder._take_lock()
        try:
            folder._prepare(fingerprint, replace=replace)
            described = {
                "run": run.model_dump(mode="json", by_alias=True),
                "fingerprint": fingerprint,
                "state": "running",
                "start": start,
                "base": None if base is None else str(base.resolve()),
            }
            write_json(path / _RUN, described)
            environment = describe_environment(seed=run.train.seed, devices=devices)
            write_json(path / "environment.json", environment)
        except BaseException:
            folder.close()
            raise
        return folder

    @property
    def weights(self) -> Path:
        """Folder of the weights."""
        return self.path / "weights"

    @property
    def checkpoint(self) -> Path:
        """What a resumed run goes on from."""
        return self.path / "checkpoints" / "resume.ckpt"

    @property
    def metrics(self) -> Path:
        """The table of figures."""
        return self.path / "metrics.csv"

    def finish(self) -> None:
        """Mark the run as finished: it is not repeated, and its checkpoint is not needed."""
        described = json.loads((self.path / _RUN).read_text(encoding="utf-8"))
        write_json(self.path / _RUN, described | {"state": "finished"})
        shutil.rmtree(self.checkpoint.parent, ignore_errors=True)

    def close(self) -> None:
        """Let others write again."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        # The processes of other devices get a copy; the lock stays with the one that took it.
        return {"path": self.path, "resuming": self.resuming, "_lock": None}

    def _take_lock(self) -> None:
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunLockedError(
                f"another process trains in {self.path}: wait for it, or choose another --out"
            ) from None
        self._lock = lock

    def _prepare(self, fingerprint: str, *, replace: bool) -> None:
        before = read_run_state(self.path)
        if before is None:
            strangers = [entry.name for entry in self.path.iterdir() if entry.name != _LOCK]
            if strangers:
                raise RecipeError(
                    f"{self.path} is no run folder, and holds {sorted(strangers)[0]!r}: choose "
                    f"another --out"
                )
            return
        same = before.fingerprint == fingerprint
        if same and before.state == "running":
            self.resuming = before.resumable
            if not before.resumable:
                self._clear()
        elif replace:
            self._clear()
        else:
            what = "this run, finished" if same else "a run with other settings"
            raise RecipeError(
                f"{self.path} holds {what}: choose another --out, or let it be replaced"
            )

    def _clear(self) -> None:
        for name in _OWN_FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in _OWN_FILES:
            (self.path / name).unlink(missing_ok=True)
