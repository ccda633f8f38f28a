"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support import make_tiny_encoder, write_photos

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photos, named by FINDALIKE_DATA; its tests skip where it is missing."""
    folder = Path(os.environ.get("FINDALIKE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "grocery" / "gallery.csv").is_file():
        pytest.skip(f"real photos not found at {folder}: set FINDALIKE_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real bundle that embeds in microseconds: the mean colour of 4 x 4 cells.

    49 dimensions: a constant, so that no photo has a zero embedding, and 4 x 4 x 3 means.
    """
    return make_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny", name="tiny")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 24 distinct photos, ``0.jpg`` to ``23.jpg``, each 96 x 64 pixels."""
    folder = tmp_path / "photos"
    write_photos(folder, range(24))
    return folder
