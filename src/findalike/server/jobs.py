"""Imports that run beside the service, one at a time, each in a process of its own.

A process of its own gives way to searches, can be ended at any moment without harm, and takes what
memory it needs with it. What it does is in the records, so that every worker can tell of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from findalike.errors import FindalikeError
from findalike.server.admission import busy
from findalike.server.job_record import (
    ENDED,
    IMPORTS,
    ImportRequest,
    ImportState,
    JobRecord,
    all_records,
    interrupted,
)
from findalike.server.logs import server_log
from findalike.server.settings import ServerSettings

MOST_WAITING = 8
"""Imports that wait or run, of all workers."""

CANCEL_SECONDS = 15.0
"""How long an import may take to stop by itself once it was cancelled."""

STOP_SECONDS = 5.0
_POLL = 0.2


class Jobs:
    """The imports that one worker carries on."""

    def __init__(self, shop: Path, *, settings: ServerSettings) -> None:
        self.shop = shop.resolve()
        self.settings = settings
        self._log = server_log()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def new_record(self) -> JobRecord:
        """The record of an import that is about to come.

        Raises:
            Problem: 429 if too many wait.
            StorageError: if it cannot be made.
        """
        waiting = [r for r in all_records(self.shop)[:100] if r.state().state not in ENDED]
        if len(waiting) >= MOST_WAITING:
            raise busy(f"{len(waiting)} imports wait already", 60.0)
        return JobRecord.create(self.shop)

    def start(self, record: JobRecord, request: ImportRequest) -> None:
        """Carry on an import whose feed has arrived; returns once it is queued."""
        ready = threading.Event()
        thread = threading.Thread(
            target=self._carry_on, args=(record, request, ready), name="import", daemon=True
        )
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()
        ready.wait(10)

    async def stop(self) -> None:
        """Interrupt what is under way; what was committed stays."""
        self._stopping.set()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            left = max(0.0, deadline - time.monotonic())
            await asyncio.to_thread(thread.join, left)

    def _carry_on(self, record: JobRecord, request: ImportRequest, ready: threading.Event) -> None:
        try:
            with record.alive:
                record.begin(request)
                ready.set()
                turn = self._turn(record)
                if turn is None:
                    self._end_early(record)
                    return
                try:
                    self._run(record)
                finally:
                    turn.release()
        except FindalikeError as error:
            self._log.error("import failed", job=record.job_id, error=str(error))
        finally:
            ready.set()
            record.drop_feed()

    def _turn(self, record: JobRecord) -> FileLock | None:
        """The right to import, of all workers; None if the import is to end before it has it."""
        lock = import_turn(self.shop)
        while not (self._stopping.is_set() or record.is_cancelled):
            try:
                lock.acquire(timeout=_POLL, poll_interval=0.05)
            except Timeout:
                continue
            return lock
        return None

    def _run(self, record: JobRecord) -> None:
        command = [sys.executable, "-m", "findalike.server.import_process"]
        with (record.folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module and folders
                [*command, str(record.folder), str(self.shop)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=record.folder / "feed",
                start_new_session=True,
            )
        until = None
        while process.poll() is None:
            if until is None and (self._stopping.is_set() or record.is_cancelled):
                patience = STOP_SECONDS / 2 if self._stopping.is_set() else CANCEL_SECONDS
                until = time.monotonic() + patience
                if self._stopping.is_set():
                    process.terminate()
            if until is not None and time.monotonic() > until:
                process.kill()  # safe at any moment: only whole batches are in the shop
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_POLL)
        self._close(record, process.returncode)

    def _close(self, record: JobRecord, code: int) -> None:
        """Say how an import ended whose process did not say so itself."""
        state = record.state()
        if state.state in ENDED:
            return
        if record.is_cancelled:
            record.put(ended(cancelled(state)))
        elif self._stopping.is_set():
            record.put(ended(interrupted(state)))
        else:
            self._log.error("import ended", job=record.job_id, code=code)
            detail = f"the import ended by itself (code {code}); {state.committed} and stay"
            step = "send the same feed again; if it ends again, tell the shop: its log has why"
            record.put(
                ended(
                    state.model_copy(
                        update={"state": "failed", "detail": detail, "next_step": step}
                    )
                )
            )

    def _end_early(self, record: JobRecord) -> None:
        state = record.state()
        record.put(ended(cancelled(state) if record.is_cancelled else interrupted(state)))


def import_turn(shop: Path) -> FileLock:
    """The lock of the import that runs."""
    return FileLock(shop / IMPORTS / "turn.lock")


def cancelled(state: ImportState) -> ImportState:
    """The state of an import that was cancelled."""
    return state.model_copy(
        update={
            "state": "cancelled",
            "detail": f"cancelled at row {state.rows_done:,}; {state.committed} and stay",
            "next_step": "POST /v1/shop:rollback brings back the version before, if that is wanted",
        }
    )


def ended(state: ImportState) -> ImportState:
    """The same with the time it ended."""
    return state.model_copy(update={"finished_at": datetime.now(UTC)})
