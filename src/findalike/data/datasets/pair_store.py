"""The state of a collection of pairs on disk: which pictures there are and what became of each."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from findalike.errors import SettingError, StorageError
from findalike.types import Domain

_PAGE = 1000
_COMMIT_SECONDS = 0.5
_IS_CHOSEN = (
    "EXISTS (SELECT 1 FROM use JOIN chosen USING (label) WHERE use.picture = picture.number)"
)
_TABLES = """
CREATE TABLE IF NOT EXISTS told (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS product (number INTEGER PRIMARY KEY, label TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS picture (
    number INTEGER PRIMARY KEY, url TEXT UNIQUE, state TEXT NOT NULL DEFAULT 'new',
    reason TEXT, sha256 TEXT, file TEXT
);
CREATE INDEX IF NOT EXISTS picture_content ON picture (sha256);
CREATE TABLE IF NOT EXISTS use (
    number INTEGER PRIMARY KEY, label TEXT, domain TEXT, picture INTEGER, UNIQUE (label, picture)
);
CREATE INDEX IF NOT EXISTS use_picture ON use (picture);
CREATE TEMP TABLE chosen (label TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;
CREATE TEMP TABLE shared (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class PairPicture:
    """One picture of a product.

    Attributes:
        reason: why it could not be had; then it has no file.
        file: path below the folder of the collection.
        shared: 1 if another product has the same picture, byte for byte, else 0.
    """

    url: str
    domain: Domain
    reason: str | None
    sha256: str | None
    file: str | None
    shared: int


class PairStore:
    """Products, their pictures and the state of each, in one SQLite file.

    Nothing is held in memory, so its size does not matter; what was committed survives a kill.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            StorageError: if that fails.
        """
        self._path = path
        self._committed = 0.0
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_TABLES)

    def close(self) -> None:
        """Commit and close."""
        with self._translated():
            self._db.commit()
            self._db.close()

    def __enter__(self) -> PairStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def told(self, name: str) -> Any:
        """What `tell` was given last, None if nothing."""
        with self._translated():
            row = self._db.execute("SELECT value FROM told WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def tell(self, name: str, value: Any) -> None:
        """Remember a value that JSON can hold."""
        with self._translated():
            self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (name, json.dumps(value)))
            self._db.commit()

    def require_same(self, made_from: Mapping[str, Any]) -> bool:
        """Whether the pairs were read already, from the same files with the same settings.

        Raises:
            SettingError: if they were read from others.
        """
        before = self.told("made_from")
        for name, value in {} if before is None else made_from.items():
            if before.get(name) != value:
                raise SettingError(
                    f"{self._path.parent} was made with {name} {before.get(name)}, not {value}: "
                    f"give another folder with --out, or the same as then"
                )
        return before is not None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One transaction that takes the pairs anew: all of them, or after a failure none."""
        with self._translated():
            for table in ("product", "picture", "use"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            try:
                yield
                self._tidy()
                self._db.commit()
            except BaseException:
                self._db.rollback()
                raise

    def add(self, label: str, domain: Domain, urls: Iterable[str], *, most: int) -> None:
        """Add pictures to a product, up to ``most`` of a domain."""
        query = "SELECT COUNT(*) FROM use WHERE label = ? AND domain = ?"
        (count,) = self._db.execute(query, (label, domain)).fetchone()
        for url in urls:
            if count >= most:
                return
            self._db.execute("INSERT OR IGNORE INTO picture (url) VALUES (?)", (url,))
            cursor = self._db.execute(
                "INSERT OR IGNORE INTO use (label, domain, picture) "
                "SELECT ?, ?, number FROM picture WHERE url = ?",
                (label, domain, url),
            )
            count += cursor.rowcount

    def has(self, label: str) -> bool:
        """Whether a product has a picture."""
        query = "SELECT 1 FROM use WHERE label = ? LIMIT 1"
        return self._db.execute(query, (label,)).fetchone() is not None

    def _tidy(self) -> None:
        """Number the products with both kinds of pictures, and forget the others' pictures."""
        self._db.execute(
            "INSERT INTO product (label) SELECT label FROM use GROUP BY label "
            "HAVING COUNT(DISTINCT domain) = 2 ORDER BY MIN(number)"
        )
        self._db.execute("DELETE FROM use WHERE label NOT IN (SELECT label FROM product)")
        self._db.execute("DELETE FROM picture WHERE number NOT IN (SELECT picture FROM use)")

    def choose(self, limit: int | None) -> int:
        """Work on the first ``limit`` products from now on, on all with None; says how many."""
        with self._translated():
            self._db.execute("DELETE FROM chosen")
            self._db.execute(
                "INSERT INTO chosen SELECT label, number FROM product ORDER BY number LIMIT ?",
                (-1 if limit is None else limit,),
            )
            return int(self._db.execute("SELECT COUNT(*) FROM chosen").fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Pictures of the chosen products by state: new, done, failed, later."""
        query = f"SELECT state, COUNT(*) FROM picture WHERE {_IS_CHOSEN} GROUP BY state"  # noqa: S608
        with self._translated():
            found = {str(state): int(count) for state, count in self._db.execute(query)}
        return {state: found.get(state, 0) for state in ("new", "done", "failed", "later")}

    def pending(self) -> Iterator[tuple[int, str]]:
        """Number and URL of each picture that is still to be had; read page by page."""
        last = -1
        query = (
            f"SELECT number, url FROM picture WHERE {_IS_CHOSEN} "  # noqa: S608
            "AND state IN ('new', 'later') AND number > ? ORDER BY number LIMIT ?"
        )
        while page := self._db.execute(query, (last, _PAGE)).fetchall():
            yield from page
            last = page[-1][0]

    def done(self, number: int, sha256: str, file: str) -> None:
        """Note a picture that is on disk."""
        self._note(number, "done", None, sha256, file)

    def failed(self, number: int, reason: str, *, final: bool) -> None:
        """Note a picture that could not be had; if not ``final`` it stays pending."""
        self._note(number, "failed" if final else "later", reason, None, None)

    def _note(self, number: int, *values: str | None) -> None:
        with self._translated():
            self._db.execute(
                "UPDATE picture SET state = ?, reason = ?, sha256 = ?, file = ? WHERE number = ?",
                (*values, number),
            )
            if time.monotonic() > self._committed + _COMMIT_SECONDS:
                self.commit()

    def commit(self) -> None:
        """Make what was noted last."""
        with self._translated():
            self._db.commit()
        self._committed = time.monotonic()

    def contents(self) -> Iterator[list[tuple[str, str]]]:
        """SHA-256 and file of each content that a chosen product has, once, in pages."""
        last = ""
        query = (
            f"SELECT sha256, MIN(file) FROM picture WHERE {_IS_CHOSEN} "  # noqa: S608
            "AND state = 'done' AND sha256 > ? GROUP BY sha256 ORDER BY sha256 LIMIT ?"
        )
        with self._translated():
            while page := self._db.execute(query, (last, _PAGE)).fetchall():
                yield page
                last = page[-1][0]

    def products(self) -> Iterator[tuple[str, list[PairPicture]]]:
        """The chosen products with all their pictures, the seller's first."""
        with self._translated():
            self._db.execute("DELETE FROM shared")
            self._db.execute(
                "INSERT INTO shared SELECT sha256 FROM use JOIN chosen USING (label) "
                "JOIN picture ON picture.number = use.picture WHERE sha256 IS NOT NULL "
                "GROUP BY sha256 HAVING COUNT(DISTINCT label) > 1"
            )
            labels = self._db.execute("SELECT label FROM chosen ORDER BY number").fetchall()
            for (label,) in labels:
                rows = self._db.execute(
                    "SELECT url, domain, reason, sha256, file, "
                    "sha256 IN (SELECT sha256 FROM shared) FROM use "
                    "JOIN picture ON picture.number = use.picture WHERE label = ? "
                    "ORDER BY domain, use.number",
                    (label,),
                )
                yield label, [PairPicture(*row) for row in rows]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self._path}: {error}: free space or mend the folder's rights; if the file is "
                f"damaged, delete it and start anew"
            ) from error
