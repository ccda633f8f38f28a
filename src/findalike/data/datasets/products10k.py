"""Products-10K: 141,931 training photos of 9,691 products of an online shop, in groups.

Both sellers and buyers took them; which of the two is not told, so all count as sellers'.
Bai et al., Products-10K: A Large-scale Product Recognition Dataset, 2020 (arXiv 2008.10545).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from findalike.data.catalogue.delimited import DelimitedFile
from findalike.data.catalogue.rows import Record
from findalike.data.catalogue.text_file import TextFile
from findalike.data.datasets.entries import Entry, Part, PublicDataset, found_file, positions_of
from findalike.types import Refusal

_TITLE = "Products-10K"
_FILES: tuple[tuple[str, str, Part], ...] = (
    ("train.csv", "train", "train"),
    ("test_kaggletest.csv", "test", "test"),
)


def read_products10k(root: Path) -> Iterator[Entry | Refusal]:
    """The images of ``train.csv`` (name, class, group) and ``test_kaggletest.csv`` (and Usage).

    A ``test_kaggletest.csv`` without groups, as it also goes round, takes them from the training
    images of the same class.

    Raises:
        CatalogueError: if a file is missing or has other columns.
    """
    paths = [found_file(root, name, of=_TITLE) for name, _, _ in _FILES]
    groups: dict[str, str] = {}
    for path, (_, folder, part) in zip(paths, _FILES, strict=True):
        table = DelimitedFile(TextFile(path))
        required = ("name", "class", "group") if part == "train" else ("name", "class")
        places = positions_of(table, required, ("group", "Usage"), of=_TITLE)
        for record in table.records():
            if isinstance(record, Refusal):
                yield record
                continue
            entry = _entry(record, places, path.name, folder, part)
            if isinstance(entry, Entry) and entry.group is None:
                entry = _grouped(entry, groups)
            elif isinstance(entry, Entry) and entry.group is not None:
                groups.setdefault(entry.label, entry.group)
            yield entry


def _entry(
    record: Record, places: dict[str, int], file: str, folder: str, part: Part
) -> Entry | Refusal:
    cells = {name: str(record.cells[place]).strip() for name, place in places.items()}
    usage = cells.get("Usage")
    entry = Entry(
        location=f"{folder}/{cells['name']}",
        label=cells["class"],
        part=part,
        file=file,
        row=record.row,
        group=cells.get("group") or None,
        columns={"usage": usage} if usage else {},
    )
    for name in ("name", "class", *(["group"] if "group" in cells else [])):
        if not cells[name] or (name != "name" and not cells[name].isdecimal()):
            what = "the name of an image" if name == "name" else "a whole number"
            reason = "empty" if not cells[name] else "no whole number"
            return entry.refused(name, cells[name], reason=reason, allowed=what)
    return entry


def _grouped(entry: Entry, groups: dict[str, str]) -> Entry:
    return Entry(
        location=entry.location,
        label=entry.label,
        part=entry.part,
        file=entry.file,
        row=entry.row,
        group=groups.get(entry.label),
        columns=entry.columns,
    )


PRODUCTS10K = PublicDataset(
    name="products10k",
    title=_TITLE,
    terms=(
        "From https://products-10k.github.io (JD AI Research): ask there for train.csv, "
        "test_kaggletest.csv, train.zip and test.zip. Its authors give it for non-commercial "
        "research; the photos belong to those who took them."
    ),
    read=read_products10k,
    image_column="name",
    unpack="unpack train.zip and test.zip so that the photos lie in train/ and test/",
)
