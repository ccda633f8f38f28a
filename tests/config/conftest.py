"""A reader of recipes from text, and of what is said of those that are refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from findalike.config import Recipe, read_recipe
from findalike.errors import RecipeError

# Lets the tests beside it import `small_recipe`.
sys.path.insert(0, str(Path(__file__).parent))

Read = Callable[..., Recipe]
Refusal = Callable[..., str]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """``read(text, "key=value", …)``."""
    path = tmp_path / "recipe.yml"

    def reads(text: str, *overrides: str) -> Recipe:
        path.write_text(text, encoding="utf-8")
        return read_recipe(path, overrides=overrides)

    return reads


@pytest.fixture
def refusal(read: Read, tmp_path: Path) -> Refusal:
    """What is said of a recipe that is refused, without the folder of the file."""

    def says(text: str, *overrides: str) -> str:
        with pytest.raises(RecipeError) as caught:
            read(text, *overrides)
        return str(caught.value).replace(str(tmp_path / "recipe.yml"), "recipe.yml")

    return says
