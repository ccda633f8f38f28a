"""The benchmark of a training step runs to its end; what it measures there means nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "training_step.py"


def test_two_ways_of_one_step_are_measured():
    options = ["--rounds", "1", "--threads", "1", "--batch", "2", "--json"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    # The script ends with an error where the features of the two differ.
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["size"] == 160
    assert found["ratio"] == found["images_per_s"]["graph"] / found["images_per_s"]["plain"] > 0
