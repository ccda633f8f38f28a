"""Which pictures of two lists are the same, or nearly the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from findalike.data.image_source import ImageSource
from findalike.data.prepare import prepare
from findalike.data.training.print_store import PrintStore, file_key
from findalike.data.training.prints import Print, near_pairs, picture_print
from findalike.errors import FindalikeError
from findalike.types import Embeddings, InputSpec, Pixels

_CHUNK = 256
_BATCH = 32

Progress = Callable[[str, int, int], None]
"""Called with what is done, pictures done and pictures in all."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture by its place.

    Attributes:
        root: folder that the location is below.
        location: as a table has it.
        group: pictures of one group that are the same file are compared once.
    """

    root: Path
    location: str
    group: str = ""

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.root / self.location


@dataclass(frozen=True, slots=True)
class Comparer:
    """An encoder that tells nearly the same pictures from others.

    Attributes:
        embed: pictures uint8 (n, s, s, 3) → embeddings, rows of unit length.
        input: how its pictures are made; they are taken whole.
        fingerprint: names it in the cache.
        threshold: cosine above which two pictures are nearly the same. It depends on the encoder:
            where photos of one product reach it, they are taken for one picture.
    """

    embed: Callable[[Pixels], Embeddings]
    input: InputSpec
    fingerprint: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Match:
    """Two pictures that are alike.

    Attributes:
        first, second: positions in the two lists.
        same_file: whether their bytes are the same.
        detail: how they are alike, in words.
    """

    first: int
    second: int
    same_file: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found.

    Attributes:
        found: the same files first.
        unreadable: pictures that could not be read, a sentence each.
    """

    found: tuple[Match, ...]
    unreadable: tuple[str, ...]


def match_pictures(
    first: Sequence[PictureFile],
    second: Sequence[PictureFile],
    *,
    store: PrintStore,
    comparer: Comparer | None = None,
    progress: Progress | None = None,
) -> Matches:
    """Compare every picture of one list with every one of the other.

    Files are read once however often they come, and a few hundred bytes of each are remembered;
    with an encoder also the embeddings of the second list.

    Args:
        first: the longer list.
        second: the shorter one.
        store: prints and embeddings known from before; new ones are put into it.
        comparer: an encoder, to find what a hash does not, such as cropped copies.
        progress: called as pictures are done.

    Raises:
        StorageError: if the store cannot be used.
    """
    reading = _Reading(store, progress)
    prints = reading.prints([*first, *second])
    known = [prints.get(file.path) for file in first]
    others = [prints.get(file.path) for file in second]
    found = _by_print(first, known, others)
    if comparer is not None:
        taken = {(match.first, match.second) for match in found}
        found += [
            match
            for match in _by_embedding(reading, comparer, first, second)
            if (match.first, match.second) not in taken
        ]
    return Matches(tuple(found), tuple(reading.unreadable.values()))


def _by_print(
    files: Sequence[PictureFile], first: list[Print | None], second: list[Print | None]
) -> list[Match]:
    places: dict[bytes, dict[str, int]] = {}
    for at, one in enumerate(first):
        if one is not None:
            places.setdefault(one.sha256, {}).setdefault(files[at].group, at)
    owners: dict[bytes, list[int]] = {}
    for at, one in enumerate(second):
        if one is not None:
            owners.setdefault(one.sha256, []).append(at)
    found = [
        Match(a, b, True, "the same file")
        for sha256, those in owners.items()
        for b in those
        for a in places.get(sha256, {}).values()
    ]
    different = {one.sha256: one for one in first if one is not None}
    sought = {one.sha256: one for one in second if one is not None}
    prints, wanted = list(different.values()), list(sought.values())
    for row, column, bits in near_pairs(prints, wanted):
        one, other = prints[row], wanted[column]
        if one.sha256 != other.sha256:
            detail = f"nearly the same picture, {bits} of 256 bits apart"
            found += [
                Match(a, b, False, detail)
                for b in owners[other.sha256]
                for a in places[one.sha256].values()
            ]
    return found


