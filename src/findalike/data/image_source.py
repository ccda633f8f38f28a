"""Where the bytes of images come from: files below one folder, and http(s) URLs."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING

from findalike.data.images import ImageLimits, check_bytes
from findalike.data.near_names import near_name
from findalike.errors import ImageError, PathError, StorageError, UrlError

if TYPE_CHECKING:
    from findalike.data.fetch import Fetcher

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(about|blob|data|file|mailto):", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_URL = re.compile(r"https?://", re.IGNORECASE)
_CHUNK = 1 << 20

_BY_STEPS = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
# A pipe would block its reader until someone writes; none of these flags exists on Windows.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_READ |= getattr(os, "O_BINARY", 0)


class ImageSource:
    """Reads images by the locations a catalogue gives, and nothing else of the machine.

    One may be shared by any number of threads. Close it, or use it in a ``with`` statement, to
    close the connections that reading URLs opened.
    """

    def __init__(
        self,
        root: Path | None,
        *,
        limits: ImageLimits | None = None,
        allow_urls: bool = True,
        fetcher: Fetcher | None = None,
    ) -> None:
        """Set up reading; no file is opened yet.

        Args:
            root: the folder that paths are below; None refuses every path.
            limits: only ``max_bytes`` matters here.
            allow_urls: whether http(s) URLs are fetched.
            fetcher: what fetches them; by default a `Fetcher` with the same ``max_bytes``. One
                that is given stays open when this source is closed.

        Raises:
            PathError: if the root is not a folder.
        """
        if root is not None and not root.is_dir():
            raise PathError(f"the root {root} is not a folder: give the one the images are below")
        self._root = None if root is None else Path(os.path.realpath(root))
        self._limits = limits or ImageLimits()
        self._allow_urls = allow_urls
        self._fetcher = fetcher
        self._owned: Fetcher | None = None
        self._starting = threading.Lock()

    @property
    def root(self) -> Path | None:
        """The folder that paths are below, without links in it."""
        return self._root

    def read(self, location: str) -> bytes:
        r"""The bytes of one image file, as they are: nothing is decoded.

        Args:
            location: a path below the root, with ``/`` or ``\`` between its parts, or a URL.

        Raises:
            PathError: if the path is absolute, or leads out of the root by ``..`` or by a link.
            ImageError: if there is no such file, or it is no regular file, or too large.
            UrlError: if the URL may not be fetched.
            FetchError: if it could not be.
            StorageError: if the disk failed.
        """
        if _URL.match(location):
            if not self._allow_urls:
                raise UrlError(f"{location}: URLs are not allowed here: give a path")
            return self._default_fetcher().fetch(location)
        if self._root is None:
            raise PathError(f"{location!r} is a path, and no root folder was given: give one")
        parts = _relative_parts(location)
        try:
            return self._read_file(self._root, parts, location)
        except UnicodeEncodeError as error:
            raise PathError(f"{location!r} has characters no file name can have") from error
        except OSError as error:
            raise _translated(error, self._root, parts, location) from error

    def close(self) -> None:
        """Close the connections this source opened itself."""
        with self._starting:
            if self._owned is not None:
                self._owned.close()
                self._owned = None

    def __enter__(self) -> ImageSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _default_fetcher(self) -> Fetcher:
        if self._fetcher is not None:
            return self._fetcher
        from findalike.data.fetch import Fetcher  # noqa: PLC0415 - most catalogues have files only

        with self._starting:
            if self._owned is None:
                self._owned = Fetcher(max_bytes=self._limits.max_bytes)
            return self._owned

    def _read_file(self, root: Path, parts: tuple[str, ...], location: str) -> bytes:
        resolved = Path(os.path.realpath(root.joinpath(*parts)))
        if not resolved.is_relative_to(root):
            raise PathError(
                f"{location!r} is, or passes through, a link that leads out of the root {root}: "
                f"copy the file below the root, or give another root"
            )
        # Opening a device can have effects, so the kind is asked for before, and again after.
        _require_file(os.lstat(resolved), location)
        descriptor = _open(root, resolved)
        try:
            status = os.fstat(descriptor)
            _require_file(status, location)
            check_bytes(status.st_size, name=location, limits=self._limits)
            data = _read_at_most(descriptor, self._limits.max_bytes + 1)
        finally:
            os.close(descriptor)
        check_bytes(len(data), name=location, limits=self._limits)
        return data


def _relative_parts(location: str) -> tuple[str, ...]:
    """The parts of a path that stays below its root.

    Raises:
        PathError: for any other.
    """
    path = location.replace("\\", "/")
    if path.startswith("//"):
        raise PathError(
            f"{location!r} starts with two slashes: write a URL with https: before them, "
            f"and a path without"
        )
    if path.startswith("/") or _DRIVE.match(path):
        raise PathError(f"{location!r} is an absolute path: give one below the root")
    if scheme := _SCHEME.match(path):
        raise PathError(
            f"{location[:80]!r} starts with {scheme[0]!r}: allowed are paths below the root, "
            f"and URLs that start with http:// or https://"
        )
    if "\0" in path:
        raise PathError(f"{location!r} has a zero character in it: give a path below the root")
    parts = PurePosixPath(path).parts
    if not parts:
        raise PathError(f"{location!r} names no file: give a path below the root")
    depth = 0
    for part in parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            raise PathError(f"{location!r} leaves the root by '..': give a path below it")
    return parts


def _open(root: Path, resolved: Path) -> int:
    """Open a path without links, so that none put in its way since can lead out of the root."""
    if not _BY_STEPS:
        return os.open(resolved, _READ)
    folder = os.open(root, _READ | os.O_DIRECTORY)
    try:
        *folders, name = resolved.relative_to(root).parts
        for part in folders:
            inner = os.open(part, _READ | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(name, _READ | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


def _require_file(status: os.stat_result, location: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{location!r} is a folder: give an image file in it")
    if stat.S_ISLNK(status.st_mode):
        raise ImageError(f"{location!r} is a link that leads nowhere: give an image file")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(f"{location!r} is a device, pipe or socket: give an image file")


def _read_at_most(descriptor: int, limit: int) -> bytes:
    """Read to the end of the file or to ``limit`` bytes: a file may grow as it is read."""
    chunks: list[bytes] = []
    left = limit
    while left and (chunk := os.read(descriptor, min(left, _CHUNK))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _translated(
    error: OSError, root: Path, parts: tuple[str, ...], location: str
) -> ImageError | StorageError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        hint = near_name(root, parts)
        advice = f"did you mean {hint!r}?" if hint else "correct the path, or give another root"
        return ImageError(f"{location!r}: there is no such file below {root}: {advice}")
    if isinstance(error, PermissionError):
        return ImageError(f"{location!r}: no permission to read it below {root}: change its rights")
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL):
        return ImageError(f"{location[:80]!r}: {error.strerror}: give a path below {root}")
    return StorageError(f"{location!r}: reading it below {root} failed: {error.strerror or error}")
