"""Writes docs/cli.md from the commands themselves; a test compares the two.

Run it with `make docs` after changing a command.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from findalike.cli.main import app

TARGET = Path(__file__).with_name("cli.md")
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


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET}\n")
