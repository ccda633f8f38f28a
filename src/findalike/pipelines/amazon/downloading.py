"""The second stage: the pictures themselves."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path

from findalike.data.containers import image_format
from findalike.data.datasets.pair_store import PairStore
from findalike.data.download import Downloader, Failure
from findalike.data.fetch import Fetcher
from findalike.data.images import open_image
from findalike.errors import ImageError, StorageError
from findalike.pipelines.amazon.settings import AmazonSettings, Progress

_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "AVIF": "avif"}


def download_pictures(
    store: PairStore, out: Path, settings: AmazonSettings, show: Progress
) -> None:
    """Download what is not there yet, each picture under the hash of its content.

    Raises:
        FetchError: if the network seems to be gone.
        StorageError: if the folder cannot be written.
    """
    counts = store.counts()
    done, total = counts["done"] + counts["failed"], sum(counts.values())

    def save(content: bytes) -> tuple[str, str]:
        kind = image_format(content)
        opened = open_image(content, name="the answer", limits=settings.limits)
        if min(opened.size) < settings.min_side:
            width, height = opened.size
            raise ImageError(f"{width} x {height} pixels: a side below {settings.min_side}")
        sha256 = hashlib.sha256(content).hexdigest()
        name = f"images/{sha256[:2]}/{sha256}.{_SUFFIXES.get(kind or '', 'img')}"
        _write_whole(out / name, content, parts)
        return sha256, name

    def take(number: int, outcome: tuple[str, str] | Failure) -> None:
        nonlocal done
        done += 1
        if isinstance(outcome, Failure):
            store.failed(number, outcome.reason, final=outcome.final)
        else:
            store.done(number, *outcome)
        show("downloading", done, total)

    parts = out / "partial"
    shutil.rmtree(parts, ignore_errors=True)
    fetcher = Fetcher(
        max_bytes=settings.limits.max_bytes,
        timeout=settings.timeout,
        connections=settings.pace.connections,
        allow_networks=settings.allow_networks,
    )
    with fetcher:
        try:
            Downloader(fetcher, save=save, pace=settings.pace).run(store.pending(), take)
        finally:
            store.commit()


def _write_whole(path: Path, content: bytes, parts: Path) -> None:
    """Write a file that is there as a whole or not at all, also if the process is killed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parts.mkdir(exist_ok=True)
        # Two products may have the same picture: no two threads may write to one file.
        part = parts / f"{path.name}.{threading.get_ident()}"
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}: free space or mend the folder's "
            f"rights, then run the same command again to go on"
        ) from error
