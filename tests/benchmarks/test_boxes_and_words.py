"""The benchmarks of proposed boxes and of calibrations run to their end on a tiny shop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from findalike.models.calibration import Calibration
from support import make_tiny_encoder

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmarks")


@pytest.fixture(scope="module")
def encoder(work: Path) -> Path:
    folder = make_tiny_encoder(work / "tiny", name="tiny")
    calibration = Calibration(
        slope=5.0,
        offset=0.0,
        same=0.9,
        very_similar=0.5,
        similar=0.1,
        false_alarms=0.05,
        caught=0.5,
        queries=5,
        fitted_on="photos",
        command="c",
    )
    path = folder / "encoder.json"
    said = json.loads(path.read_text()) | {"calibration": calibration.model_dump()}
    path.write_text(json.dumps(said))
    return folder


def run(script: str, work: Path, encoder: Path) -> dict[str, object]:
    options = ("--work", work, "--products", 5, "--seed", 3, "--encoder", encoder, "--json")
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_propose(work: Path, encoder: Path) -> None:
    figures = run("propose.py", work, encoder)
    assert set(figures["map"]) == {"true box", "proposed", "whole photo"}
    assert figures["fits"]["best of those proposed"][0] >= figures["fits"]["proposed"][0]
    assert all(0 <= mean <= 1 for mean, _ in figures["fits"].values())
    assert figures["ms"] > 0


def test_calibration(work: Path, encoder: Path) -> None:
    (figures,) = run("calibration.py", work, encoder).values()
    assert figures["photos"] >= 5
    assert 0 <= figures["error"] <= 1
    assert sum(count for count, _ in figures["words"].values()) == 2 * figures["photos"]
