"""Keeping a shop fast and small that many single changes are made in."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from findalike.index.base import Index
from findalike.shop.history import note_change
from findalike.shop.uploaded import remove_nameless
from findalike.shop.writing import import_lock, writer_lock

NOTE_SECONDS = 600.0
"""Single changes become one entry of the history at most this often."""

CHECK_VERSIONS = 500
"""Versions between two counts of how many there are."""

MOST_VERSIONS = 1500
"""Versions that are kept at most, but for those of the last minutes: each search asks which is the
newest, and that takes the longer the more there are."""

KEPT_VERSIONS = 500
"""Versions left when there were too many."""

MIN_AGE = timedelta(minutes=2)
"""Versions younger than this stay: requests that look at them end before."""

LOCK_SECONDS = 5.0


class Caretaker:
    """Looks after one shop for one process; those of several processes do not disturb each other.

    An import ends with its own tidying up. Single changes do not: a caretaker is asked to ``tend``
    now and then beside them.
    """

    def __init__(self, index: Index, folder: Path) -> None:
        self._index = index
        self._folder = folder
        self._changed = 0
        self._noted = time.monotonic()
        # Due at the first look: a service that is restarted often makes few versions each time.
        self._checked = index.version - CHECK_VERSIONS

    def tend(self, changed: int) -> bool:
        """Merge small files; forget old versions and the pictures that only they name where that
        is due. Takes a second at most.

        Args:
            changed: products changed since the last call.

        Returns:
            Whether ``tidy`` is due.
        """
        self._changed += changed
        due = self._index.optimise(quick=True)
        if time.monotonic() - self._noted >= NOTE_SECONDS:
            self.note()
        version = self._index.version
        if version - self._checked >= CHECK_VERSIONS or version < self._checked:
            # While an import runs, the next look tries again.
            with import_lock(self._folder, wait=0.0) as no_import:
                if no_import:
                    self._checked = version
                    self._forget_versions()
        return due

    def _forget_versions(self) -> None:
        held = self._index.versions()
        if len(held) > MOST_VERSIONS:
            self._index.prune(oldest=held[-KEPT_VERSIONS].number, min_age=MIN_AGE)
        remove_nameless_uploads(self._index, self._folder)

    def tidy(self) -> None:
        """Build what searches are fast by anew: up to minutes, beside readers and writers."""
        self._index.optimise()

    def note(self) -> None:
        """Make the single changes since the last time one entry of the history."""
        if self._changed:
            with writer_lock(self._folder, wait=LOCK_SECONDS):
                what = f"{self._changed:,} single changes"
                note_change(self._folder, version=self._index.version, what=what)
        self._changed = 0
        self._noted = time.monotonic()


def remove_nameless_uploads(index: Index, folder: Path) -> int:
    """Remove the pictures that were sent to a shop and are in no version any longer.

    Returns:
        How many went.

    Raises:
        StorageError, EngineError: if the disk or engine fails.
    """
    oldest = index.versions()[0].created_at
    named: set[str] = set()
    for batch in index.snapshot().fetch(columns=["location"]):
        named.update(batch.column("location").to_pylist())
    return remove_nameless(folder, named, oldest=oldest)
