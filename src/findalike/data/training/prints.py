"""Fingerprints of pictures: the same file, and nearly the same picture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.prepare import prepare
from findalike.types import InputSpec

VERSION = 1
"""Raised by one whenever a change gives other prints."""

NEAR_BITS = 24
"""Prints that differ in more of their 256 bits are of different pictures.

Of 241 real photos, copies at half the size and JPEG quality 60 differ in 14 bits at most; the most
alike packages of different products in 44. A copy with a thirtieth cut off each side differs in
about 60, and is found by its embedding only.
"""

NEAR_COLOUR = 11.0
"""Thumbnails that differ by more on average, of 255, are of different pictures, such as one shirt
in two colours; those copies differ by up to 10.1."""

_SIDE = 64
_WAVES = 16
_THUMB = 8
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True)
class Print:
    """What a picture is recognised by.

    Attributes:
        sha256: of the file, 32 bytes.
        bits: 256 bits of a perceptual hash, 32 bytes.
        thumb: uint8 8 x 8 x 3 thumbnail, 192 bytes.
    """

    sha256: bytes
    bits: bytes
    thumb: bytes


def picture_print(data: bytes, *, name: str) -> Print:
    """The print of an image file.

    The hash holds the signs of the lowest 16 x 16 frequencies of the grey picture at 64 x 64
    pixels against their median, as pHash does with 8 x 8 (Zauner, "Implementation and
    benchmarking of perceptual image hash functions", 2010): sellers' photos on white are too much
    alike for 64 bits. The proportions of the picture are left out of it.

    Args:
        data: the whole file.
        name: what error messages call it.

    Raises:
        ImageError: if it is not an image.
    """
    pixels = prepare(data, InputSpec(_SIDE, "stretch"), name=name).pixels
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    waves = cv2.dct(grey)[:_WAVES, :_WAVES].ravel()
    # The first is the mean brightness, which light alone changes.
    bits = waves > np.median(waves[1:])
    thumb = cv2.resize(pixels, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    return Print(hashlib.sha256(data).digest(), np.packbits(bits).tobytes(), thumb.tobytes())


def near_pairs(first: list[Print], second: list[Print]) -> list[tuple[int, int, int]]:
    """Pairs of nearly the same pictures: positions in both lists, and by how many bits they differ.

    Compared in blocks, so memory stays bounded whatever the lengths.
    """
    pairs: list[tuple[int, int, int]] = []
    if not first or not second:
        return pairs
    words, thumbs = _words(first), _thumbs(first)
    others, other_thumbs = _words(second), _thumbs(second)
    step = max(_BLOCK // len(words), 1)
    for start in range(0, len(others), step):
        block = others[start : start + step]
        apart = np.zeros((len(words), len(block)), np.uint16)
        for column in range(words.shape[1]):
            apart += np.bitwise_count(words[:, column, None] ^ block[None, :, column])
        for row, place in np.argwhere(apart <= NEAR_BITS).tolist():
            gap = np.abs(thumbs[row].astype(np.int16) - other_thumbs[start + place])
            if float(gap.mean()) <= NEAR_COLOUR:
                pairs.append((row, start + place, int(apart[row, place])))
    return pairs


def _words(prints: list[Print]) -> NDArray[np.uint64]:
    joined = b"".join(one.bits for one in prints)
    return np.frombuffer(joined, np.uint64).reshape(len(prints), -1)


def _thumbs(prints: list[Print]) -> NDArray[np.uint8]:
    joined = b"".join(one.thumb for one in prints)
    return np.frombuffer(joined, np.uint8).reshape(len(prints), -1)
