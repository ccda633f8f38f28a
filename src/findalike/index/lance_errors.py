"""Errors of LanceDB as errors of findalike."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from findalike.errors import EngineError, FindalikeError, StorageError

# Lance's errors are plain OSError, RuntimeError and ValueError; only their text tells them apart.
# Lance ends its messages with the place in its source code.
_SOURCE_PLACE = re.compile(r",? \S*\.rs:\d+(:\d+)?")
_FULL = ("no space left on device", "disk quota exceeded", "os error 28", "os error 122")
_DENIED = ("permission denied", "read-only file system", "os error 13", "os error 30")
_DAMAGED = (
    "corrupt",
    "not found",
    "no such file",
    "unexpected eof",
    "too small",
    "fill whole buffer",
    "invalid file",
    "magic",
    "failed to decode",
    "decode error",
)


@contextmanager
def translated(folder: Path, doing: str) -> Iterator[None]:
    """Raise what LanceDB raises inside as ``StorageError`` or ``EngineError``.

    Args:
        folder: of the index, named in the message.
        doing: what was tried, such as "search".
    """
    try:
        yield
    except FindalikeError:
        raise
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        raise _translation(error, folder, doing) from error


def _translation(error: Exception, folder: Path, doing: str) -> FindalikeError:
    text = str(error)
    lowered = text.lower()
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT) or any(sign in lowered for sign in _FULL):
        return StorageError(
            f"index {folder}: no space left while trying to {doing}; what was stored before is "
            f"unharmed. Free some space and run it again"
        )
    if number in (errno.EACCES, errno.EROFS) or any(sign in lowered for sign in _DENIED):
        return StorageError(
            f"index {folder}: not allowed to {doing}; check the permissions of the folder"
        )
    if any(sign in lowered for sign in _DAMAGED):
        return StorageError(
            f"index {folder}: cannot {doing}, a file is missing or damaged. Try again if old "
            f"versions were pruned just now; otherwise restore the folder from a backup or build "
            f"it again ({_reason(text)})"
        )
    return EngineError(f"index {folder}: cannot {doing} ({_reason(text)})")


def _reason(text: str) -> str:
    lines = text.strip().splitlines() or ["no reason given"]
    return _SOURCE_PLACE.sub("", lines[0])[:300]
