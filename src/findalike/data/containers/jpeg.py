"""JPEG, with the first picture of the multi-picture files that phones write."""

from __future__ import annotations

import re

from findalike.data.containers.base import MAX_ICC_BYTES, MAX_PARTS, Container, DamagedError
from findalike.data.containers.exif import UPRIGHT, orientation

MAX_SCANS = 64
"""Scans of one progressive file: encoders write ten or so, and each costs a pass over it all."""

_AFTER_FILL = re.compile(rb"[^\xff]")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP0, _EXIF, _ICC, _APP15, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEF, 0xFE
_ADOBE = 0xEE
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x00, 0x01, _SOI, *range(0xD0, 0xD8)})


def read_jpeg(data: bytes) -> Container:
    """Find the size, the orientation and the colour profile of a JPEG file.

    The metadata are left out of the result, all but the two segments that say how colours are
    coded (JFIF and Adobe). This also cuts the index of multi-picture files, so that the decoder
    meets a plain JPEG.

    Raises:
        DamagedError: if the segments end before the picture begins, or there are too many scans.
    """
    kept = [data[:2]]
    profile: list[bytes] = []
    size: tuple[int, int] | None = None
    turned, components, in_passes = UPRIGHT, 0, False
    position = 2
    for _ in range(MAX_PARTS):
        marker, position = _next_marker(data, position)
        if marker in _WITHOUT_LENGTH:
            continue
        end = position + int.from_bytes(data[position : position + 2])
        if marker == _EOI or end > len(data) or end < position + 2:
            break
        segment = data[position + 2 : end]
        if marker in _FRAMES and len(segment) >= 6:
            components, in_passes = segment[5], in_passes or marker in _PROGRESSIVE
            size = int.from_bytes(segment[3:5]), int.from_bytes(segment[1:3])
        elif marker == _EXIF and segment.startswith(b"Exif\0\0") and turned == UPRIGHT:
            turned = orientation(segment)
        elif marker == _ICC and segment.startswith(b"ICC_PROFILE\0"):
            profile.append(segment[12:])
        elif marker == _SOS:
            if size is None or not segment:
                break
            if in_passes or segment[0] < components:
                _refuse_many_scans(data, position)
            kept.append(data[position - 2 :])
            return Container("JPEG", b"".join(kept), *size, turned, _joined(profile))
        if not (_APP0 < marker <= _APP15 and marker != _ADOBE) and marker != _COMMENT:
            kept.append(data[position - 2 : end])
        position = end
    raise DamagedError("the file ends, or makes no sense, before the picture begins")


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """The marker at or after ``position``, over any junk, and where its content starts."""
    position = data.find(b"\xff", position)
    found = _AFTER_FILL.search(data, position) if position >= 0 else None
    if found is None:
        return _EOI, len(data)
    return data[found.start()], found.end()


def _joined(parts: list[bytes]) -> bytes | None:
    """The colour profile from its numbered parts, None if one is missing."""
    parts = sorted(part for part in parts if len(part) > 2)
    if not parts or [part[0] for part in parts] != list(range(1, parts[0][1] + 1)):
        return None
    profile = b"".join(part[2:] for part in parts)
    return profile if len(profile) <= MAX_ICC_BYTES else None


def _refuse_many_scans(data: bytes, start: int) -> None:
    # What follows the end of the picture (a second one, a film) may hold these bytes by chance.
    end = data.find(b"\xff\xd9", start)
    scans = 1 + data.count(b"\xff\xda", start, end if end >= 0 else len(data))
    if scans > MAX_SCANS:
        raise DamagedError(f"it has {scans} scans, and {MAX_SCANS} are allowed")
