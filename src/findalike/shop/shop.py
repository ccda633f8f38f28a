"""The front door: a shop is an encoder, an index and its products, in one folder.

::

    myshop/
    ├── shop.json    the manifest; a folder without it is no shop
    ├── encoder/     a copy of the bundle, so that upgrading findalike never strands a shop
    ├── index/       the engine's tables
    ├── history.jsonl  what was done, one line a change
    ├── reports/     one CSV an import
    ├── imports/     the imports that the service ran
    ├── uploads/     pictures that were sent to the service rather than named to it
    └── feedback/    what shoppers did with answers
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from findalike import __version__
from findalike.data.catalogue import Catalogue
from findalike.data.image_source import ImageSource
from findalike.data.images import ImageLimits
from findalike.data.prepare import Prepared, prepare
from findalike.errors import (
    EncoderMismatchError,
    ImageError,
    SettingError,
    ShopExistsError,
    StrictImportError,
)
from findalike.index.base import Index
from findalike.index.embedded import EmbeddedIndex
from findalike.index.filter_tree import And, Comparison, Filter, In
from findalike.index.filters import parse_filter
from findalike.index.schema import ADDED_AT
from findalike.models.bundle import Bundle
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER, find_bundle
from findalike.shop.caretaker import Caretaker, remove_nameless_uploads
from findalike.shop.changes import Change, WriteOutcome
from findalike.shop.feedback import FEEDBACK
from findalike.shop.history import (
    HISTORY_NAME,
    ShopVersion,
    note_change,
    shop_versions,
    touch_history,
)
from findalike.shop.import_beside import BesideOptions, import_beside
from findalike.shop.import_report import ImportCounts, ImportReport, open_report
from findalike.shop.importing import Importer, ImportProgress
from findalike.shop.listing import ProductPage, list_products
from findalike.shop.manifest import MANIFEST_NAME, Manifest
from findalike.shop.opening import image_source_of, open_for_shop
from findalike.shop.page_request import PageRequest
from findalike.shop.pages import Page, checked_filter, search_pages, similar_page
from findalike.shop.photos import embed_prepared
from findalike.shop.product_writing import write_changes
from findalike.shop.public_settings import PUBLIC_NAME
from findalike.shop.public_view import EVERYTHING, View
from findalike.shop.recall import recall_of
from findalike.shop.results import (
    FoundImage,
    SearchResult,
    ShopStats,
    StoredProduct,
)
from findalike.shop.rows import (
    BOX_COLUMNS,
    answer_columns,
    found_product,
    image_of,
    stored_product,
)
from findalike.shop.searching import nearest_products
from findalike.shop.typical import TypicalScore
from findalike.shop.uploaded import UPLOADS, forget_nameless, keep_upload
from findalike.shop.vectors import PhotoKey, Vector, stored_vectors
from findalike.shop.verifying import read_known_image, verify_index
from findalike.shop.writing import storage_errors, writer_lock
from findalike.types import Box, Embeddings, FieldType, ImageId, ProductId

PARTS = ("encoder", "index")
FOLDERS = ("reports", "imports", UPLOADS, FEEDBACK)
FILES = (
    HISTORY_NAME,
    ".lock",
    ".importing",
    "keys.json",
    ".keys.lock",
    ".secret",
    PUBLIC_NAME,
)


class Shop:
    """A searchable catalogue. Make one with ``Shop.create``, come back to it with ``Shop.open``.

    Any number of processes may search while one writes; each search sees one consistent version.

    Example::

        shop = Shop.create("myshop")
        shop.add("catalogue.csv", root="photos")
        answer = shop.search("phone.jpg", box=Box(40, 30, 200, 180), k=5)
        answer.products[0].product.title
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        bundle: Bundle,
        index: Index,
        *,
        threads: int | None = None,
    ) -> None:
        self.folder = folder
        self._manifest = manifest
        self._bundle = bundle
        self._index = index
        self._threads = threads
        self._typical = TypicalScore()

    @classmethod
    def create(cls, folder: str | Path, *, encoder: str | Path = DEFAULT_ENCODER) -> Shop:
        """Make an empty shop in a new or empty folder.

        Args:
            encoder: name or folder of a bundle; it is copied into the shop.

        Raises:
            ShopExistsError: if the folder holds a shop, or anything else.
            BundleError: if the encoder is unknown or damaged.
            StorageError: if the folder cannot be written.
        """
        folder = Path(folder)
        bundle = find_bundle(encoder)
        if folder.exists() and not folder.is_dir():
            raise ShopExistsError(f"{folder} is a file: give a new or empty folder")
        if (folder / MANIFEST_NAME).exists():
            raise ShopExistsError(f"{folder} holds a shop already: open it, or choose another")
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            foreign = {p.name for p in folder.iterdir()} - {*PARTS, *FOLDERS, *FILES}
        if foreign:
            raise ShopExistsError(
                f"{folder} is not empty (it holds {sorted(foreign)[0]!r}): give a new folder"
            )
        with writer_lock(folder), storage_errors(folder):
            for part in PARTS:  # left by a creation that was killed: without a manifest, no shop
                shutil.rmtree(folder / part, ignore_errors=True)
            (folder / HISTORY_NAME).unlink(missing_ok=True)
            bundle = bundle.copy_to(folder / "encoder")
            index = EmbeddedIndex.create(folder / "index", embedding_size=bundle.embedding_size)
            manifest = Manifest(
                encoder=bundle.name,
                encoder_fingerprint=bundle.fingerprint,
                embedding_size=bundle.embedding_size,
                created_at=datetime.now(UTC),
                created_by=__version__,
            )
            manifest.write(folder)
            note_change(folder, version=index.version, what="created")
        return cls(folder, manifest, bundle, index)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        encoder: str | Path | None = None,
        threads: int | None = None,
    ) -> Shop:
        """Open the shop in ``folder``.

        Args:
            encoder: the bundle the caller means to use; the shop's own when None.
            threads: threads the encoder computes with; every CPU of this process when None.

        Raises:
            ShopNotFoundError: if there is none.
            EncoderMismatchError: if the shop was built with another encoder.
            StorageError, BundleError, EngineError: if a part of it is damaged.
        """
        folder = Path(folder)
        manifest = Manifest.read(folder)
        bundle = find_bundle(folder / "encoder")
        for offered in (bundle, find_bundle(encoder)) if encoder is not None else (bundle,):
            if offered.fingerprint != manifest.encoder_fingerprint:
                raise EncoderMismatchError(
                    f"the shop {folder} holds embeddings of the encoder {manifest.encoder!r} "
                    f"({manifest.encoder_fingerprint[:12]}), not of {offered.name!r} "
                    f"({offered.fingerprint[:12]}): use the shop's own encoder, or index the "
                    f"catalogue with the other one into a new shop"
                )
        return cls(folder, manifest, bundle, EmbeddedIndex.open(folder / "index"), threads=threads)

    @staticmethod
    def delete(folder: str | Path) -> None:
        """Delete the shop in ``folder``; its photos are elsewhere and stay.

        Raises:
            ShopNotFoundError: if there is none.
            ShopLockedError: if a process is writing to it.
        """
        folder = Path(folder)
        Manifest.read(folder)
        with writer_lock(folder), storage_errors(folder):
            (folder / MANIFEST_NAME).unlink()  # first: from here on it is no shop
            for part in (*PARTS, *FOLDERS):
                shutil.rmtree(folder / part, ignore_errors=True)
        with storage_errors(folder):
            for record in FILES:
                (folder / record).unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()

    @cached_property
    def encoder(self) -> Encoder:
        """The shop's encoder, loaded at first use."""
        return Encoder.load(self._bundle, threads=self._threads)

    @property
    def fields(self) -> Mapping[str, FieldType]:
        """What a filter may name, with the types."""
        return self._index.fields

    def add(
        self,
        source: str | Path | Catalogue,
        *,
        root: str | Path | None = None,
        source_format: str | None = None,
        columns: Mapping[str, str] | None = None,
        types: Mapping[str, FieldType] | None = None,
        dry_run: bool = False,
        strict: bool = False,
        report: str | Path | None = None,
        allow_networks: Sequence[str] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> ImportReport:
        """Import a catalogue: new images are added, changed ones updated, the rest left alone.

        Args:
            source: folder, file or an opened catalogue; see ``open_catalogue``.
            root: folder the image paths are relative to; the source's own when None.
            source_format: kind of source; found out when None.
            columns: which column is what, for tables.
            types: types of attributes; found out when None. Those the shop has are fixed.
            dry_run: check everything, write nothing but the report.
            strict: refuse the whole import at the first refusal.
            report: where the CSV goes; ``reports/`` in the shop when None.
            allow_networks: networks that images may be fetched from although they are not
                public, such as ``10.1.0.0/16`` for the shop's own image server.
            progress: called with (rows done, rows in all).

        Raises:
            CatalogueError: if the source cannot be read as a whole.
            StrictImportError: at the first refusal if ``strict``; nothing was imported.
            ShopLockedError: if another process is writing.
            StorageError, EngineError: if the disk or engine fails; what was reported is kept.
        """
        started = time.perf_counter()
        root = Path(root) if root is not None else None
        if isinstance(source, Catalogue):
            catalogue = source
        else:
            catalogue = open_for_shop(
                Path(source),
                source_format=source_format,
                columns=columns,
                types=types,
                root=root,
                fixed=self._index.attributes,
            )
        root = root or catalogue.default_root
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path = Path(report) if report is not None else self.folder / "reports" / f"{stamp}.csv"
        with (
            writer_lock(self.folder),
            open_report(path) as writer,
            image_source_of(root, allow_networks) as image_source,
        ):
            importer = Importer(
                index=self._index,
                encoder=self.encoder,
                source=image_source,
                report=writer,
                attributes=dict(self._index.attributes) | dict(catalogue.fields),
                dry_run=dry_run,
                strict=strict,
                progress=_row_progress(progress, catalogue.row_count),
            )
            if dry_run:
                importer.run(catalogue.rows())
            else:
                self._import(importer, catalogue, root)
        stats = self.stats()
        return ImportReport(
            added=importer.counts.added,
            updated=importer.counts.updated,
            unchanged=importer.counts.unchanged,
            refused=importer.counts.refused,
            embedded=importer.embedded,
            images=stats.images,
            products=stats.products,
            seconds=time.perf_counter() - started,
            dry_run=dry_run,
            format=catalogue.format,
            report=path,
            refusals=tuple(writer.refusals),
            notes=tuple(catalogue.notes),
        )

    def _import(self, importer: Importer, catalogue: Catalogue, root: Path) -> None:
        if importer.strict:
            # A first pass that writes nothing, so that nobody sees half of a refused import.
            importer.rehearsal().run(catalogue.rows())
        before = self._index.version
        self._remember_root(root)
        self._index.optimise()  # an import that was killed may have left many rows unindexed
        try:
            importer.run(catalogue.rows())
        except StrictImportError:
            self._index.rollback(before)  # a photo went bad between the passes
            raise
        counts = importer.counts
        if counts.added or counts.updated:
            self._index.optimise()
            self._note(
                f"import of {catalogue.source.name}: {counts.added:,} added, "
                f"{counts.updated:,} updated, {counts.refused:,} refused"
            )

    def write(self, changes: Sequence[Change], *, wait: float = 0.0) -> list[WriteOutcome]:
        """Carry out changes of single products, all in one commit; see ``write_changes``.

        Unlike an import, this tidies nothing up: see ``caretaker``.

        Args:
            wait: seconds to wait for another process that is writing.

        Raises:
            ShopLockedError: if another process is writing for longer.
            StorageError, EngineError: if nothing could be written.
        """
        with writer_lock(self.folder, wait=wait):
            outcomes = write_changes(self._index, changes)
        touch_history(self.folder)
        return outcomes

    def caretaker(self) -> Caretaker:
        """One who keeps this shop fast beside many single changes."""
        return Caretaker(self._index, self.folder)

    def keep_upload(self, data: bytes, *, name: str, limits: ImageLimits | None = None) -> str:
        """Keep a picture in the shop's own folder of images; see ``keep_upload``.

        Returns:
            Its location, for an image of a product.
        """
        return keep_upload(self.folder, data, name=name, limits=limits)

    def vectors(self, keys: Collection[PhotoKey]) -> dict[PhotoKey, Vector]:
        """The embeddings the shop has for photos, by their SHA-256 and box; others are left out."""
        return stored_vectors(self._index.snapshot(), keys)

    def list_products(
        self, *, limit: int, after: ProductId | None = None, where: str | None = None
    ) -> ProductPage:
        """Products in the order of their ids; see ``listing``.

        Raises:
            FilterError: if the filter cannot be used.
        """
        filter_ = parse_filter(where, self.fields) if where else None
        return list_products(self._index.snapshot(), limit=limit, after=after, where=filter_)

    def image(self, image_id: ImageId, view: View = EVERYTHING) -> FoundImage | None:
        """An image of the shop, or None if it has none of this id that may be seen."""
        columns = ["image_id", "location", "sha256", *BOX_COLUMNS]
        where: Filter = Comparison("image_id", "=", image_id)
        seen = view.filter(self.fields)
        where = where if seen is None else And((where, seen))
        found = [
            row
            for batch in self._index.snapshot().fetch(where, columns=columns)
            for row in batch.to_pylist()
        ]
        return image_of(found[0]) if found else None

    def take_in(
        self, catalogue: Catalogue, source: ImageSource, options: BesideOptions
    ) -> ImportCounts:
        """Import a catalogue beside others who write single products; see ``import_beside``."""
        return import_beside(
            self._index, self.encoder, self.folder, catalogue, source=source, options=options
        )

    @property
    def version(self) -> int:
        """The newest version."""
        return self._index.version

    @property
    def attributes(self) -> Mapping[str, FieldType]:
        """What the catalogues said of the products beyond the fixed fields, with the types."""
        return self._index.attributes

    @property
    def roots(self) -> tuple[Path, ...]:
        """Folders that image paths are relative to, as they stand now; the shop's own is last."""
        return (*map(Path, Manifest.read(self.folder).roots), self.folder / UPLOADS)

    def remove(self, product_ids: Sequence[ProductId]) -> int:
        """Remove products with all their images; unknown ids are no error.

        Returns:
            The number of images removed.

        Raises:
            ShopLockedError: if another process is writing.
        """
        with writer_lock(self.folder):
            removed = self._index.delete(In("product_id", tuple(product_ids)))
            if removed:
                self._note(f"removed {removed:,} images of {len(product_ids):,} products")
            return removed

    def search(
        self,
        photo: bytes | str | Path,
        *,
        box: Box | None = None,
        k: int = 10,
        where: str | None = None,
    ) -> SearchResult:
        """Find the products that match a photo.

        Args:
            photo: the bytes of an image file, or its path.
            box: the product in the photo, in pixels of the upright image; the whole photo if None.
            k: number of products; fewer come back only if fewer match ``where``.
            where: a filter, such as ``category under 'Fruit' and price < 20``.

        Raises:
            ImageError, BoxError: if the photo or the box cannot be used.
            FilterError: if the filter cannot; it points at the character.
            SettingError: if ``k`` is below 1.
        """
        return self.search_batch([photo], boxes=[box], k=k, where=where)[0]

    def search_batch(
        self,
        photos: Sequence[bytes | str | Path],
        *,
        boxes: Sequence[Box | None] | None = None,
        k: int = 10,
        where: str | None = None,
    ) -> list[SearchResult]:
        """Find the products that match each of several photos; see ``search``."""
        if k < 1:
            raise SettingError(f"k is {k}: ask for at least 1 product")
        boxes = boxes if boxes is not None else [None] * len(photos)
        if len(boxes) != len(photos):
            raise SettingError(f"{len(photos)} photos but {len(boxes)} boxes: give one box a photo")
        if not photos:
            return []
        clock = _StageClock(len(photos))
        filter_ = parse_filter(where, self.fields) if where else None
        prepared = [self._prepare(photo, box) for photo, box in zip(photos, boxes, strict=True)]
        clock.stage("prepare")
        embeddings = embed_prepared(self.encoder, prepared)
        clock.stage("embed")
        snapshot = self._index.snapshot()
        hits = nearest_products(snapshot, embeddings, k=k, where=filter_)
        clock.stage("search")
        answers = [
            tuple(found_product(hit, rank) for rank, hit in enumerate(found, start=1))
            for found in hits
        ]
        clock.stage("group")
        return [
            SearchResult(
                products=products,
                box=photo.box,
                timings_ms=clock.stages_ms,
                shop_version=snapshot.version,
                warnings=photo.warnings,
            )
            for products, photo in zip(answers, prepared, strict=True)
        ]

    def search_embeddings(
        self, embeddings: Embeddings, requests: Sequence[PageRequest]
    ) -> list[Page]:
        """A page of products for each of several embeddings, all from one version; see ``Page``.

        Args:
            embeddings: (q, d), unit rows, of this shop's encoder.
            requests: what is asked of each.

        Raises:
            FilterError, SettingError: if a request cannot be met.
        """
        return search_pages(self._index.snapshot(), embeddings, requests)

    def similar(self, product_id: ProductId, request: PageRequest) -> Page | None:
        """Products like one of the shop, by its stored vectors; None if there is no such product.

        Raises:
            FilterError, SettingError: if the request cannot be met.
        """
        return similar_page(self._index.snapshot(), product_id, request)

    def recall_of(self, embedding: Embeddings) -> float | None:
        """The share of the 10 nearest images that the index finds; see ``shop.recall``."""
        return recall_of(self._index.snapshot(), embedding)

    def typical_scores(self, embeddings: Embeddings) -> NDArray[np.float32] | None:
        """The mean cosine of each of (n, d) embeddings with the shop's pictures, as (n,).

        None in an empty shop.
        """
        return self._typical.of(embeddings, self._index.snapshot())

    def count(self, view: View) -> tuple[int, int]:
        """How many products, and images of them, a caller may see."""
        products: set[str] = set()
        images = 0
        snapshot = self._index.snapshot()
        for batch in snapshot.fetch(view.filter(snapshot.fields), columns=["product_id"]):
            images += batch.num_rows
            products.update(pc.unique(batch["product_id"]).to_pylist())
        return len(products), images

    def size(self) -> tuple[int, int]:
        """The version of the shop, and how many images it holds; costs little."""
        snapshot = self._index.snapshot()
        return snapshot.version, snapshot.count()

    def check(self, request: PageRequest) -> None:
        """Find out before any work whether the filter and the facets of a request can be used.

        Raises:
            FilterError: if the filter cannot; it points at the character.
            SettingError: if a facet or an attribute is none of the shop's.
        """
        if request.where or request.facets or request.attributes or request.view.only:
            checked_filter(request, self.fields)

    def get(self, product_id: ProductId) -> StoredProduct | None:
        """The product with all its images, or None if the shop has no such product."""
        where = Comparison("product_id", "=", product_id)
        columns = [*answer_columns(self.fields), ADDED_AT]
        batches = self._index.snapshot().fetch(where, columns=columns)
        rows = [row for batch in batches for row in batch.to_pylist()]
        return stored_product(rows) if rows else None

    def picture(self, location: str, sha256: str, *, root: Path | None = None) -> bytes | None:
        """The bytes of an image of the shop, or None if it is no longer where it was.

        It is looked for below ``root``, then below the roots of the imports, the latest first, and
        recognised by its SHA-256. Images at URLs are not fetched.
        """
        return read_known_image(location, sha256, self._roots(root))

    def versions(self) -> list[ShopVersion]:
        """The versions the shop can be rolled back to, the newest first."""
        return shop_versions(self.folder, self._index.versions())

    def rollback(self, version: int, *, wait: float = 0.0) -> None:
        """Bring back what the shop held in an earlier version, as a new version.

        Args:
            wait: seconds to wait for another process that is writing.

        Raises:
            SettingError: if there is no such version.
            ShopLockedError: if another process is writing.
        """
        with writer_lock(self.folder, wait=wait):
            self._index.rollback(version)
            forget_nameless(self.folder)
            self._note(f"rolled back to version {version}")

    def compact(self, *, keep_versions: int = 10) -> None:
        """Free the space of old versions; rollback reaches the latest ``keep_versions``, and any
        version of the last ten minutes, at which a search may still be looking. Pictures that were
        sent to the shop and are in none of these go as well, one call later at the latest.

        Raises:
            ShopLockedError: if another process is writing.
        """
        with writer_lock(self.folder):
            self._index.optimise()
            self._note("compacted")
            kept = self.versions()[:keep_versions]
            self._index.prune(oldest=kept[-1].version)
            remove_nameless_uploads(self._index, self.folder)

    def verify(
        self, *, root: Path | None = None, progress: Callable[[int, int], None] | None = None
    ) -> list[str]:
        """Check every row, vector and photo; returns what is wrong, in words, empty if nothing."""
        return verify_index(self._index.snapshot(), roots=self._roots(root), progress=progress)

    def stats(self) -> ShopStats:
        """Count what the shop holds, in one consistent version."""
        snapshot = self._index.snapshot()
        products: set[str] = set()
        images, updated_at = 0, None
        for batch in snapshot.fetch(None, columns=["product_id", ADDED_AT]):
            images += batch.num_rows
            products.update(pc.unique(batch["product_id"]).to_pylist())
            latest = pc.max(batch[ADDED_AT]).as_py()
            if latest is not None and (updated_at is None or latest > updated_at):
                updated_at = latest
        return ShopStats(
            products=len(products),
            images=images,
            encoder=self._manifest.encoder,
            encoder_fingerprint=self._manifest.encoder_fingerprint,
            embedding_size=self._manifest.embedding_size,
            version=snapshot.version,
            created_at=self._manifest.created_at,
            updated_at=updated_at,
            attributes=dict(self._index.attributes),
            roots=self._manifest.roots,
            bytes=_bytes_below(self.folder),
        )

    def _note(self, what: str) -> None:
        note_change(self.folder, version=self._index.version, what=what)

    def _roots(self, first: Path | None) -> list[Path]:
        return [*([first] if first is not None else []), *self.roots]

    def _prepare(self, photo: bytes | str | Path, box: Box | None) -> Prepared:
        if isinstance(photo, bytes):
            return prepare(photo, self.encoder.input, name="the photo", box=box)
        path = Path(photo).resolve()  # the caller's own file may well be a link
        if not path.parent.is_dir():
            raise ImageError(f"{photo}: there is no folder {path.parent}: give the photo's path")
        data = ImageSource(path.parent, allow_urls=False).read(path.name)
        return prepare(data, self.encoder.input, name=str(photo), box=box)

    def _remember_root(self, root: Path) -> None:
        held = Manifest.read(self.folder)  # another process may have added one since
        self._manifest = held.with_root(root)
        if self._manifest != held:
            self._manifest.write(self.folder)


class _StageClock:
    """Splits the time since its making into named stages, an even share for each photo."""

    def __init__(self, photos: int) -> None:
        self.stages_ms: dict[str, float] = {}
        self._photos = photos
        self._last = time.perf_counter()

    def stage(self, name: str) -> None:
        now = time.perf_counter()
        self.stages_ms[name] = (now - self._last) * 1000 / self._photos
        self._last = now


def _row_progress(progress: Callable[[int, int], None] | None, rows: int) -> ImportProgress | None:
    if progress is None:
        return None
    return lambda _counts, done: progress(done, rows)


def _bytes_below(folder: Path) -> int:
    """Bytes of all files; those that a writer deletes meanwhile count as none."""
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(inside, name).stat().st_size
    return total
