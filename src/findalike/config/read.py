"""From a YAML file to a checked recipe: inheritance from run to run, and overrides."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from findalike.config.explain import explain
from findalike.config.recipe import Recipe, Run
from findalike.config.strict_yaml import NOT_YAML, StrictLoader, why_no_yaml
from findalike.errors import RecipeError

MAX_RECIPE_BYTES = 1_000_000

_NOT_INHERITED = ("name", "description", "start")


def read_recipe(path: Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Every run has the settings of the run before it and changes what it states: mappings are merged
    key by key, lists and values are replaced, and a mapping whose ``name`` changes is replaced as a
    whole, for its other keys belonged to the old name.

    Args:
        path: a YAML file.
        overrides: ``key=value`` each, the key dotted and the value YAML: ``train.epochs=1`` for
            every run, ``arcface-224.train.epochs=1`` for the run of that name.

    Raises:
        RecipeError: if the file cannot be read or breaks the schema; the message names the file and
            the dotted key, and for an unknown key the nearest allowed one.
    """
    document = _load(path)
    merged = _override(_inherit(document, path), overrides)
    try:
        # JSON, because only there a strict schema takes a list for a tuple.
        return Recipe.model_validate_json(json.dumps(merged))
    except ValidationError as error:
        raise RecipeError(f"{path}: {_first_of_each(explain(error, Recipe), merged)}") from None
    except (TypeError, ValueError) as error:
        raise RecipeError(
            f"{path}: {error}: only text, numbers, lists and mappings are allowed"
        ) from None


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise RecipeError(f"{path} is larger than {MAX_RECIPE_BYTES} bytes: it is no recipe")
        document = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise RecipeError(f"cannot read {path} ({error.strerror}): give a recipe's file") from error
    except NOT_YAML as error:
        raise RecipeError(f"{path} is not YAML: {why_no_yaml(error)}") from None
    if not isinstance(document, dict) or not isinstance(document.get("runs"), list):
        raise RecipeError(f"{path} is no recipe: it must hold 'name' and a list 'runs'")
    return document


class _Loader(StrictLoader):
    """Says what recipes have instead of aliases."""

    instead_of_aliases = "a run inherits from the one before it"


def _inherit(document: dict[str, Any], path: Path) -> dict[str, Any]:
    runs: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    for position, stated in enumerate(document["runs"]):
        if not isinstance(stated, dict):
            raise RecipeError(f"{path}: runs.{position} is {stated!r}: a run is a mapping")
        run = _merge(before, stated)
        runs.append(run)
        before = {key: value for key, value in run.items() if key not in _NOT_INHERITED}
    return {**document, "runs": runs}


def _merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(dict(old))
    for key, value in new.items():
        held = merged.get(key)
        if (
            isinstance(held, dict)
            and isinstance(value, dict)
            and ("name" not in value or value["name"] == held.get("name"))
        ):
            merged[key] = _merge(held, value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _override(document: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    names = [str(run.get("name")) for run in document["runs"]]
    sections = {field.alias or name for name, field in Run.model_fields.items()}
    for text in overrides:
        key, equals, raw = text.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            raise RecipeError(f"--set {text!r}: write key=value, such as train.epochs=1")
        try:
            value = yaml.load(raw, Loader=_Loader)  # noqa: S506 - a SafeLoader
        except NOT_YAML:
            raise RecipeError(f"--set {text!r}: the value {raw!r} is not YAML") from None
        targets = document["runs"]
        # A run's name may hold dots, so the longest name that fits is taken.
        named = [n for n in names if key.startswith(f"{n}.")]
        if named and parts[0] not in sections:
            name = max(named, key=len)
            parts = key[len(name) + 1 :].split(".")
            targets = [run for run in document["runs"] if run.get("name") == name]
        elif parts[0] not in sections:
            near = get_close_matches(parts[0], [*sections, *names], n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise RecipeError(
                f"--set {text!r}: {hint}a key starts with a run's name ({', '.join(names)}) or a "
                f"section ({', '.join(sorted(sections))})"
            )
        for run in targets:
            _put(run, parts, value, text)
    return document


def _put(run: dict[str, Any], parts: Sequence[str], value: Any, text: str) -> None:
    place: Any = run
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if isinstance(place, list):
            if not part.isdigit() or int(part) >= len(place):
                raise RecipeError(f"--set {text!r}: {part!r} must be 0 to {len(place) - 1}")
            if last:
                place[int(part)] = copy.deepcopy(value)
            else:
                place = place[int(part)]
        elif isinstance(place, dict):
            if last:
                place[part] = copy.deepcopy(value)
            else:
                if place.get(part) is None:
                    place[part] = {}
                place = place[part]
        else:
            raise RecipeError(f"--set {text!r}: {'.'.join(parts[:position])} has no keys in it")


def _first_of_each(findings: Sequence[str], document: Mapping[str, Any]) -> str:
    """The findings with runs by their names; what a run inherited is said of the first one only."""
    said: dict[str, str] = {}
    for finding in findings:
        where = re.search(r"runs\.(\d+)(?=[.:'])", finding)
        if where is None:
            said.setdefault(finding, finding)
            continue
        name = document["runs"][int(where.group(1))].get("name", where.group(1))
        rest = finding[: where.start()] + "runs" + finding[where.end() :]
        said.setdefault(rest, f"{finding[: where.start()]}runs.{name}{finding[where.end() :]}")
    return "; ".join(said.values())
