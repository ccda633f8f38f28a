"""The right to write to a shop, and what a failing disk is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from findalike.errors import ShopLockedError, StorageError


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the right to write; the operating system frees it when the process dies."""
    lock = FileLock(folder / ".lock")
    with storage_errors(folder):
        try:
            lock.acquire(timeout=0)
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
def storage_errors(folder: Path) -> Iterator[None]:
    """Translate what the operating system says of the shop's disk to ``StorageError``."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write to the shop {folder}: {error.strerror}; free space or mend the "
            f"folder's rights, then run the same command again"
        ) from error
