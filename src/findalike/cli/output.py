"""What the commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

FILE_WIDTH = 240
"""Columns of a table where the output is no terminal."""

console = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; nothing else goes to standard output with `--json`."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def print_table(table: Table) -> None:
    """Print a table; in a file or a pipe, where no line has an end, its cells are left whole."""
    # Not by the argument `width`, which can only make a console narrower.
    wide = Console(file=console.file, width=FILE_WIDTH, highlight=False)
    (console if console.is_terminal else wide).print(table)


def print_error(message: str) -> None:
    """Print what went wrong; text of strangers is never taken for markup."""
    _print_marked("error: ", "bold red", message)


def print_note(message: str) -> None:
    """Print something the user should know, beside the result."""
    stderr.print(
        Text("note: ", style="bold yellow").append(message, style="default"), soft_wrap=True
    )


def _print_marked(mark: str, style: str, message: str) -> None:
    stderr.print(Text(mark, style=style).append(message, style="default"), soft_wrap=True)


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar with count, rate and time left on standard error; call it with (done, total)."""
    with progress_stages(quiet=quiet) as show:
        yield partial(show, what)


@contextmanager
def progress_stages(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """One bar for each stage of a longer work; call it with (stage, done, total)."""
    rate = TextColumn("{task.fields[rate]}")
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        rate,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, disable=quiet, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            task = tasks[what] if what in tasks else bar.add_task(what, total=None, rate="")
            tasks[what] = task
            speed = bar.tasks[task].finished_speed or bar.tasks[task].speed
            rate = f"{speed:,.0f}/s" if speed else ""
            bar.update(task, completed=done, total=total or None, rate=rate)

        yield show


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")
