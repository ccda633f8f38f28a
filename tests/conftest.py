"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photos, named by FINDALIKE_DATA; its tests skip where it is missing."""
    folder = Path(os.environ.get("FINDALIKE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "grocery" / "gallery.csv").is_file():
        pytest.skip(f"real photos not found at {folder}: set FINDALIKE_DATA to their folder")
    return folder
