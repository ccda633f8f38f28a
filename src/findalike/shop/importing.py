"""The import: from a catalogue's rows to embedded rows in the index, batch by batch.

Each batch is committed in one step together with its product data, and only what was committed
is counted as added, so killing the process loses nothing that was reported. Running the same
import again skips what is there: an image whose bytes, box and row are unchanged is not even
decoded, and bytes the shop knows are never embedded twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np

from findalike.data.catalogue.seen import SeenStrings
from findalike.data.image_source import ImageSource
from findalike.errors import FindalikeError, StrictImportError
from findalike.index.base import Index
from findalike.index.filter_tree import In
from findalike.index.schema import image_rows
from findalike.models.encoder import Encoder
from findalike.shop.import_report import ImportCounts, Outcome, ReportWriter
from findalike.shop.photos import (
    EMBED_BATCH,
    Photo,
    batches,
    embed_prepared,
    load_ahead,
    read_photo,
)
from findalike.shop.rows import BOX_COLUMNS, box_of, index_row
from findalike.shop.vectors import PhotoKey, Vector, stored_vectors
from findalike.types import Box, CatalogueImage, CatalogueRow, FieldType, Refusal

COMMIT_IMAGES = 512
"""Images written in one step, at least: a commit takes about as long as embedding ten images."""

COMMIT_SHARE = 64
"""Larger imports are written in steps of this part of what is done: each step leaves a file, and
an index of thousands of small files is slow to write to. A million images make 300 steps."""

ImportProgress: TypeAlias = Callable[[ImportCounts, int], None]
"""Called after each commit with the running totals and the number of source rows done."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the shop holds of an image already."""

    sha256: str
    row_hash: str
    box: Box | None


@dataclass(frozen=True, slots=True)
class ImageJob:
    """One image of one row, on its way into the shop; ``ordinal`` counts the source's rows."""

    row: CatalogueRow
    image: CatalogueImage
    ordinal: int
    row_hash: str
    known: Known | None


