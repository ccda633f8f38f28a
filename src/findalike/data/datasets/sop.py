"""Stanford Online Products: 120,053 photos of 22,634 products from offers on eBay.

Song et al., Deep Metric Learning via Lifted Structured Feature Embedding, CVPR 2016. The official
split has 11,318 products for training and 11,316 for testing. At test time each photo is searched
for among all the others of the test set.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from findalike.data.catalogue.rows import Record
from findalike.data.datasets.entries import Entry, Part, PublicDataset, found_file, positions_of
from findalike.data.datasets.spaced import SpacedFile
from findalike.types import Refusal

_TITLE = "Stanford Online Products"
_COLUMNS = ("image_id", "class_id", "super_class_id", "path")
_FILES: tuple[tuple[str, Part], ...] = (("Ebay_train.txt", "train"), ("Ebay_test.txt", "test"))


def read_sop(root: Path) -> Iterator[Entry | Refusal]:
    """The images of ``Ebay_train.txt`` and ``Ebay_test.txt``.

    Both begin with ``image_id class_id super_class_id path``. A photo's group is the folder it is
    in without "_final": that of its super class. ``Ebay_info.txt``, where it is there, must list
    the image with the same class.

    Raises:
        CatalogueError: if a file is missing or has other columns.
    """
    paths = [found_file(root, name, of=_TITLE) for name, _ in _FILES]
    info = root / "Ebay_info.txt"
    known = _classes(info) if info.is_file() else None
    training: set[str] = set()
    for path, (_, part) in zip(paths, _FILES, strict=True):
        table = SpacedFile(path)
        places = positions_of(table, _COLUMNS, of=_TITLE)
        for record in table.records():
            if isinstance(record, Refusal):
                yield record
                continue
            cells = _cells(record, places)
            location = cells["path"]
            entry = Entry(
                location=location,
                label=cells["class_id"],
                part=part,
                file=path.name,
                row=record.row,
                group=PurePosixPath(location).parts[0].removesuffix("_final")
                if "/" in location
                else cells["super_class_id"],
            )
            if part == "train":
                training.add(entry.label)
            yield _checked(entry, cells, training, known)


def _cells(record: Record, places: dict[str, int]) -> dict[str, str]:
    return {name: str(record.cells[place]) for name, place in places.items()}


def _classes(info: Path) -> dict[str, str]:
    table = SpacedFile(info)
    places = positions_of(table, _COLUMNS, of=_TITLE)
    rows = (_cells(record, places) for record in table.records() if isinstance(record, Record))
    return {cells["path"]: cells["class_id"] for cells in rows}


def _checked(
    entry: Entry, cells: dict[str, str], training: set[str], known: dict[str, str] | None
) -> Entry | Refusal:
    for name in ("image_id", "class_id", "super_class_id"):
        if not (cells[name].isascii() and cells[name].isdecimal()):
            return entry.refused(
                name, cells[name], reason="no whole number", allowed="a whole number"
            )
    if entry.part == "test" and entry.label in training:
        return entry.refused(
            "class_id",
            entry.label,
            reason="Ebay_train.txt has this class too",
            allowed="classes that training never sees",
        )
    if known is not None and known.get(entry.location) != entry.label:
        there = known.get(entry.location)
        return entry.refused(
            "class_id",
            entry.label,
            reason="Ebay_info.txt has not got this image"
            if there is None
            else f"Ebay_info.txt gives this image the class {there}",
            allowed="the image with its class in both files",
        )
    return entry


SOP = PublicDataset(
    name="sop",
    title=_TITLE,
    terms=(
        "From https://cvgl.stanford.edu/projects/lifted_struct (Stanford): unpack "
        "Stanford_Online_Products.zip, whose LICENSE and README say what is allowed. It was "
        "collected for research from offers on eBay; the photos belong to the sellers."
    ),
    read=read_sop,
    image_column="path",
    unpack="unpack the whole of Stanford_Online_Products.zip, with folders such as chair_final/",
)
