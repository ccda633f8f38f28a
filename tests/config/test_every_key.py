"""No key of a recipe is decoration: the code outside the schema reads each of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import findalike
from findalike.config import Recipe, Run
from findalike.config.explain import sections_of

SOURCE = Path(findalike.__file__).parent

# Read by people, and the tag that says which section of a union it is.
FOR_READERS = {("Recipe", "description"), ("Run", "description")}


def sections(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        for inner in sections_of(field.annotation):
            yield from sections(inner, seen)


def keys() -> list[tuple[str, str]]:
    return [
        (model.__name__, name)
        for model in sections(Recipe, set())
        for name in model.model_fields
        if (model.__name__, name) not in FOR_READERS
    ]


@pytest.fixture(scope="module")
def read() -> set[str]:
    """Every attribute that is read anywhere but in the schema."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        schema = path.parent == SOURCE / "config"
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                # Within the schema, only a method that hands the value on counts as reading.
                if schema and not (isinstance(node.value, ast.Name) and path.stem == "model"):
                    continue
                found.add(node.attr)
    return found


@pytest.mark.parametrize(("section", "key"), keys())
def test_every_key_is_read(section: str, key: str, read: set[str]) -> None:
    assert key in read, f"{section}.{key} is in the schema, and nothing reads it"


def test_the_walk_reaches_every_section() -> None:
    reached = {section for section, _ in keys()}
    assert {"TrainSection", "ArcFace", "PhoneAugment", "FinishSection", "LevelSection"} <= reached
    assert len(keys()) > 90
    assert Run in set(sections(Recipe, set()))
