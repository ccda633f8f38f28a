"""What a path to a missing file probably meant: the usual slips of catalogues."""

from __future__ import annotations

import os
import unicodedata
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

MOST_NAMES = 20_000
"""Names of one folder that are compared; the rest of a larger folder is not looked at."""

_FOLDERS_KEPT = 8


def near_name(root: Path, parts: tuple[str, ...]) -> str | None:
    """A path below ``root`` that exists and differs from ``parts`` as slips do.

    Tried in turn: another case, extension or Unicode form of each part; ``%20`` and the like
    decoded; leading folders left out, for paths that repeat a part of the root.

    Args:
        root: a folder without links in its path.
        parts: the parts of the path that was not found.

    Returns:
        The path with ``/`` between its parts, or None.
    """
    if ".." in parts:
        return None
    decoded = tuple(unquote(part) for part in parts)
    candidates = [parts, *([decoded] if decoded != parts else [])]
    candidates += [parts[start:] for start in range(1, len(parts))]
    for candidate in candidates:
        if found := _walk(root, candidate):
            return found
    return None


def _walk(root: Path, parts: tuple[str, ...]) -> str | None:
    folder = root
    for position, part in enumerate(parts):
        if not os.path.lexists(folder / part):
            last = position == len(parts) - 1
            similar = _names(str(folder)).get(_folded(part, last=last))
            if similar is None:
                return None
            part = similar  # noqa: PLW2901
        folder /= part
        if folder.is_symlink():
            # It may lead out of the root, of which nothing is told.
            return None
    return folder.relative_to(root).as_posix()


def _folded(name: str, *, last: bool) -> str:
    """What names that people take for the same have in common."""
    if last:
        name = PurePosixPath(name).stem
    return unicodedata.normalize("NFC", name).casefold()


# A catalogue with a wrong root has as many missing files as rows: each folder is listed once.
@lru_cache(maxsize=_FOLDERS_KEPT)
def _names(folder: str) -> dict[str, str]:
    """Names of the folder by their folded form, with and without extension."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, MOST_NAMES)]
    except OSError:
        return {}
    found: dict[str, str] = {}
    for name in sorted(names):
        found.setdefault(_folded(name, last=True), name)
        found.setdefault(_folded(name, last=False), name)
    return found
