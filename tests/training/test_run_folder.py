from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")

from findalike.config import Run  # noqa: E402
from findalike.errors import RecipeError, RunLockedError  # noqa: E402
from findalike.training import RunFolder, read_run_state  # noqa: E402
from training_stand_ins import make_run  # noqa: E402

RUN = make_run()


def _open(path: Path, fingerprint: str = "a", *, replace: bool = False) -> RunFolder:
    return RunFolder.open(
        path, RUN, fingerprint=fingerprint, start="random, seed 3", replace=replace
    )


def test_a_folder_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert read_run_state(path) is None
    with _open(path) as folder:
        assert not folder.resuming
        state = read_run_state(path)
        assert state is not None
        assert (state.name, state.fingerprint, state.state) == ("tiny", "a", "running")
        assert (state.start, state.resumable) == ("random, seed 3", False)
        folder.checkpoint.parent.mkdir()
        folder.checkpoint.write_bytes(b"x")
        folder.finish()
        state = read_run_state(path)
        assert state is not None
        assert (state.state, state.resumable) == ("finished", False)
    written = json.loads((path / "run.json").read_text(encoding="utf-8"))
    assert Run.model_validate_json(json.dumps(written["run"])) == RUN
    environment = json.loads((path / "environment.json").read_text(encoding="utf-8"))
    assert environment["seed"] == 3
    assert environment["packages"]["torch"]
    assert environment["git"] is None or len(environment["git"]["commit"]) == 40


def test_an_unfinished_run_is_gone_on_with_from_its_checkpoint(tmp_path: Path) -> None:
    _open(tmp_path / "run").close()
    stale = tmp_path / "run" / "metrics.csv"
    stale.write_text("step\n", encoding="utf-8")
    with _open(tmp_path / "run") as folder:
        assert not folder.resuming
        assert not stale.exists()
        folder.checkpoint.parent.mkdir()
        folder.checkpoint.write_bytes(b"x")
    with _open(tmp_path / "run") as folder:
        assert folder.resuming


def test_other_and_finished_runs_are_replaced_only_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with _open(path) as folder:
        folder.finish()
    (path / "weights").mkdir()
    (path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RecipeError, match="holds this run, finished"):
        _open(path)
    with pytest.raises(RecipeError, match="a run with other settings"):
        _open(path, "b")
    _open(path, "b", replace=True).close()
    assert not (path / "weights").exists()
    assert (path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"holds 'thesis\.tex'"):
        _open(tmp_path, replace=True)


def test_a_broken_run_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecipeError, match="cannot be read"):
        _open(tmp_path)


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    held = _open(tmp_path / "run")
    with pytest.raises(RunLockedError, match="another process trains"):
        _open(tmp_path / "run")
    held.close()
    _open(tmp_path / "run").close()


def test_it_can_be_sent_to_another_process(tmp_path: Path) -> None:
    with _open(tmp_path / "run") as folder:
        copy = pickle.loads(pickle.dumps(folder))
        assert copy.path == folder.path
        copy.close()
        with pytest.raises(RunLockedError):
            _open(tmp_path / "run")
