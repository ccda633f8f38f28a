"""The index engine of a local folder, on LanceDB.

Images are one Lance table. Each change is one atomic version of it: readers in other processes go
on with the version they have, a killed writer leaves the last version as it was. Writers of all
processes take turns on a file lock, since Lance may insert a key twice when two merges race.

LanceDB does not survive ``fork``: start worker processes with the ``spawn`` method, and open the
index in each of them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import lancedb
import pyarrow as pa
from filelock import FileLock, Timeout

from findalike.errors import EngineError, SettingError, ShopExistsError, ShopNotFoundError
from findalike.index.base import Capabilities, Index, IndexVersion
from findalike.index.event_loop import EventLoopThread
from findalike.index.filter_tree import Filter, In
from findalike.index.lance_errors import translated
from findalike.index.lance_reader import LanceReader
from findalike.index.lance_sql import lance_sql
from findalike.index.lance_upkeep import (
    build_vector_index,
    forget_versions,
    settle_table,
    settling_due,
    small_rows,
    vector_index_due,
)
from findalike.index.packed_row import PACKED, with_packed
from findalike.index.schema import (
    ADDED_AT,
    FIXED_FIELDS,
    arrow_type,
    attributes_of,
    checked_rows,
    image_schema,
)
from findalike.index.unfinished import (
    Unfinished,
    forget_unfinished,
    note_unfinished,
    read_unfinished,
)
from findalike.types import Embeddings, FieldType, Hit, ImageId

T = TypeVar("T")

_TABLE = "images"
_LOCK_FILE = "write.lock"
_METADATA_BYTES = 64_000_000
"""Memory for what Lance keeps of files and versions: a quarter of a megabyte for each change."""
# An optimisation of a million rows takes minutes; a writer waits for it rather than fail.
_LOCK_SECONDS = 1800.0
_POLL_SECONDS = 0.01
_UPKEEP_FILE = "upkeep.lock"
_UNFINISHED = "#"
"""In the names that Lance's object store gives to files it has not written to their end."""


