"""The reference is the one the commands give, links lead somewhere, pictures are small."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
WRITTEN = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
LARGEST_PICTURE = 400_000


@pytest.fixture(scope="module")
def builder():
    place = REPOSITORY / "docs" / "build_reference.py"
    spec = importlib.util.spec_from_file_location("build_reference", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_commands_say(builder):
    written = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == builder.reference(), "run `make docs` and commit docs/cli.md"


def test_the_reference_of_recipes_is_what_the_schema_says(builder):
    written = (REPOSITORY / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert written == builder.recipes(), "run `make docs` and commit docs/recipes.md"


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in WRITTEN])
def test_links_lead_somewhere(path: Path):
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        place, _, anchor = target.partition("#")
        file = path.parent / place if place else path
        assert file.exists(), f"{path.name} links to {target}"
        if anchor:
            headings = HEADING.findall(file.read_text(encoding="utf-8"))
            assert anchor in {_anchor(heading) for heading in headings}, target


def _anchor(heading: str) -> str:
    """How a heading is named in links: lower case, hyphens for spaces, no punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def test_pictures_are_small_and_shown():
    pictures = [p for p in (REPOSITORY / "docs").rglob("*") if p.suffix in (".png", ".jpg")]
    told = "".join(path.read_text(encoding="utf-8") for path in WRITTEN)
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < LARGEST_PICTURE, picture.name
        assert picture.name in told, f"{picture.name} is shown nowhere"
