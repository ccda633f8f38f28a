"""BMP."""

from __future__ import annotations

import struct

from findalike.data.containers.base import Container, DamagedError

MAX_RUN_LENGTH_PIXELS = 4_000_000
"""Run-length coded pictures are decoded in Python, at some 10 million pixels a second."""

_OLD_HEADER = 12
_RUN_LENGTH = (1, 2)


def read_bmp(data: bytes) -> Container:
    """Find the size of a BMP file.

    Raises:
        DamagedError: if the header is cut off, or the picture is run-length coded and large.
    """
    if len(data) < 34:
        raise DamagedError("the file ends inside its header")
    (header,) = struct.unpack_from("<I", data, 14)
    if header == _OLD_HEADER:
        width, height = struct.unpack_from("<HH", data, 18)
        coding = 0
    else:
        # A negative height says that the top row comes first.
        width, height = (abs(side) for side in struct.unpack_from("<ii", data, 18))
        (coding,) = struct.unpack_from("<I", data, 30)
    if coding in _RUN_LENGTH and width * height > MAX_RUN_LENGTH_PIXELS:
        raise DamagedError(
            f"it is run-length coded, which is allowed up to {MAX_RUN_LENGTH_PIXELS:,} pixels"
        )
    return Container("BMP", data, width, height)
