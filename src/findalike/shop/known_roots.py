"""Images by the locations a shop knows: below any of its folders of images, or at URLs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from findalike.data.catalogue.locations import is_url
from findalike.data.fetch import Fetcher
from findalike.data.image_source import ImageSource
from findalike.data.images import ImageLimits
from findalike.errors import ImageError, PathError


class KnownRoots(ImageSource):
    """Reads images below the first of several folders that has them.

    For locations that come over the network: what it refuses names the location, and none of the
    folders.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        *,
        limits: ImageLimits | None = None,
        fetcher: Fetcher | None = None,
    ) -> None:
        """Set up reading; folders that are gone are passed over.

        Args:
            roots: the folders, the first that has a file wins.
            limits: only ``max_bytes`` matters here.
            fetcher: what fetches URLs; without one they are refused.
        """
        super().__init__(None, limits=limits, allow_urls=fetcher is not None, fetcher=fetcher)
        self._sources = [
            ImageSource(root, limits=limits, allow_urls=False) for root in roots if root.is_dir()
        ]

    def read(self, location: str) -> bytes:
        """The bytes of one image file, as they are; see ``ImageSource.read``."""
        if is_url(location):
            return super().read(location)
        source = next((s for s in self._sources if _has(s, location)), None)
        if source is not None:
            try:
                return source.read(location)
            except PathError as error:
                raise _outside(location) from error
        if not self._sources:
            raise PathError(
                f"{location!r} is a path, and the shop has no folder of images: give a URL, or "
                f"send the image itself"
            )
        raise ImageError(
            f"{location!r}: there is no such file below the shop's folders of images: give the "
            f"path relative to one of them, a URL, or send the image itself"
        )


def _has(source: ImageSource, location: str) -> bool:
    """Whether the file is there; what a path may be is left to ``ImageSource.read``.

    Raises:
        PathError: if the path cannot be below the folder.
    """
    path = location.replace("\\", "/")
    if "\0" in path or path.startswith("/") or ".." in path.split("/"):
        raise _outside(location)
    try:
        return os.path.lexists(Path(source.root or ".", path))
    except (OSError, ValueError):
        return False


def _outside(location: str) -> PathError:
    return PathError(
        f"{location[:200]!r} is no path below the shop's folders of images: give one that is not "
        f"absolute, has no '..' and passes through no link that leads out"
    )