def _by_embedding(
    reading: _Reading,
    comparer: Comparer,
    first: Sequence[PictureFile],
    second: Sequence[PictureFile],
) -> Iterator[Match]:
    places: list[int] = []
    rows: list[NDArray[np.float16]] = []
    for at, vector in reading.vectors(second, comparer):
        places.append(at)
        rows.append(vector)
    if not rows:
        return
    sought = np.stack(rows).astype(np.float32)
    known = reading.vectors(first, comparer)
    while block := list(islice(known, _CHUNK)):
        cosines = np.stack([vector for _, vector in block]).astype(np.float32) @ sought.T
        for one, other in np.argwhere(cosines > comparer.threshold).tolist():
            detail = f"nearly the same picture, cosine {cosines[one, other]:.3f}"
            yield Match(block[one][0], places[other], False, detail)


@dataclass(slots=True)
class _Reading:
    """Reads files once, from the store where it knows them."""

    store: PrintStore
    progress: Progress | None
    unreadable: dict[Path, str] = field(default_factory=dict)
    _sources: dict[Path, ImageSource] = field(default_factory=dict)

    def prints(self, files: Sequence[PictureFile]) -> dict[Path, Print]:
        """The print of every file that can be read, by its path."""
        unique = list({file.path: file for file in files}.values())
        found: dict[Path, Print] = {}
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for start in range(0, len(unique), _CHUNK):
                chunk = unique[start : start + _CHUNK]
                keys = [file_key(file.path) for file in chunk]
                known = self.store.find([key for key in keys if key])
                missing = [
                    (key, file) for key, file in zip(keys, chunk, strict=True) if key not in known
                ]
                made = pool.map(self._print, [file for _, file in missing])
                new = {
                    key: one for (key, _), one in zip(missing, made, strict=True) if one is not None
                }
                self.store.keep((key, one) for key, one in new.items() if key)
                for key, file in zip(keys, chunk, strict=True):
                    one = known.get(key) or new.get(key)
                    if one is not None:
                        found[file.path] = one
                self._tell("comparing pictures", start + len(chunk), len(unique))
        return found

    def vectors(
        self, files: Sequence[PictureFile], comparer: Comparer
    ) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """Position and embedding of every file that can be read; repeats are left out."""
        firsts = {(file.path, file.group): at for at, file in reversed(list(enumerate(files)))}
        places = sorted(firsts.values())
        for start in range(0, len(places), _BATCH):
            chunk = places[start : start + _BATCH]
            keys = {at: file_key(files[at].path) for at in chunk}
            known = self.store.find_vectors([k for k in keys.values() if k], comparer.fingerprint)
            pictures = {
                at: picture
                for at in chunk
                if keys[at] not in known
                and (picture := self._picture(files[at], comparer.input)) is not None
            }
            new: dict[int, NDArray[np.float16]] = {}
            if pictures:
                embeddings = comparer.embed(np.stack(list(pictures.values())))
                new = dict(zip(pictures, embeddings.astype(np.float16), strict=True))
                kept = ((keys[at], vector) for at, vector in new.items() if keys[at])
                self.store.keep_vectors(kept, comparer.fingerprint)
            for at in chunk:
                vector = known.get(keys[at], new.get(at))
                if vector is not None:
                    yield at, vector
            self._tell("comparing embeddings", start + len(chunk), len(places))

    def _print(self, file: PictureFile) -> Print | None:
        data = self._bytes(file)
        if data is None:
            return None
        try:
            return picture_print(data, name=file.location)
        except FindalikeError as error:
            self.unreadable[file.path] = str(error)
            return None

    def _picture(self, file: PictureFile, spec: InputSpec) -> Pixels | None:
        data = self._bytes(file)
        if data is None:
            return None
        try:
            return prepare(data, spec, name=file.location).pixels
        except FindalikeError as error:
            self.unreadable[file.path] = str(error)
            return None

    def _bytes(self, file: PictureFile) -> bytes | None:
        source = self._sources.get(file.root)
        if source is None:
            source = self._sources.setdefault(file.root, ImageSource(file.root, allow_urls=False))
        try:
            return source.read(file.location)
        except FindalikeError as error:
            self.unreadable[file.path] = str(error)
            return None

    def _tell(self, what: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(what, done, total)
