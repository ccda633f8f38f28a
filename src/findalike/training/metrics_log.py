"""The table ``metrics.csv`` of a run."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from findalike.training.files import write_text

Row = dict[str, str]
FIRST_COLUMNS = ("step", "epoch", "train_loss")


class MetricsLog:
    """Rows of figures, one a step that has any.

    A row is appended at once. New figures make new columns, for which the file is written anew. A
    process killed in the middle of a row leaves a broken one, which is left out when the run goes
    on.
    """

    def __init__(self, path: Path, *, after_step: int = 0) -> None:
        """Begin a table, or go on with one.

        Args:
            path: the file.
            after_step: rows of later steps are cut off: they will come again.
        """
        self.path = path
        self.rows = [row for row in read_metrics(path) if int(row["step"]) <= after_step]
        self.columns = list(FIRST_COLUMNS)
        for row in self.rows:
            self.columns += [name for name in row if name not in self.columns]
        self._write_all()

    def append(self, figures: Mapping[str, float]) -> None:
        """Add a row; ``step`` must be among the figures."""
        row = {name: _number(value) for name, value in figures.items()}
        self.rows.append(row)
        new = [name for name in row if name not in self.columns]
        if new:
            self.columns += new
            self._write_all()
            return
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(self._lines([row]))

    def _write_all(self) -> None:
        head = self._lines([{name: name for name in self.columns}])
        write_text(self.path, head + self._lines(self.rows))

    def _lines(self, rows: list[Row]) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([row.get(name, "") for name in self.columns] for row in rows)
        return text.getvalue()


def read_metrics(path: Path) -> list[Row]:
    """The whole rows of a table, without empty cells; none if there is no file."""
    if not path.is_file():
        return []
    # What comes after the last line break was cut off in the middle.
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    found = csv.reader(io.StringIO(whole))
    columns = next(found, [])
    return [
        {name: value for name, value in zip(columns, cells, strict=True) if value}
        for cells in found
        if len(cells) == len(columns) and cells and cells[0].isdigit()
    ]


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"
