"""Long work beside searches gets less of the CPU than they do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SHOWN = """
import os
from pathlib import Path
from findalike.server.giving_way import give_way
before = os.nice(0)
give_way(7)
print(os.nice(0) - before)
print(Path("/proc/self/autogroup").read_text())
"""


def test_a_process_of_its_own_session_gives_way():
    if not Path("/proc/self/autogroup").exists():
        pytest.skip("this system does not weigh sessions")
    command = [sys.executable, "-c", SHOWN]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, start_new_session=True
    )
    assert done.returncode == 0, done.stderr
    less, group = done.stdout.splitlines()[:2]
    assert less == "7"
    assert re.search(r"nice 7$", group)
