"""A map from string to string that lives on disk, so that joins need no memory of their own."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from findalike.errors import StorageError

_CACHE_KIB = 16 * 1024


class DiskLookup:
    """First value put for each key, in a private temporary SQLite file with 16 MiB of cache.

    SQLite deletes the file itself when the lookup goes, also after a kill.

    Raises:
        StorageError: from any method, when the disk for temporary files is full or failing.
    """

    def __init__(self) -> None:
        with _translated():
            # The empty name is SQLite's private temporary database: on disk, gone with its handle.
            self._base = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            # Python 3.13 warns of connections that are left to the garbage collector.
            self._closing = weakref.finalize(self, self._base.close)
            self._base.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._base.execute("PRAGMA journal_mode = OFF")
            self._base.execute("PRAGMA synchronous = OFF")
            self._base.execute("CREATE TABLE pairs (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID")
            self._base.execute("BEGIN")

    def put(self, key: str, value: str) -> bool:
        """Store a value; False, and nothing changed, when the key has one already."""
        with _translated():
            cursor = self._base.execute("INSERT OR IGNORE INTO pairs VALUES (?, ?)", (key, value))
            return cursor.rowcount == 1

    def get(self, key: str) -> str | None:
        """The value of a key, or None."""
        with _translated():
            row = self._base.execute("SELECT v FROM pairs WHERE k = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Delete the temporary file; the lookup cannot be used after."""
        self._closing()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(
            f"the temporary file that joins product rows failed: {error}: free some space in the "
            f"folder for temporary files, or set SQLITE_TMPDIR to another"
        ) from error
