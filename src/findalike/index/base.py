"""The interface of an index engine: what a shop asks of the place where its images are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from findalike.index.filter_tree import Filter
from findalike.types import Embeddings, FieldType, Hit, ImageId

if TYPE_CHECKING:
    import pyarrow as pa

SCORE_DECIMALS = 6
"""Scores are rounded to this many decimals before ordering: equal vectors then score equal."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, known before a call.

    Attributes:
        versions: ``snapshot``, ``versions``, ``rollback`` and ``prune`` work; without it a reader
            beside a writer may see half of an upsert.
        approximate: ``search`` may miss a neighbour unless ``exact`` is asked for.
        max_k: the largest ``k`` of a search, None for any.
    """

    versions: bool
    approximate: bool
    max_k: int | None


@dataclass(frozen=True, slots=True)
class IndexVersion:
    """One state the index was in; ``created_at`` is in UTC."""

    number: int
    created_at: datetime
    rows: int


class Index(ABC):
    """A table of images with their vectors, searched by cosine and by filters.

    The columns are those of ``schema.image_schema``. Safe to call from several threads; a forked
    child must open its own. Every method raises ``StorageError`` for a full or damaged disk and
    ``EngineError`` for any other failure of the engine.
    """

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this engine can do."""

    @property
    @abstractmethod
    def embedding_size(self) -> int:
        """Numbers in a vector."""

    @property
    @abstractmethod
    def fields(self) -> Mapping[str, FieldType]:
        """Every column a filter may name: the fixed ones, then the attributes."""

    @property
    @abstractmethod
    def attributes(self) -> Mapping[str, FieldType]:
        """The columns that ``upsert`` added beside the fixed ones."""

    @property
    @abstractmethod
    def version(self) -> int:
        """Number of the state that is seen, larger after each change; constant in a snapshot."""

    @abstractmethod
    def upsert(self, rows: pa.Table, *, without: Collection[ImageId] = ()) -> None:
        """Insert rows, or replace those with the same ``image_id``; all of them or none.

        A row replaces the old one whole: a column the rows lack becomes missing. Columns the
        index has not seen are added to it (``schema.image_rows`` makes such a table).

        Args:
            rows: columns of ``schema.image_schema``; image_id, product_id and vector are needed.
            without: images to remove, none of them among the rows. Readers see them go and the
                rows come at once.

        Raises:
            SettingError: on a value that has no place: an image_id twice, a vector that is not of
                unit length, a number that is not finite, a column of another type.
        """

    @abstractmethod
    def delete(self, where: Filter) -> int:
        """Remove the rows that pass a filter and return how many they were."""

    @abstractmethod
    def fetch(
        self,
        where: Filter | None = None,
        *,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Read rows without a search, in bounded memory.

        Args:
            where: keeps these rows; None keeps all.
            columns: names to read; None reads all but the vector.
            limit: the most rows to read.

        Returns:
            Batches of one version of the index, in an order that is the same for each call on it.
        """

    @abstractmethod
    def search(
        self,
        vectors: Embeddings,
        *,
        k: int,
        where: Filter | None = None,
        columns: Sequence[str] = (),
        exact: bool = False,
    ) -> list[list[Hit]]:
        """Find the nearest images of each query.

        Args:
            vectors: shape (q, d), float32, unit length.
            k: the most hits a query, 1 or more.
            where: only rows that pass it are searched.
            columns: names to give in ``Hit.row``.
            exact: compare with every row, where the engine would approximate.

        Returns:
            For each query its hits, by falling score and rising image_id; min(k, rows that pass)
            of them. The score is the cosine of the stored vector, whatever the index
            approximates, to ``SCORE_DECIMALS``.
        """

    @abstractmethod
    def count(self, where: Filter | None = None) -> int:
        """How many rows there are, or pass a filter."""

    @abstractmethod
    def optimise(self, *, quick: bool = False) -> bool:
        """Make later reads fast: index what is new, merge small files.

        Rows are found by every method before as well as after. Costs little when little changed;
        a long import is best interrupted for it after every few dozen upserts.

        Args:
            quick: only what writers need not wait for longer than a second or so. Meant to be
                called often beside many small upserts; leaves alone what another process is at.

        Returns:
            Whether a call that is not quick has something left to do.
        """

    @abstractmethod
    def snapshot(self, version: int | None = None) -> Index:
        """A read-only view of one version, the newest by default.

        Writers do not change what it sees. Cheap where nothing changed since the last call.

        Raises:
            SettingError: if there is no such version, or the engine keeps none.
        """

    @abstractmethod
    def versions(self) -> list[IndexVersion]:
        """The versions that can be seen or rolled back to, oldest first."""

    @abstractmethod
    def rollback(self, version: int) -> None:
        """Make the rows of an older version the newest version.

        Raises:
            SettingError: if there is no such version, or the engine keeps none.
        """

    @abstractmethod
    def prune(
        self, *, oldest: int | None = None, min_age: timedelta = timedelta(minutes=10)
    ) -> None:
        """Forget old versions and free their space.

        Args:
            oldest: this version and all later ones stay; None keeps only the newest.
            min_age: versions younger than this stay too, for the readers that still look at
                them; a snapshot of a forgotten version fails.
        """
