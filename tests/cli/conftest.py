from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from findalike.cli.main import run
from support import plain_rows, write_table


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def findalike(monkeypatch, capfd):
    """Runs the command line in this process: ``findalike("index", source, "--shop", shop)``."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["findalike", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        capfd.readouterr()
        try:
            run()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def table(tmp_path: Path, photos: Path) -> Path:
    return write_table(photos / "products.csv", plain_rows())


@pytest.fixture
def shop(findalike, tmp_path, table, tiny_encoder) -> Path:
    folder = tmp_path / "shop"
    assert findalike("index", table, "--shop", folder, "--encoder", tiny_encoder).code == 0
    return folder
