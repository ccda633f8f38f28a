"""The rows of the tables that are written of a public data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from findalike.data.datasets.entries import Entry

Row: TypeAlias = dict[str, object]

BOX_COLUMNS = ("bbox_x", "bbox_y", "bbox_w", "bbox_h")


def train_rows(entries: Sequence[Entry], held: set[str]) -> list[Row]:
    """Rows of ``train.csv``; the labels ``held`` out have the split ``val``."""
    boxed = any(entry.box is not None for entry in entries)
    return [
        {
            "img_path": entry.location,
            "label": entry.label,
            "domain": "seller",
            "group": entry.group or "",
            "split": "val" if entry.label in held else "train",
            **(_box_cells(entry) if boxed else {}),
        }
        for entry in entries
    ]


def gallery_rows(entries: Sequence[Entry]) -> list[Row]:
    """Rows of ``gallery.csv`` of the challenge."""
    boxed = any(entry.box is not None for entry in entries)
    return [
        {
            "seller_img_id": number,
            "img_path": entry.location,
            "product_id": entry.label,
            **(_box_cells(entry) if boxed else {}),
        }
        for number, entry in enumerate(entries)
    ]


def query_rows(entries: Sequence[Entry]) -> list[Row]:
    """Rows of ``queries.csv`` of the challenge, and further columns to slice by."""
    boxed = any(entry.box is not None for entry in entries)
    further = sorted({name for entry in entries for name in entry.columns})
    return [
        {
            "user_img_id": number,
            "img_path": entry.location,
            "product_id": entry.label,
            **(_box_cells(entry) if boxed else {}),
            "group": entry.group or "",
            **{name: entry.columns.get(name, "") for name in further},
        }
        for number, entry in enumerate(entries)
    ]


def _box_cells(entry: Entry) -> Mapping[str, object]:
    box = entry.box
    cells = ("", "", "", "") if box is None else (box.x, box.y, box.w, box.h)
    return {
        name: f"{cell:g}" if isinstance(cell, float) else cell
        for name, cell in zip(BOX_COLUMNS, cells, strict=True)
    }
