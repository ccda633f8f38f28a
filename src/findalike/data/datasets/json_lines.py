"""Files with one JSON object a line, gzipped or not, in the memory of one line."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from findalike.data.catalogue.base import shown
from findalike.errors import CatalogueError
from findalike.types import Refusal

JsonObject: TypeAlias = dict[str, Any]

LONGEST_LINE = 16 << 20
STEP = 2000


def json_lines(
    path: Path, progress: Callable[[int, int], None] | None = None
) -> Iterator[JsonObject | Refusal]:
    """The objects in order, and a refusal for each line that is none; blank lines are passed over.

    Args:
        progress: called with (bytes of the file done, bytes in all).

    Raises:
        CatalogueError: if the file cannot be read, or its gzip data is cut off.
    """
    try:
        total = path.stat().st_size
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            stream: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=plain)) if packed else plain
            for row, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), start=1):
                if progress is not None and row % STEP == 0:
                    progress(min(plain.tell(), total), total)
                if item := _parsed(path, row, line, stream):
                    yield item
            if progress is not None:
                progress(total, total)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CatalogueError(
            f"{path}: its gzip data is cut off or damaged ({error}): get the file again"
        ) from error
    except OSError as error:
        raise CatalogueError(f"cannot read {path}: {error.strerror or error}") from error


def _parsed(path: Path, row: int, line: bytes, stream: IO[bytes]) -> JsonObject | Refusal | None:
    if len(line) >= LONGEST_LINE and not line.endswith(b"\n"):
        start, reason = line, f"a line of more than {LONGEST_LINE:,} bytes"
        while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
    elif not line.strip():
        return None
    else:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            start, reason = line, f"no JSON ({str(error)[:80]})"
        else:
            if isinstance(value, dict):
                return value
            start, reason = line, "JSON, but no object"
    return Refusal(
        file=str(path),
        row=row,
        item="",
        column="",
        value=shown(start[:200].decode("utf-8", "replace").strip()),
        reason=reason,
        allowed="one JSON object a line",
    )
