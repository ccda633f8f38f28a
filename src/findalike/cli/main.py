"""The command `findalike`: collects the commands and turns errors into one line and an exit code.

Exit codes: 0 done; 1 something failed; 2 the user's mistake; 130 interrupted.
"""

from __future__ import annotations

import os
import sys

import typer

from findalike import __version__
from findalike.cli import (
    data,
    demo,
    doctor,
    evaluate,
    export,
    index,
    keys,
    models,
    search,
    serve,
    shop,
    shop_backup,
    shop_public,
    train,
)
from findalike.cli.output import print_error
from findalike.errors import FindalikeError, UserError

app = typer.Typer(
    name="findalike",
    help="Search a catalogue with a photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("index")(index.index)
app.command("search")(search.search)
app.command("serve")(serve.serve)
app.command("evaluate")(evaluate.evaluate)
app.command("train")(train.train)
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)
shop.app.command("public")(shop_public.public)
shop.app.command("backup")(shop_backup.backup)
shop.app.command("restore")(shop_backup.restore)
app.add_typer(shop.app, name="shop")
app.add_typer(keys.app, name="keys")
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"findalike {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and end.",
        callback=_print_version,
        is_eager=True,
    ),
) -> None:
    """Search a catalogue with a photo."""


def run() -> None:
    """Run the command line; errors findalike knows end in one line, never in a traceback."""
    try:
        app()
    except FindalikeError as error:
        print_error(str(error))
        sys.exit(2 if isinstance(error, UserError) else 1)
    except BrokenPipeError:
        # The reader of our output is gone (`| head`); Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
