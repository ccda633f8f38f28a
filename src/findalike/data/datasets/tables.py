"""Writing a public data set's tables: for training, and for `findalike evaluate`."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from findalike.data.datasets.checking import EntryChecks
from findalike.data.datasets.entries import Entry, PublicDataset
from findalike.data.datasets.rows import Row, gallery_rows, query_rows, train_rows
from findalike.errors import CatalogueError, SettingError, StorageError
from findalike.types import Refusal

REFUSAL_COLUMNS = ("file", "row", "item", "column", "value", "reason", "allowed")
REFUSALS_KEPT = 100
STEP = 500


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What became of a data set.

    Attributes:
        root: its folder, to which the paths in the tables are relative.
        out: the folder of the tables.
        tables: their file names.
        train_images, train_labels: rows of ``train.csv`` with the split ``train``, and products.
        val_images, val_labels: those with the split ``val``; no product is in both.
        groups: coarser classes in ``train.csv``.
        gallery_images, queries: rows of ``gallery.csv`` and ``queries.csv``.
        refused: rows left out; all are in ``refused.csv``.
        refusals: the first 100 of them.
        terms: where the data set is from and what is allowed with it.
    """

    dataset: str
    root: Path
    out: Path
    tables: tuple[str, ...]
    train_images: int
    train_labels: int
    val_images: int
    val_labels: int
    groups: int
    gallery_images: int
    queries: int
    refused: int
    refusals: tuple[Refusal, ...]
    seed: int
    val_share: float
    terms: str


def write_tables(
    dataset: PublicDataset,
    root: Path,
    out: Path | None = None,
    *,
    val_share: float = 0.1,
    seed: int = 0,
    check_images: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> DatasetReport:
    """Read a data set and write ``train.csv``, ``gallery.csv`` and ``queries.csv``; copy no image.

    ``val_gallery.csv`` and ``val_queries.csv`` are the training images with the split ``val``, each
    searched for among the others: products that training does not see. Rows that cannot be used are
    left out and listed in ``refused.csv``.

    Args:
        root: the data set's folder.
        out: folder for the tables; ``root/findalike`` when None.
        val_share: share of the training products that get the split ``val``, 0 to below 1.
        seed: of the choice of these.
        check_images: read each image's header too.
        progress: called with (rows read, 0): how many there are is not known before.

    Raises:
        CatalogueError: if a file of the data set is missing or is another one, or none of a file's
            images is there.
        SettingError: if the share is out of range.
        StorageError: if the tables cannot be written.
    """
    if not 0 <= val_share < 1:
        raise SettingError(f"the share of validation is {val_share:g}: give 0 to below 1")
    entries, refusals = _read(dataset, root, check_images=check_images, progress=progress)
    out = root / "findalike" if out is None else out
    train = [entry for entry in entries if entry.part == "train"]
    labels = sorted({entry.label for entry in train})
    held = validation_labels(labels, val_share, seed)
    val = [entry for entry in train if entry.label in held]
    gallery = [entry for entry in entries if entry.part in ("gallery", "test")]
    queries = [entry for entry in entries if entry.part in ("query", "test")]
    written = {
        "train.csv": train_rows(train, held),
        "gallery.csv": gallery_rows(gallery),
        "queries.csv": query_rows(queries),
        "val_gallery.csv": gallery_rows(val),
        "val_queries.csv": query_rows(val),
        "refused.csv": [asdict(refusal) for refusal in refusals],
    }
    report = DatasetReport(
        dataset=dataset.title,
        root=root,
        out=out,
        tables=tuple(name for name, rows in written.items() if rows or name == "refused.csv"),
        train_images=len(train) - len(val),
        train_labels=len(labels) - len(held),
        val_images=len(val),
        val_labels=len(held),
        groups=len({entry.group for entry in train if entry.group is not None}),
        gallery_images=len(gallery),
        queries=len(queries),
        refused=len(refusals),
        refusals=tuple(refusals[:REFUSALS_KEPT]),
        seed=seed,
        val_share=val_share,
        terms=dataset.terms,
    )
    _write_all(report, written)
    return report


def validation_labels(labels: Iterable[str], share: float, seed: int) -> set[str]:
    """A share of the labels that depends on nothing but the labels and the seed.

    The order is that of a hash, which is the same on every machine and for every version of NumPy.
    """
    keyed = sorted(labels, key=lambda label: hashlib.sha256(f"{seed}:{label}".encode()).digest())
    return set(keyed[: round(share * len(keyed))])


def _read(
    dataset: PublicDataset,
    root: Path,
    *,
    check_images: bool,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[Entry], list[Refusal]]:
    checks = EntryChecks(dataset, root, check_images=check_images)
    entries: list[Entry] = []
    refusals: list[Refusal] = []
    for row, item in enumerate(checks.passed(dataset.read(root)), start=1):
        if isinstance(item, Refusal):
            refusals.append(item)
        else:
            entries.append(item)
        if progress is not None and row % STEP == 0:
            progress(row, 0)
    for file, missing in checks.missing.items():
        if missing == checks.listed[file]:
            first = next(refusal for refusal in refusals if refusal.file == file)
            raise CatalogueError(
                f"none of the {missing:,} images of {file} is below {root}, such as "
                f"{first.item}: {dataset.unpack}"
            )
    if not entries:
        raise CatalogueError(
            f"{root} has no usable row of {dataset.title}"
            + (f", such as {refusals[0].value!r}: {refusals[0].reason}" if refusals else "")
        )
    return entries, refusals


def _write_all(report: DatasetReport, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write the tables and the report; a table without rows that is left of another run goes."""
    out = report.out
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, rows in tables.items():
            if name in report.tables:
                _write(out / name, list(rows[0]) if rows else REFUSAL_COLUMNS, rows)
            else:
                (out / name).unlink(missing_ok=True)
        told = json.dumps(asdict(report), default=str, ensure_ascii=False, indent=2) + "\n"
        (out / "report.json").write_text(told, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write to {out}: {error.strerror or error}") from error


def _write(path: Path, names: Sequence[str], rows: Sequence[Row]) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)
