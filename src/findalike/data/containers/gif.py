"""GIF; of an animated one, the first frame."""

from __future__ import annotations

import struct

from findalike.data.containers.base import Container, DamagedError

MAX_EXTENSIONS = 100
MAX_BLOCKS = 20_000
"""Blocks of one extension: the metadata of Photoshop take some thousands."""

_EXTENSION, _FRAME, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9


def read_gif(data: bytes) -> Container:
    """Find the size of a GIF file: its screen, or its first frame where that reaches further.

    Comments and application blocks are left out of the result.

    Raises:
        DamagedError: if there is no frame.
    """
    if len(data) < 13:
        raise DamagedError("the file ends inside its header")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    start = position = 13 + _palette_bytes(flags)
    control = b""
    for _ in range(MAX_EXTENSIONS):
        kind = data[position] if position < len(data) else None
        if kind == _FRAME and position + 10 <= len(data):
            left, top, wide, high = struct.unpack_from("<HHHH", data, position + 1)
            kept = data[:start] + control + data[position:]
            return Container("GIF", kept, max(width, left + wide), max(height, top + high))
        if kind != _EXTENSION:
            break
        end = _after_blocks(data, position + 2)
        if data[position + 1 : position + 2] == bytes([_GRAPHIC_CONTROL]):
            control = data[position:end]
        position = end
    raise DamagedError("the file has no frame")


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, position: int) -> int:
    """Where a chain of data blocks ends; each says its length in its first byte."""
    for _ in range(MAX_BLOCKS):
        length = data[position] if position < len(data) else 0
        position += 1 + length
        if length == 0:
            return position
    raise DamagedError(f"an extension before its first frame has over {MAX_BLOCKS:,} blocks")
