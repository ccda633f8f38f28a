"""What an import did: counts, the refused rows, and a CSV with the outcome of every image."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, TypeAlias

from findalike.errors import StorageError
from findalike.types import Refusal

Outcome: TypeAlias = Literal["added", "updated", "unchanged", "refused"]

COLUMNS = (
    "outcome",
    "file",
    "row",
    "product_id",
    "item",
    "location",
    "column",
    "value",
    "reason",
    "allowed",
)
REFUSALS_KEPT = 100


@dataclass(slots=True)
class ImportCounts:
    """Running totals of an import, in images; a row refused as a whole counts as one refusal."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0

    def count(self, outcome: Outcome) -> None:
        """Add one to the total of ``outcome``."""
        setattr(self, outcome, getattr(self, outcome) + 1)

    @property
    def done(self) -> int:
        """Images and refused rows seen so far."""
        return self.added + self.updated + self.unchanged + self.refused


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The end of an import.

    Attributes:
        added: images that are new to the shop.
        updated: images whose photo, box or product data changed.
        unchanged: images found as they were.
        refused: rows and images that were not taken; the shop keeps what it had of them.
        embedded: photos the encoder saw; the others were known by their SHA-256.
        images: images in the shop afterwards.
        products: products in the shop afterwards.
        seconds: wall-clock time.
        dry_run: whether the shop was left as it was.
        format: kind of source that was read.
        report: CSV with one line an image.
        refusals: the first 100 refusals; the CSV has all of them.
        notes: what a user should know about how the source was read.
    """

    added: int
    updated: int
    unchanged: int
    refused: int
    embedded: int
    images: int
    products: int
    seconds: float
    dry_run: bool
    format: str
    report: Path
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class ReportWriter:
    """Writes the CSV line by line, so a killed import leaves a readable report."""

    file: IO[str]
    only_refusals: bool = False
    refusals: list[Refusal] = field(default_factory=list)

    def taken(
        self, outcome: Outcome, *, file: str, row: int, product_id: str, item: str, location: str
    ) -> None:
        """Note an image that was added, updated or found unchanged."""
        if self.only_refusals:
            return
        self._write(outcome, file, row, product_id, item, location, "", "", "", "")

    def refused(self, refusal: Refusal, *, product_id: str = "", location: str = "") -> None:
        """Note a row or image that was not taken."""
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(refusal)
        self._write(
            "refused",
            refusal.file,
            refusal.row,
            product_id,
            refusal.item,
            location,
            refusal.column,
            refusal.value,
            refusal.reason,
            refusal.allowed,
        )

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        with _storage_errors(self.file.name):
            self.file.flush()

    def _write(self, *cells: object) -> None:
        with _storage_errors(self.file.name):
            csv.writer(self.file).writerow([_inert(str(cell)) for cell in cells])


@contextmanager
def open_report(path: Path) -> Iterator[ReportWriter]:
    """Open the CSV at ``path`` for an import.

    Raises:
        StorageError: if it cannot be written.
    """
    with _storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("x", newline="", encoding="utf-8")
    try:
        csv.writer(file).writerow(COLUMNS)
        yield ReportWriter(file)
    finally:
        with _storage_errors(path):
            file.close()


@contextmanager
def _storage_errors(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write the import report {path}: {error.strerror}; free space or mend the "
            f"folder's rights, then run the same command again: what was imported stays, "
            f"the rest follows"
        ) from error


def _inert(cell: str) -> str:
    # A spreadsheet runs a cell that starts like a formula; the text comes from strangers.
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
