"""The right to write to a shop, and what a failing disk is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from findalike.errors import ShopLockedError, StorageError

POLL_SECONDS = 0.01
"""Between two looks whether the right to write is free."""


@contextmanager
def writer_lock(folder: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the right to write; the operating system frees it when the process dies.

    Args:
        wait: seconds to wait for another who has it.

    Raises:
        ShopLockedError: if another has it for longer.
    """
    lock = FileLock(folder / ".lock")
    with storage_errors(folder):
        try:
            lock.acquire(timeout=wait, poll_interval=POLL_SECONDS)
        except Timeout:
            raise ShopLockedError(
                f"another process is writing to the shop {folder}: wait until it is done, "
                f"then run the same command again"
            ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def import_lock(folder: Path, *, wait: float) -> Iterator[bool]:
    """Hold the one place for an import that lets others write beside it.

    While it is held, old versions are kept: such an import looks at the one it began with.

    Yields:
        False if another has it for longer than ``wait`` seconds.
    """
    lock = FileLock(folder / ".importing")
    with storage_errors(folder):
        try:
            lock.acquire(timeout=wait)
        except Timeout:
            yield False
            return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Translate what the operating system says of the shop's disk to ``StorageError``."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write to the shop {folder}: {error.strerror}; free space or mend the "
            f"folder's rights, then run the same command again"
        ) from error
