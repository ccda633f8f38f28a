"""A folder of images: one folder a product, or one file a product."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar

from findalike.data.catalogue.base import Draft, DraftImage, Reader, shown, words
from findalike.data.catalogue.locations import IMAGE_SUFFIXES
from findalike.data.catalogue.seen import SeenStrings
from findalike.data.catalogue.values import is_storable
from findalike.errors import CatalogueError
from findalike.types import Refusal

IMAGES_A_ROW = 500
"""A product with more images comes in several rows, which bounds the memory of each."""

# Pictures a shop may well have, that are no photos we decode: worth a word each.
_UNREAD_IMAGES = frozenset(
    words(".heic .heif .svg .psd .ai .eps .raw .cr2 .cr3 .nef .arw .dng .jp2 .jxl .ico .tga")
)
_TABLES = frozenset(words(".csv .tsv .parquet .xml .gz"))
_SYSTEM_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found"})


class FolderReader(Reader):
    """Images under a folder, walked in the order of their names.

    - Files directly in the folder are products by themselves, named as the file without its
      ending; ``a.jpg`` and ``a.png`` are two images of one product.
    - Every folder below with images directly in it is a product with its name; the folders
      between are its category, so ``Men/Tops/hoodie-1/front.jpg`` is an image of ``hoodie-1`` in
      ``Men/Tops``. A second folder of the same name elsewhere is refused.
    - Hidden files and folders, those of operating systems, and linked folders are passed over.
    - Rows are numbered from 1, a product each.

    Args:
        root: folder the locations are relative to; the source itself, or a folder above it.

    Raises:
        CatalogueError: if ``root`` is neither, or no image is found.
    """

    format: ClassVar[str] = "folder"

    def __init__(self, source: Path, *, root: Path | None = None) -> None:
        super().__init__(source)
        try:
            above = source.resolve().relative_to((root or source).resolve()).as_posix()
        except ValueError:
            raise CatalogueError(
                f"the folder {source} does not lie in the root {root}: give the folder itself or "
                f"one above it as root"
            ) from None
        self._prefix = "" if above == "." else f"{above}/"
        self._others: Counter[str] = Counter()
        if next((d for d in self.drafts() if isinstance(d, Draft)), None) is None:
            raise CatalogueError(f"{source} has no images{self._hint()}")

    @property
    def default_root(self) -> Path:
        """The folder itself."""
        return self.source

    def survey(self, observe: Callable[[Draft], None], count: Callable[[], None]) -> None:
        """The first pass, which also finds what is passed over."""
        super().survey(observe, count)
        if self._others:
            kinds = ", ".join(f"{n:,} {kind}" for kind, n in self._others.most_common(5))
            self.notes.append(f"files that are no images by their names are passed over: {kinds}")

    def drafts(self) -> Iterator[Draft | Refusal]:
        """A row a product, in the order of the names."""
        self._others.clear()
        products = SeenStrings()
        row = 0
        for folder, files in self._walk():
            images: list[str] = []
            for name in files:
                suffix = PurePosixPath(name.lower()).suffix
                fault = _fault(name, suffix)
                if fault:
                    yield self._refused(row + 1, folder + name, fault)
                elif suffix in IMAGE_SUFFIXES:
                    images.append(name)
                else:
                    self._others[suffix or "no ending"] += 1
            if not folder:
                for product, names in _by_stem(images):
                    products.add(product)
                    row += 1
                    yield self._draft(row, product, None, [f"{self._prefix}{n}" for n in names])
                continue
            if not images:
                continue
            row += 1
            category, _, product = folder.rstrip("/").rpartition("/")
            if not products.add(product):
                yield self._refused(
                    row, folder, "another folder has this name; the product id is the folder's name"
                )
                continue
            places = [f"{self._prefix}{folder}{name}" for name in images]
            for start in range(0, len(places), IMAGES_A_ROW):
                part = places[start : start + IMAGES_A_ROW]
                yield self._draft(row, product, category or None, part)

    def _walk(self) -> Iterator[tuple[str, list[str]]]:
        """Each folder, as "" or "a/b/", with the sorted names of its files."""
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            folders: list[str] = []
            files: list[str] = []
            try:
                with os.scandir(self.source / folder) as entries:
                    for entry in entries:
                        if entry.name.startswith(".") or entry.name in _SYSTEM_FOLDERS:
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.name)
                        elif entry.is_file():
                            files.append(entry.name)
                        else:
                            self._others["links to folders and special files"] += 1
            except OSError as error:
                raise CatalogueError(f"cannot read {self.source / folder}: {error}") from error
            yield folder, sorted(files)
            waiting += [f"{folder}{name}/" for name in sorted(folders, reverse=True)]

    def _draft(self, row: int, product: str, category: str | None, places: list[str]) -> Draft:
        return Draft(
            file=str(self.source),
            row=row,
            product_id=product,
            images=[DraftImage(place) for place in places],
            category=category,
            columns={"product_id": "folder", "image": "file"},
        )

    def _refused(self, row: int, item: str, reason: str) -> Refusal:
        return Refusal(
            file=str(self.source),
            row=row,
            item=shown(item),
            column="file",
            value=shown(item),
            reason=reason,
            allowed=f"one folder a product, of files ending in {', '.join(sorted(IMAGE_SUFFIXES))}",
        )

    def _hint(self) -> str:
        tables = sorted(
            entry.name
            for entry in os.scandir(self.source)
            if PurePosixPath(entry.name.lower()).suffix in _TABLES
        )
        if tables:
            return f" directly in it or below; it has {', '.join(tables[:5])}: give that file"
        return f": give files ending in {', '.join(sorted(IMAGE_SUFFIXES))}"


def _fault(name: str, suffix: str) -> str:
    if not is_storable(name):
        return "file name is not valid text"
    if suffix in _UNREAD_IMAGES:
        return f"{suffix} is no kind of image that is read"
    return ""


def _by_stem(names: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Sorted names grouped by what stands before their ending."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(PurePosixPath(name).stem, []).append(name)
    yield from groups.items()
