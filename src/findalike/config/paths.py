"""The paths in a recipe: relative to it, with variables, or inside an installed package."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from findalike.errors import RecipeError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def resolve_path(text: str, *, base: Path, variables: Mapping[str, str] | None = None) -> Path:
    """The path that ``text`` means.

    Args:
        text: a path, relative to ``base``; ``${NAME}`` and ``${NAME:-default}`` stand for
            environment variables; ``package:NAME/FILE`` is a file of an installed Python package.
        base: folder of the recipe.
        variables: the environment by default.

    Raises:
        RecipeError: if a variable is not set, or a package is not installed.
    """
    known = os.environ if variables is None else variables

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        found = known.get(name) or default
        if found is None:
            raise RecipeError(
                f"{text!r}: the environment variable {name} is not set: set it, or write "
                f"${{{name}:-DEFAULT}}"
            )
        return found

    written = _VARIABLE.sub(value, text)
    if written.startswith("package:"):
        return _in_package(written.removeprefix("package:"))
    return (base / Path(written).expanduser()).resolve()


def _in_package(text: str) -> Path:
    package, _, inside = text.partition("/")
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        found = None
    places = found.submodule_search_locations if found is not None else None
    if not places:
        raise RecipeError(
            f"package:{text}: no package {package!r} is installed: `pip install {package}`"
        )
    file = PurePosixPath(inside)
    if not file.parts or ".." in file.parts or file.is_absolute():
        raise RecipeError(f"package:{text}: write package:NAME/FILE, without '..' and '//'")
    return Path(places[0]).joinpath(file)
