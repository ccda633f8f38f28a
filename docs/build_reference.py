"""Writes docs/cli.md from the commands themselves; a test compares the two.

Run it with `make docs` after changing a command.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import typer

from findalike.cli.main import app

TARGET = Path(__file__).with_name("cli.md")


def reference() -> str:
    """The whole command line as Markdown."""
    root = typer.main.get_command(app)
    parts = ["# Command line", "", "Written by `make docs` from the commands themselves.", ""]
    for path, command in _leaves(root, "findalike"):
        parts += _section(path, command)
    return "\n".join(parts).rstrip() + "\n"


def _leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _leaves(command.commands[name], f"{path} {name}")
    else:
        yield path, command


def _section(path: str, command: click.Command) -> list[str]:
    lines = [f"## {path}", "", (command.help or "").strip(), ""]
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    usage = " ".join([path, *((a.name or "").upper() for a in arguments), "[OPTIONS]"])
    lines += ["```text", usage, "```", ""]
    if arguments or options:
        lines += ["| option | meaning | default |", "|---|---|---|"]
    for argument in arguments:
        lines.append(f"| `{(argument.name or '').upper()}` | {_help(argument)} | required |")
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        lines.append(f"| {names} | {_help(option)} | {_default(option)} |")
    return [*lines, ""]


def _help(parameter: click.Parameter) -> str:
    return (getattr(parameter, "help", None) or "").replace("|", "\\|")


def _default(option: click.Option) -> str:
    if option.required:
        return "required"
    if option.is_flag or option.default in (None, (), []):
        return ""
    return f"`{option.default}`"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET}\n")
