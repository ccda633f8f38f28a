"""WebP; of an animated one, the first frame."""

from __future__ import annotations

from findalike.data.containers.base import MAX_ICC_BYTES, MAX_PARTS, Container, DamagedError
from findalike.data.containers.exif import UPRIGHT, orientation


def read_webp(data: bytes) -> Container:
    """Find the size, the orientation and the colour profile of a WebP file.

    The size is read here because the decoder takes memory for the canvas as it opens a file.

    Raises:
        DamagedError: if no chunk says the size.
    """
    size: tuple[int, int] | None = None
    turned, icc = UPRIGHT, None
    position = 12
    for _ in range(MAX_PARTS):
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if len(kind) < 4:
            break
        content = data[position + 8 : position + 8 + min(length, MAX_ICC_BYTES)]
        size = size or _size(kind, content)
        if kind == b"EXIF":
            turned = orientation(content)
        elif kind == b"ICCP" and length <= MAX_ICC_BYTES:
            icc = content
        position += 8 + length + length % 2
    if size is None:
        raise DamagedError("the file ends, or makes no sense, before the picture begins")
    return Container("WEBP", data, *size, turned, icc)


def _size(kind: bytes, content: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X" and len(content) >= 10:
        return _little(content[4:7]) + 1, _little(content[7:10]) + 1
    if kind == b"VP8L" and len(content) >= 5:
        bits = _little(content[1:5])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(content) >= 10:
        return _little(content[6:8]) & 0x3FFF, _little(content[8:10]) & 0x3FFF
    return None


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")
