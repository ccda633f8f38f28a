"""AVIF; of an animated one, the first frame."""

from __future__ import annotations

from findalike.data.containers.base import MAX_PARTS, Container


def read_avif(data: bytes) -> Container:
    """Take the EXIF block out of an AVIF file; its size is left to the decoder.

    The format states the orientation in boxes of its own, which the decoder reports, and asks
    readers to ignore that of EXIF. Pillow reads the block all the same, and warns about damaged
    ones, so the item is given a name nobody looks for.
    """
    position = 0
    for _ in range(MAX_PARTS):
        length = int.from_bytes(data[position : position + 4])
        end = position + length
        if length < 8 or end > len(data):
            break
        if data[position + 4 : position + 8] == b"meta":
            meta = data[position:end].replace(b"Exif", b"skip")
            return Container("AVIF", data[:position] + meta + data[end:], None, None)
        position = end
    return Container("AVIF", data, None, None)
