"""Every recipe that the documentation shows is one, and does what the text beside it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from findalike.config import Recipe, read_recipe
from findalike.errors import RecipeError

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```yaml(?: recipe\.yml)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = [
    pytest.param(text, id=f"{path.name}-{number}")
    for path in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
    for number, text in enumerate(BLOCK.findall(path.read_text(encoding="utf-8")))
]
REFERENCE = REPOSITORY / "docs" / "recipes.md"


@pytest.mark.parametrize("text", SHOWN)
def test_recipes_are_recipes(text, tmp_path):
    path = tmp_path / "recipe.yml"
    path.write_text(text, encoding="utf-8")
    assert read_recipe(path).runs


@pytest.fixture
def example(tmp_path) -> Path:
    path = tmp_path / "recipe.yml"
    path.write_text(BLOCK.findall(REFERENCE.read_text(encoding="utf-8"))[0], encoding="utf-8")
    return path


def test_the_example_inherits_as_told(example):
    recipe = read_recipe(example)
    _, arcface, pairs = recipe.runs
    assert (arcface.train.epochs, arcface.train.batch_size) == (4, 32)
    assert [loss.name for loss in arcface.losses] == ["arcface"]
    assert pairs.input.size == 256
    assert pairs.train.ema == 0.999
    assert [recipe.start_of(run) for run in recipe.runs] == [None, "baseline", "arcface-256"]
    stepped = read_recipe(example, overrides=["pairs.scheduler={name: step}"])
    assert stepped.runs[2].scheduler.warm_up_steps == 0


def test_the_overrides_shown_are_taken(example):
    text = REFERENCE.read_text(encoding="utf-8")
    shown = [line.strip('"') for line in re.findall(r"^--set (.+)$", text, re.MULTILINE)]
    assert len(shown) >= 4
    recipe = read_recipe(example, overrides=shown)
    assert isinstance(recipe, Recipe)
    assert recipe.runs[1].optimizer.lr == 1e-4
    assert recipe.runs[2].losses[0].negative_margin == 0.4


def test_the_message_shown_is_what_is_said(example):
    with pytest.raises(RecipeError) as caught:
        read_recipe(example, overrides=["arcface-256.optimizer.layer_decy=0.5"])
    said = str(caught.value).replace(str(example), example.name)
    assert f"\n{said}\n" in REFERENCE.read_text(encoding="utf-8")
