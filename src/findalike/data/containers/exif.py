"""The one EXIF value that changes pixels: the orientation."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

ORIENTATION = 0x0112
UPRIGHT = 1

_ENTRY = struct.calcsize("<HHI4s")
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}


class Entry(NamedTuple):
    """One entry of a directory: ``number`` values of a kind, or where they are if over 4 bytes."""

    tag: int
    kind: int
    number: int
    value: bytes


def byte_order(tiff: bytes) -> str | None:
    """``<`` or ``>``, as `struct` writes it, for a TIFF header; None for anything else."""
    order = _BYTE_ORDERS.get(tiff[:2])
    if order is None or len(tiff) < 8 or struct.unpack_from(order + "H", tiff, 2)[0] != 42:
        return None
    return order


def first_directory(tiff: bytes, order: str) -> Iterator[Entry]:
    """The entries of the first directory, as far as the bytes go."""
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return
    (count,) = struct.unpack_from(order + "H", tiff, start)
    end = min(start + 2 + count * _ENTRY, len(tiff) - _ENTRY + 1)
    for position in range(start + 2, end, _ENTRY):
        yield Entry(*struct.unpack_from(order + "HHI4s", tiff, position))


def small_number(entry: Entry, order: str) -> int | None:
    """The value of an entry that holds a single SHORT or LONG, else None."""
    if entry.number != 1 or entry.kind not in (3, 4):
        return None
    number: int = struct.unpack_from(order + ("H" if entry.kind == 3 else "I"), entry.value)[0]
    return number


def orientation(exif: bytes) -> int:
    """The orientation an EXIF block states, 1 where it states none or nonsense.

    Pillow reads the whole block, and warns about each damaged tag of it.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = byte_order(tiff)
    if order is None:
        return UPRIGHT
    for entry in first_directory(tiff, order):
        if entry.tag == ORIENTATION:
            return valid_orientation(small_number(entry, order))
    return UPRIGHT


def valid_orientation(value: int | None) -> int:
    """``value`` if it is one of the eight orientations, else 1."""
    return value if value is not None and 1 <= value <= 8 else UPRIGHT
