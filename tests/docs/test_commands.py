"""Every block of commands and of Python in the documentation runs, in the order it stands in."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from findalike.data.simulate import simulate

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))

_SET_UP = re.compile(r"(make (demo|serve|test|check|format|docs)|git clone|cd|pip install)\b|#")

RUN = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
NOT_RUN = {"text", "csv", "json", "yaml", "html", "js", "css", "bash data"}
WRITTEN = re.compile(r"yaml ([\w-]+\.yml)")
SIMULATED = "findalike data simulate --products 12 --seed 7 --out photos"
PULLING = {"ml-engineer.md"}


@dataclass(frozen=True)
class Block:
    """A fenced block; ``line`` is the number of its first line of content."""

    path: Path
    line: int
    info: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.path.name}, line {self.line}"

    @property
    def is_set_up(self) -> bool:
        """Whether it installs findalike, which the tests have behind them."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        return self.info == "bash" and all(_SET_UP.match(line) for line in lines)


def blocks(path: Path) -> Sequence[Block]:
    """The fenced blocks of a Markdown file, in order."""
    found: list[Block] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    start, info = 0, ""
    for number, line in enumerate(lines, start=1):
        if not line.startswith("```"):
            continue
        if start:
            text = "\n".join(lines[start - 1 : number - 1])
            found.append(Block(path, start, info, text))
            start = 0
        else:
            start, info = number + 1, line.removeprefix("```").strip()
    assert not start, f"{path.name}, line {start}: the block is not closed"
    return found


@pytest.fixture(scope="session")
def simulated_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop that the documentation simulates; where it lies, the command has nothing to do."""
    folder = tmp_path_factory.mktemp("simulated") / "photos"
    simulate(folder, products=12, seed=7)
    return folder


def _environment(home: Path, data: Path | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "FINDALIKE_DATA"}
    kept |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "FINDALIKE_HOME": str(home),
        "COLUMNS": "120",
        "HF_HUB_OFFLINE": "1",
    }
    return kept | ({"FINDALIKE_DATA": str(data)} if data is not None else {})


def _run(block: Block, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [*RUN[block.info.split()[0]], block.text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, (
        f"{block.name} ended with {done.returncode}\n{block.text}\n{done.stdout}\n{done.stderr}"
    )
    return done.stdout


def _shape(value: Any) -> Any:
    """The keys of JSON, through the first entry of each list; free attributes have any."""
    if isinstance(value, dict):
        return {k: "free" if k == "attributes" else _shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__ if isinstance(value, bool | str) else "number or nothing"


def _with(*infos: str) -> list[Path]:
    return [path for path in FILES if any(b.info in infos for b in blocks(path))]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.name, marks=[pytest.mark.train] * (path.name in PULLING))
        for path in _with(*RUN)
    ],
)
def test_blocks_run(path: Path, tmp_path: Path, simulated_photos: Path):
    shutil.copytree(simulated_photos, tmp_path / "photos")
    try:
        _run_all(path, tmp_path)
    finally:
        _end_services(tmp_path)


def _run_all(path: Path, tmp_path: Path) -> None:
    environment = _environment(tmp_path / "home")
    printed = ""
    for block in blocks(path):
        written = WRITTEN.fullmatch(block.info)
        assert written or block.info in {*RUN, *NOT_RUN}, f"{block.name}: what is {block.info!r}?"
        if written:
            (tmp_path / written.group(1)).write_text(block.text, encoding="utf-8")
        elif block.info == "json":
            told = json.loads(printed[printed.index("{\n") :])
            assert _shape(json.loads(block.text)) == _shape(told), block.name
        elif block.info in RUN and not block.is_set_up:
            if "--out photos" in block.text:
                assert SIMULATED in block.text, f"{block.name}: the tests have made {SIMULATED}"
            printed = _run(block, tmp_path, environment)


def _end_services(folder: Path) -> None:
    """End what blocks started beside them: each writes its number to a file ``….pid``."""
    for file in folder.glob("*.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(file.read_text()), signal.SIGTERM)


@pytest.mark.parametrize("path", [pytest.param(p, id=p.name) for p in _with("bash data")])
def test_blocks_on_real_photos_run(path: Path, tmp_path: Path, shared_data: Path):
    environment = _environment(tmp_path / "home", shared_data.resolve())
    for block in blocks(path):
        if block.info == "bash data":
            _run(block, tmp_path, environment)


def test_set_up_is_what_continuous_integration_runs():
    told = [
        line
        for block in blocks(REPOSITORY / "README.md")
        if block.is_set_up
        for line in block.text.splitlines()
    ]
    assert any(line.startswith("make demo") for line in told)
    assert any(line.startswith("make test") for line in told)
    run = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "make demo" in run
    assert {"make test", "make check"} & set(run)
