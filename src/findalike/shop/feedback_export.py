"""Feedback as training data: photos with the products shoppers took for right, and for wrong."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from findalike.errors import SettingError
from findalike.shop.feedback import Event, FeedbackEvent
from findalike.shop.shop import Shop
from findalike.shop.writing import storage_errors
from findalike.types import Box

POSITIVE: tuple[Event, ...] = ("click", "cart", "purchase")
"""What counts as right unless the caller says otherwise; a view alone says little."""

COLUMNS = (
    "image_path",
    "label",
    "domain",
    "bbox_x",
    "bbox_y",
    "bbox_w",
    "bbox_h",
    "event",
    "query_id",
)
_STRENGTH: Mapping[Event, int] = {"view": 0, "click": 1, "cart": 2, "purchase": 3}


@dataclass(frozen=True, slots=True)
class FeedbackExport:
    """What was exported.

    Attributes:
        events: events read.
        user_photos: rows with a shopper's photo.
        seller_photos: rows with a picture of the shop, of the products among them.
        wrong: rows of the list of negatives.
        gone: photos or products that are not there any more.
        pairs: the CSV of training pairs.
        negatives: the CSV of pairs said to be wrong.
    """

    events: int
    user_photos: int
    seller_photos: int
    wrong: int
    gone: int
    pairs: Path
    negatives: Path


def export_feedback(
    shop: Shop,
    events: Iterable[FeedbackEvent],
    out: Path,
    *,
    folder: Path,
    positives: Iterable[Event] = POSITIVE,
) -> FeedbackExport:
    """Write training pairs, with the pictures beside them.

    ``out`` is a table as a recipe's ``data.train`` takes it (``reader: table``): a row a picture,
    labelled by the product it shows. A photo is given the product of the strongest event of its
    query: a purchase before a cart before a click. Products that were said to be wrong for a photo
    are listed beside it in ``….wrong.csv``, never as a label.

    Args:
        events: of the shop's feedback.
        out: the CSV to write; the pictures go to a folder of its name.
        folder: the shop's folder of feedback, with its photos.
        positives: events that count as right.

    Raises:
        StorageError: if something cannot be written.
    """
    wanted = set(positives)
    best: dict[tuple[str, Box | None], FeedbackEvent] = {}
    wrong: dict[tuple[str, Box | None, str], FeedbackEvent] = {}
    photos: dict[str, tuple[str, Box | None]] = {}
    read = list(events)
    for event in read:  # a photo may come with the first event of its query only
        if event.photo is not None:
            photos.setdefault(event.query_id, (event.photo, event.box))
    for event in read:
        if event.query_id not in photos:
            continue
        photo = photos[event.query_id]
        if event.event == "wrong":
            wrong[*photo, event.product_id] = event
        elif event.event in wanted:
            held = best.get(photo)
            if held is None or _STRENGTH[event.event] > _STRENGTH[held.event]:
                best[photo] = event
    pictures = out.with_suffix("")
    negatives = out.with_suffix(".wrong.csv")
    with storage_errors(out.parent):
        pictures.mkdir(parents=True, exist_ok=True)
        copier = _Copier(pictures, folder, shop)
        user = [
            [copier.photo(photo), event.product_id, "user", *_box(box), event.event, event.query_id]
            for (photo, box), event in sorted(best.items(), key=lambda e: e[1].query_id)
        ]
        user = [row for row in user if row[0] is not None]
        products = sorted({event.product_id for event in best.values()})
        seller = [row for product in products for row in copier.product(product)]
        bad = [
            [copier.photo(photo), product, "user", *_box(box), "wrong", event.query_id]
            for (photo, box, product), event in sorted(wrong.items(), key=lambda e: e[1].query_id)
        ]
        bad = [row for row in bad if row[0] is not None]
        _write(out, [*user, *seller])
        _write(negatives, bad)
    return FeedbackExport(
        events=len(read),
        user_photos=len(user),
        seller_photos=len(seller),
        wrong=len(bad),
        gone=copier.gone,
        pairs=out,
        negatives=negatives,
    )


def checked_events(names: Iterable[str]) -> tuple[Event, ...]:
    """Names of events that may count as right.

    Raises:
        SettingError: if one is none.
    """
    for name in names:
        if name not in _STRENGTH:
            raise SettingError(f"--positive {name!r}: give {', '.join(_STRENGTH)}")
    return tuple(event for event in _STRENGTH if event in set(names))


class _Copier:
    """Copies pictures beside the table and names them in it."""

    def __init__(self, pictures: Path, folder: Path, shop: Shop) -> None:
        self.gone = 0
        self._pictures = pictures
        self._folder = folder
        self._shop = shop

    def photo(self, inside: str) -> str | None:
        """A shopper's photo, as the table names it; None if it was deleted since."""
        source = self._folder / inside
        target = self._pictures / "user" / source.name
        if not source.is_file():
            self.gone += 1
            return None
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
        return target.relative_to(self._pictures.parent).as_posix()

    def product(self, product_id: str) -> list[list[object]]:
        """The rows of a product's pictures that lie below the shop's roots."""
        stored = self._shop.get(product_id)
        rows: list[list[object]] = []
        if stored is None:
            self.gone += 1
            return rows
        for image in stored.images:
            data = self._shop.picture(image.location, image.sha256)
            if data is None:
                self.gone += 1
                continue
            ending = Path(image.location).suffix.lower()[:6] or ".jpg"
            target = self._pictures / "seller" / f"{image.sha256}{ending}"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
            place = target.relative_to(self._pictures.parent).as_posix()
            rows.append([place, product_id, "seller", *_box(image.box), "", ""])
        return rows


def _box(box: Box | None) -> tuple[object, ...]:
    return ("", "", "", "") if box is None else (box.x, box.y, box.w, box.h)


def _write(path: Path, rows: list[list[object]]) -> None:
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(rows)
    draft.replace(path)
