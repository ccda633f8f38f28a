"""Backups of a shop: one file with all of it, made while searches and writes go on."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from findalike.errors import SettingError, ShopExistsError, StorageError
from findalike.index.embedded import EmbeddedIndex
from findalike.shop.history import HISTORY_NAME
from findalike.shop.manifest import MANIFEST_NAME, Manifest
from findalike.shop.public_settings import PUBLIC_NAME
from findalike.shop.shop import Shop
from findalike.shop.writing import storage_errors

_INDEX = "index"
_KEYS = "keys.json"
_FOLDERS = ("encoder", "reports", "imports", "uploads", "feedback", "examples")
_PASSING = (".lock", ".new")
"""Endings of files that mean something to running processes only."""

_LEVEL = 1
"""Of gzip: embeddings hardly become smaller, and higher levels take their time."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds.

    Attributes:
        version: the newest version of the shop that is in it.
        files: how many.
        bytes: size of the archive.
    """

    version: int
    files: int
    bytes: int


def back_up(
    shop: str | Path,
    archive: str | Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Backup:
    """Write a shop with all its versions into one file, a gzipped tar.

    Searches and writes go on; what is committed after the backup has begun may not be in it. The
    file can be read by its owner only: it holds the hashes of the keys, and what shoppers did.
    Photos that lie elsewhere are not in it, those that were uploaded are.

    Args:
        archive: the file to make; it appears once it is whole.
        progress: called with (files done, files in all).

    Raises:
        ShopNotFoundError: if there is no shop.
        SettingError: if the file exists, or would lie in the shop.
        StorageError: if it cannot be written, or the shop was changed in a way that needs another
            try, such as being deleted.
    """
    shop, archive = Path(shop).resolve(), Path(archive).resolve()
    Manifest.read(shop)
    if archive.exists():
        raise SettingError(f"{archive} exists: give the backup another name, such as one by date")
    if archive.is_relative_to(shop):
        raise SettingError(f"{archive} lies in the shop itself: write the backup elsewhere")
    index = EmbeddedIndex.open(shop / _INDEX)
    with (
        storage_errors(archive),
        tempfile.NamedTemporaryFile(
            dir=archive.parent, prefix=f".{archive.name}.", delete=False
        ) as file,
    ):
        draft = Path(file.name)
        try:
            # The history first: it tells of no version that is not there.
            names = (HISTORY_NAME, MANIFEST_NAME, _KEYS, PUBLIC_NAME)
            files = [shop / name for name in names]
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as tar:
                count = _add(tar, shop, files, needed=False)
                with index.kept_files() as kept:
                    version = index.version
                    count += _add(tar, shop, kept, needed=True, progress=progress)
                for folder in _FOLDERS:
                    count += _add(tar, shop, list(_files(shop / folder)), needed=False)
            file.flush()
            os.fsync(file.fileno())
            size = draft.stat().st_size
            draft.replace(archive)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    return Backup(version=version, files=count, bytes=size)


def restore(archive: str | Path, shop: str | Path) -> Shop:
    """Make a shop of a backup, in a folder that is new or empty.

    Nothing is there until all of it is: it is unpacked beside, opened, and then renamed.

    Args:
        archive: a file that `back_up` made.

    Raises:
        ShopExistsError: if the folder holds anything.
        StorageError: if the file cannot be read or is no whole backup, or the disk is full.
    """
    archive, shop = Path(archive), Path(shop).resolve()
    if shop.exists() and (not shop.is_dir() or any(shop.iterdir())):
        raise ShopExistsError(f"{shop} is not empty: restore into a new folder")
    with storage_errors(shop):
        shop.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=shop.parent, prefix=f".{shop.name}."))
    try:
        _unpack(archive, beside)
        Shop.open(beside).stats()  # raises if a part of it is missing or damaged
        with storage_errors(shop):
            beside.chmod(0o755)
            if shop.exists():
                shop.rmdir()
            beside.rename(shop)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return Shop.open(shop)


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            # The filter refuses what would lie, or point, outside of the folder (PEP 706).
            tar.extractall(folder, filter="data")
    except FileNotFoundError:
        raise SettingError(f"there is no backup {archive}") from None
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise StorageError(
            f"{archive} cannot be restored ({error}): take another backup, and see that the disk "
            f"has room for it"
        ) from error
    if not (folder / MANIFEST_NAME).is_file():
        raise StorageError(
            f"{archive} is no backup of a shop: make one with `findalike shop backup`"
        )


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        unfinished = path.name.startswith(".new-") or path.parent.name == "feed"
        if path.is_file() and path.suffix not in _PASSING and not unfinished:
            yield path


def _add(
    tar: tarfile.TarFile,
    shop: Path,
    paths: Sequence[Path],
    *,
    needed: bool,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Put files into the archive; returns how many there were of them."""
    added = 0
    for number, path in enumerate(paths, start=1):
        # Records of old imports may go at any time; files that versions need must not.
        try:
            file = path.open("rb")
        except FileNotFoundError as error:
            if needed:
                raise StorageError(f"{path} went while it was read: back up once more") from error
            continue
        with file:
            # By the open file: one that is replaced meanwhile is read as it was, and of one that
            # grows as much as it had.
            entry = tar.gettarinfo(arcname=str(path.relative_to(shop)), fileobj=file)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            tar.addfile(entry, file)
            added += 1
        if progress is not None:
            progress(number, len(paths))
    return added
