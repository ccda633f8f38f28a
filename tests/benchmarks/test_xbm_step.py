"""The benchmark of the cross-batch memory runs to its end; what it measures there means nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "xbm_step.py"


def test_three_forms_of_one_loss_are_measured(capsys):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--quick", "--threads", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    # The script ends with an error where their losses or gradients differ.
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert list(found["forms"]) == ["ours", "peer", "loop"]
    for row in found["forms"].values():
        assert 0 < row["min_ms"] <= row["median_ms"]
        assert 0 <= row["step_mb"] < row["peak_mb"]

    spec = importlib.util.spec_from_file_location("xbm_step", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    sys.modules["xbm_step"] = script
    spec.loader.exec_module(script)
    script.show(found["forms"], script.Sizes(**found["sizes"]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("memory 2,000 x 32, batch 16, 3 rounds, 1 threads")
    rows = [line.split()[1] for line in lines if line.startswith("| ")]
    assert rows == ["form", "ours", "peer", "loop"]
