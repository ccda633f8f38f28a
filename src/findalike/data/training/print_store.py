"""Prints and embeddings of files, kept from one run to the next."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from findalike.data.training.prints import VERSION, Print
from findalike.errors import StorageError

_TABLES = (
    "CREATE TABLE IF NOT EXISTS prints (file TEXT PRIMARY KEY, sha256 BLOB, bits BLOB, thumb BLOB)",
    "CREATE TABLE IF NOT EXISTS embeddings (file TEXT, encoder TEXT, vector BLOB, "
    "PRIMARY KEY (file, encoder))",
)


class PrintStore:
    """A SQLite file, keyed by path, size and time of change: a file that changes is a new one.

    Use it in a ``with`` statement.

    Args:
        path: of the file, made if missing; None keeps nothing.

    Raises:
        StorageError: if it cannot be opened; from any method if it cannot be read or written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._base: sqlite3.Connection | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit, with short writes, so that two trainings can share the file.
            self._base = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._base.execute("PRAGMA journal_mode = WAL")
            for table in _TABLES:
                self._base.execute(table)
        except (OSError, sqlite3.Error) as error:
            self._close()
            raise self._failed(error) from error

    def find(self, keys: list[str]) -> dict[str, Print]:
        """The prints that are known, by key."""
        rows = self._select("SELECT file, sha256, bits, thumb FROM prints WHERE file IN", keys, ())
        return {file: Print(sha256, bits, thumb) for file, sha256, bits, thumb in rows}

    def keep(self, prints: Iterable[tuple[str, Print]]) -> None:
        """Remember prints."""
        self._write(
            "INSERT OR REPLACE INTO prints VALUES (?, ?, ?, ?)",
            [(key, one.sha256, one.bits, one.thumb) for key, one in prints],
        )

    def find_vectors(self, keys: list[str], encoder: str) -> dict[str, NDArray[np.float16]]:
        """The embeddings of one encoder that are known, by key."""
        query = "SELECT file, vector FROM embeddings WHERE encoder = ? AND file IN"
        rows = self._select(query, keys, (encoder,))
        return {file: np.frombuffer(vector, np.float16) for file, vector in rows}

    def keep_vectors(
        self, vectors: Iterable[tuple[str, NDArray[np.float16]]], encoder: str
    ) -> None:
        """Remember embeddings."""
        self._write(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
            [(key, encoder, vector.tobytes()) for key, vector in vectors],
        )

    def __enter__(self) -> PrintStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _select(self, query: str, keys: list[str], more: tuple[str, ...]) -> list[Any]:
        if self._base is None or not keys:
            return []
        try:
            marks = ",".join("?" * len(keys))
            return list(self._base.execute(f"{query} ({marks})", (*more, *keys)))
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _write(self, statement: str, rows: list[tuple[str | bytes, ...]]) -> None:
        if self._base is None or not rows:
            return
        try:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany(statement, rows)
            self._base.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StorageError:
        return StorageError(
            f"{self._path}, where prints of pictures are kept, cannot be used ({error}): delete "
            f"it, it is made anew; or free some space"
        )

    def _close(self) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None


def file_key(path: Path) -> str:
    """What a file is known by; "" if it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{VERSION}|{status.st_size}|{status.st_mtime_ns}|{os.path.abspath(path)}"  # noqa: PTH100 - no links
