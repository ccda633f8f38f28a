"""What a file's header says, and the bytes its pixels are made from."""

from __future__ import annotations

from dataclasses import dataclass

MAX_ICC_BYTES = 4 << 20
"""Larger colour profiles are ignored: those of printing presses stay below 3 MB."""

MAX_PARTS = 100_000
"""Segments, chunks or blocks walked through before a file is called damaged."""


class DamagedError(ValueError):
    """The bytes break the rules of their format; the message says how, without the file's name."""


@dataclass(frozen=True, slots=True)
class Container:
    """One image file, reduced to what its first picture needs.

    Attributes:
        format: name of the format, such as ``JPEG``.
        data: a file of that format that a decoder can be given. Metadata are taken out where the
            format allows it: they are the decoder's largest attack surface, and they make it warn.
        width: width in pixels as stored, before the orientation; None where only a decoder knows.
        height: height in pixels as stored, or None.
        orientation: EXIF orientation, 1 to 8; 1 is upright.
        icc: the embedded colour profile, or None.
    """

    format: str
    data: bytes
    width: int | None
    height: int | None
    orientation: int = 1
    icc: bytes | None = None
