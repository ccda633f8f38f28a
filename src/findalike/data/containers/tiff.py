"""TIFF; of several pages, the first."""

from __future__ import annotations

import struct

from findalike.data.containers.base import MAX_ICC_BYTES, MAX_PARTS, Container, DamagedError
from findalike.data.containers.exif import (
    ORIENTATION,
    UPRIGHT,
    Entry,
    byte_order,
    first_directory,
    small_number,
    valid_orientation,
)

MAX_SAMPLES = 6
"""Values a pixel may have: what the decoder knows ends at four colours and two opacities."""

_WIDTH, _HEIGHT, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT, _ICC = 256, 257, 277, 322, 323, 34675
_SINGLE = frozenset({_WIDTH, _HEIGHT, 259, 262, 266, _SAMPLES, 278, 284, 292, 293, 317, 531})
_SINGLE |= {_TILE_WIDTH, _TILE_HEIGHT}
_STRIPS, _TILES = (273, 279), (324, 325)
_LISTS = frozenset({258, 273, 279, 320, 324, 325, 338, 339, 347, 529, 530, 532})
_KIND_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}


def read_tiff(data: bytes) -> Container:
    """Find the size, the orientation and the colour profile of a TIFF file.

    The result has a new directory at its end with the entries that pixels are made from, each
    checked to lie inside the file. So a decoder meets neither loops of pages nor damaged tags.

    Raises:
        DamagedError: if the header or an entry is wrong, or a tile is larger than the picture.
    """
    order = byte_order(data)
    if order is None:
        raise DamagedError("the file ends inside its header")
    numbers: dict[int, int] = {}
    kept: list[Entry] = []
    icc: bytes | None = None
    content_bytes = 0
    for entry in first_directory(data, order):
        if entry.tag in _SINGLE or entry.tag == ORIENTATION:
            number = small_number(entry, order)
            if number is None:
                raise DamagedError(f"tag {entry.tag} is not one whole number")
            numbers.setdefault(entry.tag, number)
        if entry.tag in _SINGLE | _LISTS:
            if entry.number > MAX_PARTS:
                raise DamagedError(f"tag {entry.tag} holds {entry.number:,} values")
            content_bytes += len(_content(data, entry, order))
            if content_bytes > len(data):
                raise DamagedError("its tags hold more than the file")
            kept.append(entry)
        elif entry.tag == _ICC and icc is None:
            icc = _profile(data, entry, order)
    if numbers.get(_SAMPLES, 1) > MAX_SAMPLES:
        raise DamagedError(f"it has {numbers[_SAMPLES]:,} values a pixel, not 1 to {MAX_SAMPLES}")
    width, height = numbers.get(_WIDTH, 0), numbers.get(_HEIGHT, 0)
    _refuse_large_tiles(numbers, width, height)
    for offsets, lengths in (_STRIPS, _TILES):
        _refuse_cut_off(data, *(_numbers(data, kept, tag, order) for tag in (offsets, lengths)))
    stripped = _with_directory(data, order, kept)
    turned = valid_orientation(numbers.get(ORIENTATION, UPRIGHT))
    return Container("TIFF", stripped, width, height, turned, icc)


def _content(data: bytes, entry: Entry, order: str) -> bytes:
    """The bytes an entry stands for."""
    length = entry.number * _KIND_BYTES.get(entry.kind, 0)
    if length == 0:
        raise DamagedError(f"tag {entry.tag} holds {entry.number:,} values of type {entry.kind}")
    if length <= 4:
        return entry.value[:length]
    (offset,) = struct.unpack(order + "I", entry.value)
    if offset + length > len(data):
        raise DamagedError(f"tag {entry.tag} points outside the file")
    return data[offset : offset + length]


def _profile(data: bytes, entry: Entry, order: str) -> bytes:
    """The colour profile, empty where it is damaged: the picture may be whole all the same."""
    if entry.number > MAX_ICC_BYTES:
        return b""
    try:
        return _content(data, entry, order)
    except DamagedError:
        return b""


def _refuse_large_tiles(numbers: dict[int, int], width: int, height: int) -> None:
    # The decoder takes memory for a whole tile, however small the picture. Writers round tiles up
    # to 16 pixels, and some write tiles of a fixed size for pictures that are smaller.
    for tag, side in ((_TILE_WIDTH, width), (_TILE_HEIGHT, height)):
        if numbers.get(tag, 0) > max(side + 16, 1024):
            raise DamagedError(f"its tiles are {numbers[tag]:,} pixels long, the picture {side:,}")


def _numbers(data: bytes, entries: list[Entry], tag: int, order: str) -> list[int]:
    """The values of the first entry of a tag, none if it is missing or holds no whole numbers."""
    for entry in entries:
        if entry.tag == tag and entry.kind in (3, 4):
            code = "H" if entry.kind == 3 else "I"
            content = _content(data, entry, order)
            return list(struct.unpack(f"{order}{entry.number}{code}", content))
    return []


def _refuse_cut_off(data: bytes, offsets: list[int], lengths: list[int]) -> None:
    # The decoder would not see it: it would take the new directory for pixels.
    if len(offsets) != len(lengths):
        raise DamagedError("it does not say how long the parts of its picture are")
    for offset, length in zip(offsets, lengths, strict=True):
        if offset + length > len(data):
            raise DamagedError("the file ends inside its picture")


def _with_directory(data: bytes, order: str, entries: list[Entry]) -> bytes:
    """The file with ``entries`` as its only directory."""
    unique = {entry.tag: entry for entry in reversed(entries)}
    start = len(data) + len(data) % 2
    packed = b"".join(struct.pack(order + "HHI4s", *unique[tag]) for tag in sorted(unique))
    return b"".join(
        (
            data[:4],
            struct.pack(order + "I", start),
            data[8:].ljust(start - 8, b"\0"),
            struct.pack(order + "H", len(unique)),
            packed,
            b"\0\0\0\0",
        )
    )
