"""Conditions on rows: ``column=value``, any of the values of a column, all of the columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from findalike.data.catalogue.columns import listed
from findalike.data.catalogue.rows import simplified
from findalike.errors import TrainingDataError


class Conditions:
    """The conditions on one data set.

    Columns are compared without case and punctuation, values as they are.

    Args:
        texts: ``column=value`` each.
        where: what messages call the recipe's key.
    """

    def __init__(self, texts: Iterable[str], *, where: str) -> None:
        self._where = where
        self._wanted: dict[str, set[str]] = {}
        self._written: dict[str, str] = {}
        for text in texts:
            column, _, value = text.partition("=")
            key = simplified(column)
            self._wanted.setdefault(key, set()).add(value.strip())
            self._written.setdefault(key, column.strip())

    def check(self, columns: Iterable[str]) -> None:
        """Hold the conditions against the columns there are.

        Raises:
            TrainingDataError: if one names a column that is not there.
        """
        names = [name for name in columns if name]
        known = {simplified(name): name for name in names}
        for key, column in self._written.items():
            if key not in known:
                near = get_close_matches(key, known, 1)
                hint = f"did you mean {known[near[0]]!r}? " if near else ""
                raise TrainingDataError(
                    f"{self._where}: there is no column {column!r}: {hint}"
                    f"the columns are {listed(names)}"
                )

    def columns(self) -> list[str]:
        """Simplified names of the columns that are asked for."""
        return list(self._wanted)

    def hold(self, cells: Mapping[str, str | None]) -> bool:
        """Whether a row is wanted; a column that its table has not got asks nothing of it.

        Args:
            cells: simplified column name → value, at least for the columns asked for.
        """
        return all(
            cells[column] in values for column, values in self._wanted.items() if column in cells
        )

    def __str__(self) -> str:
        return ", ".join(
            f"{self._written[column]}={value}"
            for column, values in self._wanted.items()
            for value in sorted(values)
        )