@dataclass(slots=True)
class Importer:
    """Carries rows into an index; see the module for what it promises.

    Attributes:
        attributes: names and types of the attributes the rows may have.
        dry_run: read, check and count everything, write nothing.
        strict: raise at the first refusal.
        turn: held while a batch is written, for an import beside which others write.
        watch: called every few dozen images; what it raises ends the import, and what was
            committed until then stays.
    """

    index: Index
    encoder: Encoder
    source: ImageSource
    report: ReportWriter
    attributes: Mapping[str, FieldType]
    dry_run: bool = False
    strict: bool = False
    progress: ImportProgress | None = None
    turn: Callable[[], AbstractContextManager[None]] = nullcontext
    watch: Callable[[], None] | None = None
    counts: ImportCounts = field(default_factory=ImportCounts)
    embedded: int = 0
    _rows_done: int = field(default=0, init=False)
    _outcomes: list[tuple[Outcome, ImageJob] | Refusal] = field(default_factory=list, init=False)
    _pending: list[tuple[ImageJob, str, Vector]] = field(default_factory=list, init=False)
    _pending_vectors: dict[PhotoKey, Vector] = field(default_factory=dict, init=False)
    _before: Index | None = field(default=None, init=False)
    _met: SeenStrings = field(default_factory=SeenStrings, init=False)

    def run(self, rows: Iterable[CatalogueRow | Refusal]) -> None:
        """Import all rows.

        Raises:
            StrictImportError: at the first refusal, if strict.
            StorageError, EngineError: if a batch cannot be written. Everything counted until
                then is in the shop.
        """
        before = self.index.snapshot()
        self._before = before if before.count() else None
        for batch in batches(load_ahead(self._jobs(rows), self._load), EMBED_BATCH):
            if self.watch is not None:
                self.watch()
            self._take(batch)
            if len(self._outcomes) >= max(COMMIT_IMAGES, self.counts.done // COMMIT_SHARE):
                self._commit()
        self._commit()

    def rehearsal(self) -> Importer:
        """The same import as a dry run that reports refusals only."""
        report = replace(self.report, only_refusals=True)
        return replace(
            self, report=report, dry_run=True, progress=None, counts=ImportCounts(), embedded=0
        )

    def _jobs(self, rows: Iterable[CatalogueRow | Refusal]) -> Iterator[ImageJob | Refusal]:
        ordinal = 0
        for batch in batches(rows, EMBED_BATCH):
            ids = [i.image_id for row in batch if isinstance(row, CatalogueRow) for i in row.images]
            known = self._known(ids)
            for row in batch:
                ordinal += 1
                if isinstance(row, Refusal):
                    yield row
                    continue
                for image in row.images:
                    said = row_hash(row, image)
                    yield ImageJob(row, image, ordinal, said, known.get(image.image_id))

    def _load(self, job: ImageJob | Refusal) -> Photo | None:
        if isinstance(job, Refusal):
            return None
        same_box = job.known is not None and job.known.box == job.image.box
        return read_photo(
            self.source,
            job.image.location,
            self.encoder.input,
            box=job.image.box,
            known_sha256=job.known.sha256 if job.known and same_box else None,
        )

    def _take(self, batch: list[tuple[ImageJob | Refusal, Photo | FindalikeError | None]]) -> None:
        """Sort a batch into refused, unchanged, and to be written; embed what is new."""
        wanted: list[tuple[ImageJob, Photo]] = []
        for job, photo in batch:
            if isinstance(job, Refusal):
                self._rows_done += 1
                self._refuse(job)
                continue
            self._rows_done = max(self._rows_done, job.ordinal)
            if isinstance(photo, FindalikeError):
                self._refuse(_refusal(job, photo))
            elif photo is not None and _is_unchanged(job, photo):
                self._outcomes.append(("unchanged", job))
            elif photo is not None:
                self._outcomes.append(("updated" if job.known else "added", job))
                wanted.append((job, photo))
        if self.dry_run:
            return
        vectors = self._vectors(wanted)
        self._pending_vectors |= vectors
        self._pending += [(job, photo.sha256, vectors[_key(job, photo)]) for job, photo in wanted]

    def _refuse(self, refusal: Refusal) -> None:
        if self.strict:
            self.report.refused(refusal)
            raise StrictImportError(
                f"{refusal.file}, row {refusal.row}: {refusal.column} {refusal.value!r}: "
                f"{refusal.reason}; allowed: {refusal.allowed}. Nothing was imported: mend the "
                f"row, or import without --strict to take all other rows"
            )
        self._outcomes.append(refusal)

    def _vectors(self, wanted: list[tuple[ImageJob, Photo]]) -> dict[PhotoKey, Vector]:
        """The embedding of each photo: reused where its bytes and box are known, else computed."""
        keys = {_key(job, photo) for job, photo in wanted}
        found = {key: self._pending_vectors[key] for key in keys & self._pending_vectors.keys()}
        found |= self._stored_vectors(keys - found.keys())
        fresh = {_key(j, p): p.prepared for j, p in wanted if p.prepared is not None}
        new = [(key, prepared) for key, prepared in fresh.items() if key not in found]
        self.embedded += len(new)
        vectors = embed_prepared(self.encoder, [prepared for _, prepared in new])
        return found | {key: vector for (key, _), vector in zip(new, vectors, strict=True)}

    def _stored_vectors(self, keys: set[PhotoKey]) -> dict[PhotoKey, Vector]:
        hashes = {sha256 for sha256, _ in keys}
        repeated = {sha256 for sha256 in hashes if not self._met.add(sha256)}
        # What was written since the start is not indexed yet, and slow to look through: it is only
        # asked for hashes that this import has met before.
        before = {key for key in keys if key[0] not in repeated}
        stored = {} if self._before is None else stored_vectors(self._before, before)
        return stored | stored_vectors(self.index, keys - before)

    def _known(self, image_ids: list[str]) -> dict[str, Known]:
        # Catalogues give each image id once, so that none is among the rows this import wrote.
        found = _rows_with(
            self._before, "image_id", set(image_ids), columns=["image_id", "sha256", "row_hash"]
        )
        return {r["image_id"]: Known(r["sha256"], r["row_hash"], box_of(r)) for r in found}

    def _commit(self) -> None:
        """Write the pending images in one step, then report them."""
        if not self._outcomes:
            return
        if self._pending:
            jobs, sha256s, vectors = zip(*self._pending, strict=True)
            now = datetime.now(UTC)
            rows = [
                index_row(
                    job.row.product,
                    job.image,
                    sha256=sha256,
                    row_hash=job.row_hash,
                    added_at=now,
                )
                for job, sha256 in zip(jobs, sha256s, strict=True)
            ]
            table = image_rows(rows, np.stack(vectors), self.attributes)
            with self.turn():
                self.index.upsert(table)
        for entry in self._outcomes:
            if isinstance(entry, Refusal):
                self.counts.count("refused")
                self.report.refused(entry)
            else:
                outcome, job = entry
                self.counts.count(outcome)
                self.report.taken(
                    outcome,
                    file=job.row.file,
                    row=job.row.row,
                    product_id=job.row.product.product_id,
                    item=job.image.image_id,
                    location=job.image.location,
                )
        self.report.flush()
        self._outcomes.clear()
        self._pending.clear()
        self._pending_vectors.clear()
        if self.progress is not None:
            self.progress(self.counts, self._rows_done)


def _rows_with(
    index: Index | None, column: str, values: set[str], *, columns: list[str]
) -> Iterator[dict[str, Any]]:
    """The rows that have one of the values, with their boxes; None is an index without rows."""
    if index is None or not values:
        return
    where = In(column, tuple(sorted(values)))
    for batch in index.fetch(where, columns=[*columns, *BOX_COLUMNS]):
        yield from batch.to_pylist()


def row_hash(row: CatalogueRow, image: CatalogueImage) -> str:
    """A digest of everything the source said of an image and its product."""
    product = row.product
    said = [
        product.product_id,
        product.title,
        product.category,
        product.variant_of,
        product.price,
        product.currency,
        product.url,
        sorted(product.attributes.items()),
        image.location,
        astuple(image.box) if image.box else None,
        image.domain,
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()[:32]


def _is_unchanged(job: ImageJob, photo: Photo) -> bool:
    known = job.known
    return known is not None and known.sha256 == photo.sha256 and known.row_hash == job.row_hash


def _key(job: ImageJob, photo: Photo) -> PhotoKey:
    return photo.sha256, job.image.box


def _refusal(job: ImageJob, error: FindalikeError) -> Refusal:
    return Refusal(
        file=job.row.file,
        row=job.row.row,
        item=job.image.image_id,
        column="image",
        value=job.image.location,
        reason=str(error),
        allowed="a readable photo below the root, or at a public http(s) address",
    )
