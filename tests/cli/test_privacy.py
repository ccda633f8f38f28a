"""The commands tell nobody what they do, and leave nothing in the user's home."""

from __future__ import annotations

import os
import subprocess
import sys


def test_index_and_search_leave_nothing_behind(tmp_path, table, photos, tiny_encoder):
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    # Reporting libraries keep quiet where they see a test, so nothing of that may be seen.
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment = {
        name: value for name, value in kept.items() if not name.startswith(("PYTEST", "XDG_"))
    } | {"HOME": str(home), "TMPDIR": str(scratch)}
    shop = tmp_path / "shop"
    for arguments in (
        ("index", table, "--shop", shop, "--encoder", tiny_encoder),
        ("search", photos / "3.jpg", "--shop", shop),
    ):
        command = [sys.executable, "-m", "findalike", *map(str, arguments)]
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=120)
    assert list(home.rglob("*")) == []
    assert [path for path in scratch.rglob("*") if path.is_file()] == []