class EmbeddedIndex(Index):
    """An index in a folder of this machine; see ``create`` and ``open``."""

    def __init__(self, folder: Path, connection: Any, table: Any, reader: LanceReader) -> None:
        self._folder = folder
        self._connection = connection
        self._table = table
        self._reader = reader
        self._pinned = False
        self._loop = EventLoopThread.shared()
        self._refresh = threading.Lock()
        self._looked = 0.0  # When the newest look at the version began.

    @classmethod
    def create(cls, folder: Path, *, embedding_size: int) -> EmbeddedIndex:
        """Make an empty index.

        Raises:
            ShopExistsError: if the folder already holds one.
            SettingError: on an embedding size below 1.
        """
        schema = image_schema(embedding_size, {})
        folder = Path(folder)
        if cls.exists(folder):
            raise ShopExistsError(f"{folder} already holds an index: open it, or give a new folder")
        with translated(folder, "create the index"):
            folder.mkdir(parents=True, exist_ok=True)

            async def make() -> None:
                connection = await _connect(folder)
                await connection.create_table(
                    _TABLE, schema=schema.append(pa.field(PACKED, pa.string())), mode="create"
                )

            EventLoopThread.shared().run(make())
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> EmbeddedIndex:
        """Open an index for reading and writing.

        Raises:
            ShopNotFoundError: if the folder holds none.
            StorageError: if its files are damaged.
        """
        folder = Path(folder)
        if not cls.exists(folder):
            raise ShopNotFoundError(f"{folder} holds no index: create it first")

        async def connect() -> EmbeddedIndex:
            connection = await _connect(folder)
            table = await connection.open_table(_TABLE)
            note = read_unfinished(folder)
            reader = None
            if note is not None:
                with suppress(ValueError, RuntimeError):  # a note of long ago, put back
                    reader = await LanceReader.at(connection, _TABLE, note.before)
            if reader is None:
                reader = await LanceReader.at(connection, _TABLE, await table.version())
            return cls(folder, connection, table, reader)

        with translated(folder, "open the index"):
            return EventLoopThread.shared().run(connect())

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Whether the folder holds an index."""
        versions = Path(folder) / f"{_TABLE}.lance" / "_versions"
        return any(versions.glob("*.manifest"))

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    @property
    def capabilities(self) -> Capabilities:
        """Versions, approximate search, no bound on k."""
        return Capabilities(versions=True, approximate=True, max_k=None)

    @property
    def embedding_size(self) -> int:
        """Numbers in a vector."""
        return self._reader.embedding_size

    @property
    def fields(self) -> Mapping[str, FieldType]:
        """Fixed columns and attributes of the version seen."""
        return {**FIXED_FIELDS, **self.attributes}

    @property
    def attributes(self) -> Mapping[str, FieldType]:
        """Attribute columns of the version seen."""
        return self._current().attributes

    @property
    def version(self) -> int:
        """Version of the Lance table; some changes take two steps and two numbers."""
        return self._current().version

    def upsert(self, rows: pa.Table, *, without: Collection[ImageId] = ()) -> None:
        """See ``Index.upsert``; new columns are a version of their own, before the rows."""
        with self._writing("add rows"):
            known = self._current()
            added = {
                name: kind
                for name, kind in attributes_of(rows.schema).items()
                if name not in known.attributes
            }
            # Everything is checked before the first change, so that a refusal changes nothing.
            schema = image_schema(known.embedding_size, {**known.attributes, **added})
            table = checked_rows(rows, schema)
            if added:
                self._run(self._table.add_columns(_null_columns(added)))
            if not table.num_rows:
                self._remove(without)
                return
            if without:
                note_unfinished(self._folder, self._about_to(table, without))
            self._put(with_packed(table), known)
            if without:
                self._remove(without)
                forget_unfinished(self._folder)

    def _about_to(self, rows: pa.Table, without: Collection[ImageId]) -> Unfinished:
        return Unfinished(
            before=self._run(self._table.version()),
            at=max(filter(None, rows.column(ADDED_AT).to_pylist()), default=datetime.now(UTC)),
            coming=tuple(sorted(rows.column("image_id").to_pylist())),
            going=tuple(sorted(without)),
        )

    def _remove(self, images: Collection[ImageId]) -> None:
        if images:
            sql = lance_sql(In("image_id", tuple(sorted(images))), FIXED_FIELDS)
            self._run(self._table.delete(sql))

    def _finish(self) -> None:
        """Make the second commit of a process that was killed, if it made the first."""
        note = read_unfinished(self._folder)
        if note is not None:
            newest = self._run(self._reader_at(self._run(self._table.version())))
            if note.at in self._written_at(newest, note.coming).values():
                # What others have written since is theirs.
                found = self._written_at(newest, note.going)
                self._remove([image_id for image_id, at in found.items() if at < note.at])
        forget_unfinished(self._folder)

    def _written_at(
        self, reader: LanceReader, images: Collection[ImageId]
    ) -> dict[ImageId, datetime]:
        """When the rows of some images were written, of those that are there."""
        where = In("image_id", tuple(images))
        columns = ["image_id", ADDED_AT]
        batches = self._run(reader.scan(where, columns=columns, limit=None))
        return {
            row["image_id"]: row[ADDED_AT]
            for batch in self._drained(batches)
            for row in batch.to_pylist()
        }

    def _put(self, rows: pa.Table, known: LanceReader) -> None:
        """Insert or replace rows, in the turn of a writer."""
        ids = In("image_id", tuple(rows.column("image_id").to_pylist()))
        if not self._run(known.count(ids)):
            # All of them are new: appending takes a tenth of the time of a merge. Nobody can add
            # one of them meanwhile, since the turn is ours.
            self._run(self._table.add(rows))
            return
        merge = self._table.merge_insert("image_id").when_matched_update_all()
        self._run(merge.when_not_matched_insert_all().execute(rows))

    def delete(self, where: Filter) -> int:
        """See ``Index.delete``."""
        with self._writing("delete rows"):
            sql = lance_sql(where, self.fields)
            if not self.count(where):
                return 0
            result = self._run(self._table.delete(sql))
            return int(result.num_deleted_rows)

    def fetch(
        self,
        where: Filter | None = None,
        *,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """See ``Index.fetch``; rows come in storage order."""
        reader = self._current()
        with translated(self._folder, "read rows"):
            batches = self._run(reader.scan(where, columns=columns, limit=limit))
        return self._drained(batches)

    def _drained(self, batches: AsyncIterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        while True:
            with translated(self._folder, "read rows"):
                batch = self._run(_next(batches))
            if batch is None:
                return
            yield batch

    def search(
        self,
        vectors: Embeddings,
        *,
        k: int,
        where: Filter | None = None,
        columns: Sequence[str] = (),
        exact: bool = False,
    ) -> list[list[Hit]]:
        """See ``Index.search``; exact until ``optimise`` has built a vector index."""
        reader = self._current()
        with translated(self._folder, "search"):
            return self._run(reader.search(vectors, k=k, where=where, columns=columns, exact=exact))

    def count(self, where: Filter | None = None) -> int:
        """See ``Index.count``."""
        reader = self._current()
        with translated(self._folder, "count rows"):
            return self._run(reader.count(where))

    def optimise(self, *, quick: bool = False) -> bool:
        """See ``Index.optimise``; builds the vector index above ``EXACT_LIMIT``.

        Rows can be written while the vector index is built, which takes the most of the time.
        """
        if quick:
            self._merge_small_files()
            if not self._run(settling_due(self._table)):
                return self._vectors_due()
        with self._upkeep(wait=0.0 if quick else _LOCK_SECONDS) as has_turn:
            if not has_turn:
                return False
            with self._writing("optimise"):
                self._run(settle_table(self._table, self._current().attributes))
            if quick or not self._vectors_due():
                return quick and self._vectors_due()
            with translated(self._folder, "index the vectors"):
                return self._build_vector_index()

    def _merge_small_files(self) -> None:
        with self._writing("merge small files"):
            rows = self._run(small_rows(self._table))
            if rows is not None:
                merge = self._table.merge_insert("image_id").when_matched_update_all()
                self._run(merge.when_not_matched_insert_all().execute(rows))

    def _vectors_due(self) -> bool:
        with translated(self._folder, "look at the vector index"):
            return self._run(vector_index_due(self._table, self._current().embedding_size))

    def _build_vector_index(self) -> bool:
        try:
            self._run(build_vector_index(self._table))
        except (OSError, RuntimeError) as error:
            if "conflict" not in str(error).lower():
                raise
            return True  # a rollback came between: the index would be of what is gone
        return False

    def snapshot(self, version: int | None = None) -> EmbeddedIndex:
        """See ``Index.snapshot``."""
        reader = self._current()
        if version is not None and version != reader.version:
            with translated(self._folder, f"open version {version}"):
                reader = self._at(version)
        view = EmbeddedIndex(self._folder, self._connection, self._table, reader)
        view._pinned = True
        return view

    def versions(self) -> list[IndexVersion]:
        """See ``Index.versions``."""
        with translated(self._folder, "list the versions"):
            found = self._run(self._table.list_versions())
        return [
            IndexVersion(
                number=int(v["version"]),
                created_at=v["timestamp"].astimezone(UTC),
                rows=int(v["metadata"]["total_rows"]),
            )
            for v in found
        ]

    def rollback(self, version: int) -> None:
        """See ``Index.rollback``; the newer versions stay."""
        with self._writing(f"roll back to version {version}"):
            if version == self.version:
                return
            self._at(version)

            async def restore() -> None:
                table = await self._connection.open_table(_TABLE, version=version)
                await table.restore()

            self._run(restore())

    def prune(
        self, *, oldest: int | None = None, min_age: timedelta = timedelta(minutes=10)
    ) -> None:
        """See ``Index.prune``; only whole runs of old versions can go."""
        with self._upkeep(), self._writing("prune versions"):
            if oldest is not None:
                self._at(oldest)
            self._run(forget_versions(self._table, oldest=oldest, min_age=min_age))

    @contextmanager
    def kept_files(self) -> Iterator[list[Path]]:
        """The files of all versions that there are now; none of them goes until the block ends.

        Lance never changes a file: it writes new ones, and last of all the manifest of the version
        that they are for. Files that are listed after the manifests thus have all that these name;
        those of a change that is under way besides belong to no version and do no harm. What takes
        files away waits meanwhile, what writes does not.

        Raises:
            EngineError: if somebody else has been looking after the files for too long.
        """
        table = self._folder / f"{_TABLE}.lance"
        with self._upkeep():
            # In the turn of a writer: no change is by half then.
            with self._writing("list the files"):
                manifests = sorted((table / "_versions").glob("*.manifest"))
                others = [
                    path
                    for path in sorted(table.rglob("*"))
                    if path.parent.name != "_versions" and _UNFINISHED not in path.name
                    if path.is_file()
                ]
            yield [*manifests, *others]

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)

    def _current(self) -> LanceReader:
        """The reader of the newest version, or of the pinned one."""
        if self._pinned:
            return self._reader
        asked = time.monotonic()
        with translated(self._folder, "read the version"), self._refresh:
            if self._looked > asked:
                return self._reader  # of whoever looked since this one began to wait
            began = time.monotonic()
            while True:
                version = self._run(self._table.version())
                if version == self._reader.version:
                    break
                note = read_unfinished(self._folder)
                # A note that has gone just now went after a version newer than this one.
                if note is None and version != self._run(self._table.version()):
                    continue
                seen = version if note is None else note.before
                if seen != self._reader.version:
                    self._reader = self._run(self._reader_at(seen))
                break
            self._looked = began
            return self._reader

    def _reader_at(self, version: int) -> Coroutine[Any, Any, LanceReader]:
        return LanceReader.at(self._connection, _TABLE, version, like=self._reader)

    def _at(self, version: int) -> LanceReader:
        try:
            return self._run(self._reader_at(version))
        except (ValueError, RuntimeError):
            # Listing the versions reads each of them: only once something is wrong.
            known = [v.number for v in self.versions()]
            if version in known:
                raise
            raise SettingError(
                f"version {version} is not kept: there are {len(known)} from {known[0]} to "
                f"{known[-1]}"
            ) from None

    @contextmanager
    def _writing(self, doing: str) -> Iterator[None]:
        """The turn of one writer: the lock of the folder held, errors translated."""
        if self._pinned:
            raise SettingError(f"cannot {doing} in a snapshot: it is read-only, use the index")
        if not self.exists(self._folder):
            raise ShopNotFoundError(f"{self._folder} holds no index any more: create it first")
        with translated(self._folder, doing):
            lock = FileLock(self._folder / _LOCK_FILE, timeout=_LOCK_SECONDS)
            try:
                lock.acquire(poll_interval=_POLL_SECONDS)
            except Timeout:
                raise EngineError(_waited(self._folder)) from None
            try:
                self._finish()
                yield
            finally:
                lock.release()

    @contextmanager
    def _upkeep(self, *, wait: float = _LOCK_SECONDS) -> Iterator[bool]:
        """The turn of one who looks after the files, taken before that of a writer.

        Yields:
            False if another has it and there is no time to wait for it.
        """
        lock = FileLock(self._folder / _UPKEEP_FILE, timeout=wait)
        try:
            lock.acquire()
        except Timeout:
            if wait:
                raise EngineError(_waited(self._folder)) from None
            yield False
            return
        try:
            yield True
        finally:
            lock.release()


def _waited(folder: Path) -> str:
    return (
        f"index {folder}: another process has been writing for {_LOCK_SECONDS / 60:.0f} minutes; "
        f"wait for it or end it"
    )


async def _next(batches: AsyncIterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    return await anext(batches, None)


async def _connect(folder: Path) -> Any:
    # Lance would print a notice about statistics that nobody here asks for.
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")
    # Zero: ask for the newest version on each read of the live table.
    return await lancedb.connect_async(
        folder,
        read_consistency_interval=timedelta(0),
        session=lancedb.Session(metadata_cache_size_bytes=_METADATA_BYTES),
    )


def _null_columns(attributes: Mapping[str, FieldType]) -> pa.Schema:
    return pa.schema([pa.field(name, arrow_type(kind)) for name, kind in attributes.items()])
