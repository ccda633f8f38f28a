"""PNG; of an animated one, the default picture."""

from __future__ import annotations

import zlib

from findalike.data.containers.base import MAX_ICC_BYTES, MAX_PARTS, Container, DamagedError
from findalike.data.containers.exif import UPRIGHT, orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT"})
_END = b"\0\0\0\0IEND\xaeB`\x82"


def read_png(data: bytes) -> Container:
    """Find the size, the orientation and the colour profile of a PNG file.

    Only the chunks that pixels are made from are kept: text chunks may be compressed bombs, and
    animation chunks make the decoder warn.

    Raises:
        DamagedError: if there is no header or no picture, or a chunk is cut off.
    """
    kept = [SIGNATURE]
    size: tuple[int, int] | None = None
    turned, icc = UPRIGHT, None
    pictured = False
    position = len(SIGNATURE)
    for _ in range(MAX_PARTS):
        length = int.from_bytes(data[position : position + 4])
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if kind == b"IEND" or len(kind) < 4:
            break
        if end > len(data):
            if kind in _NEEDED:
                raise DamagedError(f"the file ends inside its {kind.decode('ascii')} chunk")
            break
        if kind in _NEEDED:
            kept.append(data[position:end])
        content = data[position + 8 : end - 4] if kind != b"IDAT" else b""
        if kind == b"IHDR" and length >= 8:
            size = int.from_bytes(content[:4]), int.from_bytes(content[4:8])
        elif kind == b"IDAT":
            pictured = True
        elif kind == b"eXIf":
            turned = orientation(content)
        elif kind == b"iCCP":
            icc = _profile(content)
        position = end
    if size is None or not pictured:
        raise DamagedError("the file ends, or makes no sense, before the picture begins")
    return Container("PNG", b"".join([*kept, _END]), *size, turned, icc)


def _profile(chunk: bytes) -> bytes | None:
    """The colour profile of an iCCP chunk: a name, a zero, the method 0, a zlib stream."""
    _, _, packed = chunk.partition(b"\0")
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(packed[1:], MAX_ICC_BYTES)
    except zlib.error:
        return None
    return profile if inflate.eof else None
