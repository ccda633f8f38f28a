"""In-shop Clothes Retrieval of DeepFashion: 52,712 photos of 7,982 garments of an online shop.

Liu et al., DeepFashion: Powering Robust Clothes Recognition and Retrieval with Rich Annotations,
CVPR 2016. The official split has 3,997 garments for training and 3,985 for testing, whose photos
are divided into queries and gallery.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from findalike.data.catalogue.base import BadValue
from findalike.data.catalogue.values import checked_box
from findalike.data.datasets.entries import Entry, Part, PublicDataset, found_file, positions_of
from findalike.data.datasets.spaced import SpacedFile
from findalike.errors import CatalogueError
from findalike.types import Box, Refusal

_TITLE = "In-shop Clothes Retrieval"
_PARTITION = ("image_name", "item_id", "evaluation_status")
_BOXES = ("image_name", "clothes_type", "pose_type", "x_1", "y_1", "x_2", "y_2")
_PARTS: dict[str, Part] = {"train": "train", "query": "query", "gallery": "gallery"}
_POSES = ("front", "side", "back", "zoom out", "zoom in", "alone")


def read_inshop(root: Path, *, boxes: bool = True) -> Iterator[Entry | Refusal]:
    """The images of ``Eval/list_eval_partition.txt``, with boxes where they are given.

    The list begins with the number of images and ``image_name item_id evaluation_status``. Boxes
    are those of ``Anno/list_bbox_inshop.txt``, if it is there; they fit the photos of ``img.zip``
    (256 pixels), not the larger ones. A photo's group is its folder, such as
    ``WOMEN/Dresses``.

    Args:
        boxes: False leaves them out: the protocol on whole photos.

    Raises:
        CatalogueError: if a file is missing, cut off or has other columns.
    """
    partition = found_file(
        root, "Eval/list_eval_partition.txt", "list_eval_partition.txt", of=_TITLE
    )
    places = [folder for folder in ("Img/", "") if (root / folder / "img").is_dir()]
    if not places:
        raise CatalogueError(
            f"{root} has no folder Img/img: unpack Img/img.zip there, in the folder Img"
        )
    table = SpacedFile(partition, counted=True)
    columns = positions_of(table, _PARTITION, of=_TITLE)
    found: dict[str, tuple[Box, str]] = {}
    annotations = root / "Anno" / "list_bbox_inshop.txt"
    if boxes and annotations.is_file():
        yield from _read_boxes(annotations, root, found)
    for record in table.records():
        if isinstance(record, Refusal):
            yield record
            continue
        name, item, status = (str(record.cells[columns[name]]) for name in _PARTITION)
        box, pose = found.get(name, (None, ""))
        entry = Entry(
            location=f"{places[0]}{name}",
            label=item,
            part=_PARTS.get(status, "train"),
            file=partition.relative_to(root).as_posix(),
            row=record.row,
            # img/WOMEN/Dresses/id_00000002/02_1_front.jpg
            group="/".join(PurePosixPath(name).parts[1:-2]) or None,
            box=box,
            columns={"pose": pose} if pose else {},
        )
        if status in _PARTS:
            yield entry
        else:
            yield entry.refused(
                "evaluation_status", status, reason="unknown", allowed=", ".join(_PARTS)
            )


def _read_boxes(path: Path, root: Path, found: dict[str, tuple[Box, str]]) -> Iterator[Refusal]:
    """Collect the boxes and poses by image; the refusals are of boxes alone."""
    table = SpacedFile(path, counted=True)
    columns = positions_of(table, _BOXES, of=_TITLE)
    for record in table.records():
        if isinstance(record, Refusal):
            yield record
            continue
        cells = {name: str(record.cells[place]) for name, place in columns.items()}
        try:
            box = _box(cells)
        except BadValue as bad:
            file = path.relative_to(root).as_posix()
            yield bad.refusal(file, record.row, item=cells["image_name"])
            continue
        number = cells["pose_type"]
        known = number.isdecimal() and 1 <= int(number) <= len(_POSES)
        found[cells["image_name"]] = (box, _POSES[int(number) - 1] if known else "")


def _box(cells: dict[str, str]) -> Box:
    corners = [cells[name] for name in ("x_1", "y_1", "x_2", "y_2")]
    allowed = "x_1 y_1 x_2 y_2 in pixels, the second corner below and right of the first"
    try:
        left, top, right, bottom = map(float, corners)
        box = checked_box((left, top, right - left, bottom - top))
    except (ValueError, BadValue):
        box = None
    if box is None:
        raise BadValue("x_1 y_1 x_2 y_2", " ".join(corners), reason="no box", allowed=allowed)
    return box


INSHOP = PublicDataset(
    name="inshop",
    title=_TITLE,
    terms=(
        "From https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html (CUHK, Multimedia Lab): "
        "In-shop Clothes Retrieval Benchmark, for which DeepFashion's agreement is to be signed. "
        "For non-commercial research and teaching only; the photos belong to the shop."
    ),
    read=read_inshop,
    image_column="image_name",
    unpack="unpack Img/img.zip in the folder Img",
)
