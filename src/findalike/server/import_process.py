"""The process of one import: ``python -m findalike.server.import_process JOB SHOP``.

It runs in the folder of the feed, so that messages and reports name the feed and no folder of the
machine. It ends by itself when it is cancelled, or when the worker that started it is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from findalike.data.catalogue import Catalogue
from findalike.data.fetch import Fetcher
from findalike.errors import FindalikeError, StrictImportError, UserError
from findalike.server.giving_way import give_way
from findalike.server.job_record import ImportRequest, ImportState, JobRecord, interrupted
from findalike.server.jobs import cancelled, ended
from findalike.shop.import_beside import BesideOptions
from findalike.shop.import_report import ImportCounts
from findalike.shop.known_roots import KnownRoots
from findalike.shop.opening import open_for_shop
from findalike.shop.shop import Shop

PRIORITY = 5
WRITE_SECONDS = 0.3
"""Between two writes of the state."""

FEED_SECONDS = 120.0
"""How long fetching a feed may take."""


class _StoppedError(Exception):
    """The import is to end now; ``cancelled`` if somebody asked for it."""

    def __init__(self, *, by_request: bool) -> None:
        super().__init__()
        self.by_request = by_request


class _Teller:
    """Writes the state as the import goes on, and ends it when it is to end."""

    def __init__(self, record: JobRecord) -> None:
        self.state = ImportState(state="running", started_at=datetime.now(UTC))
        self._record = record
        self._parent = os.getppid()
        self._written = 0.0
        self._told_to_end = False
        signal.signal(signal.SIGTERM, self._end)

    def watch(self) -> None:
        """End the import if it is to end.

        Raises:
            _StoppedError: if so.
        """
        if self._record.is_cancelled:
            raise _StoppedError(by_request=True)
        if self._told_to_end or os.getppid() != self._parent:
            raise _StoppedError(by_request=False)

    def progress(self, counts: ImportCounts, rows_done: int) -> None:
        """Take note of a commit."""
        self.state.rows_done = rows_done
        self.count(counts)
        if time.monotonic() - self._written > WRITE_SECONDS:
            self.write()
        self.watch()

    def count(self, counts: ImportCounts) -> None:
        """Take note of the totals."""
        self.state.added, self.state.updated = counts.added, counts.updated
        self.state.unchanged, self.state.refused = counts.unchanged, counts.refused

    def write(self) -> None:
        """Write the state now."""
        self._written = time.monotonic()
        self._record.put(self.state)

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._told_to_end = True


def main(job: str, shop: str) -> None:
    """Carry out one import."""
    give_way(PRIORITY)
    record = JobRecord(Path(job))
    teller = _Teller(record)
    teller.write()
    try:
        _import(record.request(), teller, record, Shop.open(Path(shop)))
    except _StoppedError as stopped:
        record.put(ended((cancelled if stopped.by_request else interrupted)(teller.state)))
    except FindalikeError as error:
        record.put(ended(_failed(teller.state, error)))


def _import(request: ImportRequest, teller: _Teller, record: JobRecord, shop: Shop) -> None:
    with Fetcher(allow_networks=request.allow_networks) as fetcher:
        feed = _feed(request)
        teller.watch()
        roots = shop.roots
        catalogue = open_for_shop(
            feed,
            source_format=request.format,
            columns=request.columns or None,
            types=request.types or None,
            root=roots[0] if roots and roots[0].is_dir() else None,
            fixed=shop.attributes,
        )
        _tell_of(catalogue, teller)
        options = BesideOptions(
            report=record.report,
            dry_run=request.dry_run,
            strict=request.strict,
            watch=teller.watch,
            progress=teller.progress,
        )
        with KnownRoots(roots, fetcher=fetcher) as source:
            counts = shop.take_in(catalogue, source, options)
    teller.count(counts)
    teller.state.rows_done = catalogue.row_count
    done = {"state": "done", "shop_version": shop.version}
    record.put(ended(teller.state.model_copy(update=done)))


def _feed(request: ImportRequest) -> Path:
    """The feed; fetched first where it is at a URL."""
    feed = Path(request.name)
    if request.url is None:
        return feed
    with Fetcher(
        max_bytes=request.max_feed_bytes,
        timeout=FEED_SECONDS,
        allow_networks=request.allow_networks,
    ) as fetcher:
        feed.write_bytes(fetcher.fetch(request.url))
    return feed


def _tell_of(catalogue: Catalogue, teller: _Teller) -> None:
    teller.state.rows = catalogue.row_count
    teller.state.notes = tuple(catalogue.notes)
    teller.write()
    teller.watch()


def _failed(state: ImportState, error: FindalikeError) -> ImportState:
    step = "send the same feed again: what is there already is passed over quickly"
    if isinstance(error, UserError):
        step = "correct that and send the feed again"
    if isinstance(error, StrictImportError):
        step = "correct the row, or import without strict to take all the others"
    # What a disk or an engine says names folders of the machine; it is in the log.
    detail = str(error) if isinstance(error, UserError) else "the shop could not be written to"
    if not isinstance(error, UserError):
        sys.stderr.write(f"{error}\n")
    if state.added or state.updated:
        detail += f"; {state.committed} and stay"
    return state.model_copy(update={"state": "failed", "detail": detail, "next_step": step})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
