"""Writes docs/cli.md from the commands, docs/recipes.md from the schema; a test compares them.

Run it with `make docs` after changing a command or a key of recipes.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from findalike.cli.main import app
from findalike.config import Recipe, Run

HERE = Path(__file__).parent
TARGET = HERE / "cli.md"
RECIPES = HERE / "recipes.md"
RECIPES_TEMPLATE = HERE / "templates" / "recipes.md"
HEAD = """\
# Command line

Written by `make docs` from the commands themselves. `findalike --version` prints the version, `-h`
is short for `--help`, and `python -m findalike` is the same command.

Results go to standard output, progress, notes and errors to standard error. With `--json` standard
output is one JSON object. An error says what was given, what is allowed and what to do next.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | a failure: disk, network, a shop that is being written to, a check-up with findings |
| 2 | what was given is wrong: an option, file, filter or box, or a row of a strict import |
| 130 | interrupted by Ctrl-C |
"""


def reference() -> str:
    """The whole command line as Markdown."""
    root = typer.main.get_command(app)
    parts = [HEAD]
    for path, command in _leaves(root, "findalike"):
        parts += _section(path, command)
    return "\n".join(parts).rstrip() + "\n"


# Typer carries a click of its own, so commands and parameters are known by what they have rather
# than by their classes.
def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name in sorted(command.commands):
            yield from _leaves(command.commands[name], f"{path} {name}")
    else:
        yield path, command


def _section(path: str, command: Any) -> list[str]:
    lines = [f"## {path}", "", (command.help or "").strip(), ""]
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    required = [f"{o.opts[0]} {o.opts[0].lstrip('-').upper()}" for o in options if o.required]
    usage = [path, *((a.name or "").upper() for a in arguments), *required, "[OPTIONS]"]
    lines += ["```text", " ".join(usage), "```", ""]
    if arguments or options:
        lines += ["| option | meaning | default |", "|---|---|---|"]
    for argument in arguments:
        lines.append(f"| `{(argument.name or '').upper()}` | {_help(argument)} | required |")
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        lines.append(f"| {names} | {_help(option)} | {_default(option)} |")
    return [*lines, ""]


def _help(parameter: Any) -> str:
    return (getattr(parameter, "help", None) or "").replace("|", "\\|")


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if option.is_flag or option.default in (None, (), []):
        return ""
    return f"`{option.default}`"


def recipes() -> str:
    """How recipes work, and every key of theirs, as Markdown."""
    lines = ["## Every key", "", "The document:", "", *_table(Recipe, ""), ""]
    lines += ["A run:", "", *_table(Run, ""), ""]
    for name, field in Run.model_fields.items():
        lines += _keys(field.alias or name, list(_models(field.annotation)))
    return RECIPES_TEMPLATE.read_text(encoding="utf-8") + "\n".join(lines).rstrip() + "\n"


def _keys(key: str, models: Sequence[type[BaseModel]]) -> list[str]:
    """The headings and tables of a section and of those inside it."""
    if len(models) > 1:
        lines = [f"### {key}", "", "A list; the `name` of an entry says which loss it is.", ""]
        for model in models:
            tags = ", ".join(get_args(model.model_fields["name"].annotation))
            lines += [f"#### {tags}", "", _summary(model), "", *_table(model, ""), ""]
        return lines
    lines = []
    for model in models:
        lines += [f"### {key}", "", _summary(model), "", *_table(model, f"{key}."), ""]
        for name, field in model.model_fields.items():
            lines += _keys(f"{key}.{name}", list(_models(field.annotation)))
    return lines


def _table(model: type[BaseModel], before: str) -> list[str]:
    told = _attributes(model)
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        key = field.alias or name
        inside = list(_models(field.annotation))
        if not before and model not in (Run, Recipe) and name == "name":
            continue
        meaning = told.get(name) or (_summary(inside[0]) if inside else "")
        if not meaning:
            raise ValueError(f"{model.__name__}.{name} has no line under 'Attributes:'")
        shown = f"[`{before}{key}`](#{_anchor(before + key)})" if inside else f"`{before}{key}`"
        if model is Recipe and inside:
            shown = f"`{key}`"
        cells = (shown, _kind(field.annotation, field.metadata), _value(field), meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w-]", "", heading.lower())


def _summary(model: type[BaseModel]) -> str:
    return _markdown((inspect.getdoc(model) or "").split("\n\n")[0])


def _attributes(model: type[BaseModel]) -> dict[str, str]:
    """What the docstring says of each attribute."""
    said = (inspect.getdoc(model) or "").partition("Attributes:\n")[2]
    entries = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", said, re.MULTILINE)
    return {name: _markdown(text) for name, text in entries}


def _markdown(text: str) -> str:
    plain = " ".join(text.split()).replace("``", "`")
    plain = re.sub(r"\bNone\b", "`null`", plain)
    return re.sub(r"arXiv:(\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", plain)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None:
        for part in get_args(annotation):
            yield from _models(part)


def _kind(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """What a key takes, in words, with its range."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(parts[0], [m for part in parts[1:] for m in _limits(part)])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(part, metadata) for part in parts))
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin is tuple and parts[-1] is Ellipsis:
        return "list" if any(_models(parts[0])) else f"list, each {_kind(parts[0])}"
    if origin is tuple:
        return f"list of {len(parts)}, each {_kind(parts[0])}"
    if origin is dict:
        return "mapping of names to numbers"
    if annotation is types.NoneType:
        return "`null`"
    if any(_models(annotation)):
        return "mapping"
    if annotation is bool:
        return "`true`, `false`"
    words = {str: "text", int: "whole number", float: "number"}[annotation]
    return f"{words}{_range(metadata) if annotation is not str else ''}"


def _limits(part: Any) -> Sequence[Any]:
    return part.metadata if isinstance(part, FieldInfo) else [part]


def _range(metadata: Sequence[Any]) -> str:
    signs = {"gt": "> ", "ge": "≥ ", "lt": "< ", "le": "≤ "}
    limits = [
        f"{sign}{value:,}".removesuffix(".0")
        for name, sign in signs.items()
        for entry in metadata
        if (value := getattr(entry, name, None)) is not None
    ]
    return f" {', '.join(limits)}" if limits else ""


def _value(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, BaseModel):
        return ""
    return f"`{json.dumps(value)}`" if value != "" else ""


if __name__ == "__main__":
    for path, text in ((TARGET, reference()), (RECIPES, recipes())):
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")
