"""`python -m findalike` is the command `findalike`."""

from findalike.cli.main import run

run()
