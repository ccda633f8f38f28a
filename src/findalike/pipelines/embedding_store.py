"""Embeddings on disk by the content of their photos, so that none is computed twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from findalike.errors import StorageError
from findalike.types import Embeddings

_TABLE = (
    "CREATE TABLE IF NOT EXISTS vector "
    "(encoder TEXT, sha256 TEXT, value BLOB, reason TEXT, PRIMARY KEY (encoder, sha256))"
)


class EmbeddingStore:
    """The embeddings of one encoder in an SQLite file that may hold those of several.

    They are kept with 16 bits a number, which changes a cosine by less than 0.001.
    """

    def __init__(self, path: Path, *, encoder: str) -> None:
        """Open or make the file.

        Args:
            encoder: fingerprint of the encoder.

        Raises:
            StorageError: if that fails.
        """
        self._path = path
        self._encoder = encoder
        with self._translated():
            self._db = sqlite3.connect(path)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_TABLE)

    def close(self) -> None:
        """Close the file."""
        with self._translated():
            self._db.close()

    def __enter__(self) -> EmbeddingStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def has(self, sha256: str) -> bool:
        """Whether a photo was embedded, or found to be unreadable."""
        query = "SELECT 1 FROM vector WHERE encoder = ? AND sha256 = ?"
        with self._translated():
            return self._db.execute(query, (self._encoder, sha256)).fetchone() is not None

    def add(self, rows: Sequence[tuple[str, Embeddings | str]]) -> None:
        """Keep embeddings, (d,), by SHA-256; text says why a photo has none."""
        values = [
            (self._encoder, sha256, None, found)
            if isinstance(found, str)
            else (self._encoder, sha256, found.astype(np.float16).tobytes(), None)
            for sha256, found in rows
        ]
        with self._translated():
            self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?, ?, ?)", values)
            self._db.commit()

    def get(self, sha256: str) -> Embeddings | str:
        """An embedding, float32 (d,) of unit length, or why there is none."""
        query = "SELECT value, reason FROM vector WHERE encoder = ? AND sha256 = ?"
        with self._translated():
            row = self._db.execute(query, (self._encoder, sha256)).fetchone()
        if row is None or row[0] is None:
            return "it was not embedded" if row is None else str(row[1])
        vector: Embeddings = np.frombuffer(row[0], np.float16).astype(np.float32)
        return vector / np.float32(np.linalg.norm(vector))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(
                f"{self._path}: {error}: free space or mend the folder's rights; if the file is "
                f"damaged, delete it: the embeddings are then computed anew"
            ) from error
