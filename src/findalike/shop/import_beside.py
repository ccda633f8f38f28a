"""An import that lets others write between its batches, as the service runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from findalike.data.catalogue import Catalogue
from findalike.data.image_source import ImageSource
from findalike.errors import ShopLockedError
from findalike.index.base import Index
from findalike.models.encoder import Encoder
from findalike.shop.history import note_change
from findalike.shop.import_report import ImportCounts, open_report
from findalike.shop.importing import Importer, ImportProgress
from findalike.shop.writing import import_lock, writer_lock

TURN_SECONDS = 120.0
"""How long a batch waits for another writer; a command that imports holds on for all its time."""


@dataclass(frozen=True, slots=True)
class BesideOptions:
    """How an import runs.

    Attributes:
        report: where its CSV goes.
        dry_run: read and check everything, write nothing but the report.
        strict: write nothing if any row is refused when all are read once before.
        watch: called every few dozen images; what it raises ends the import.
        progress: called after each commit.
    """

    report: Path
    dry_run: bool = False
    strict: bool = False
    watch: Callable[[], None] | None = None
    progress: ImportProgress | None = None


def import_beside(
    index: Index,
    encoder: Encoder,
    folder: Path,
    catalogue: Catalogue,
    *,
    source: ImageSource,
    options: BesideOptions,
) -> ImportCounts:
    """Import a catalogue into the shop in ``folder``, batch by batch.

    The right to write is held for each batch only. Of two who change the same product the later
    wins, whichever it is. A strict import reads all rows before it writes; a photo that goes bad
    after that is refused alone, since what others wrote meanwhile could not be kept otherwise.

    Raises:
        StrictImportError: at the first refusal if strict; nothing was imported.
        ShopLockedError: if another process writes for minutes. What was counted is in the shop.
        StorageError, EngineError: if the disk or engine fails; likewise.
    """
    with import_lock(folder, wait=TURN_SECONDS) as alone, open_report(options.report) as writer:
        if not alone:
            raise ShopLockedError(
                f"another import runs in the shop {folder}: wait until it is done"
            )
        importer = Importer(
            index=index,
            encoder=encoder,
            source=source,
            report=writer,
            attributes=dict(index.attributes) | dict(catalogue.fields),
            dry_run=options.dry_run,
            strict=options.strict,
            progress=options.progress,
            turn=partial(writer_lock, folder, wait=TURN_SECONDS),
            watch=options.watch,
        )
        if options.strict and not options.dry_run:
            importer.rehearsal().run(catalogue.rows())
            importer.strict = False
        try:
            importer.run(catalogue.rows())
        finally:
            counts = importer.counts
            if not options.dry_run and counts.added + counts.updated:
                _note(index, folder, catalogue, counts)
    if not options.dry_run and counts.added + counts.updated:
        index.optimise()
    return counts


def _note(index: Index, folder: Path, catalogue: Catalogue, counts: ImportCounts) -> None:
    what = (
        f"import of {catalogue.source.name}: {counts.added:,} added, {counts.updated:,} updated, "
        f"{counts.refused:,} refused"
    )
    with writer_lock(folder, wait=TURN_SECONDS):
        note_change(folder, version=index.version, what=what)
