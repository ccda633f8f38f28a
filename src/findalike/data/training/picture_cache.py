"""Decoded pictures kept in memory that worker processes share."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np

from findalike.errors import SettingError
from findalike.types import Pixels

_MEMORY_PART = 0.8
_TYPICAL_FILL = 0.75
"""Photos are 3:4 as a rule, so a square slot is filled by so much of it."""


def bytes_needed(pictures: int, side: int) -> int:
    """Memory that a cache of so many pictures takes when it is full, about."""
    return int(pictures * side * side * 3 * _TYPICAL_FILL)


class PictureCache:
    """A slot for each picture, filled when it is first needed.

    The slots are anonymous memory that forked workers share, so a picture is decoded once and kept
    once, whichever of them came first; memory is taken as slots are filled. A cache that is sent to
    a process started in another way begins empty there.

    Args:
        pictures: how many slots.
        side: longest side of a picture in pixels.

    Raises:
        SettingError: if the memory that is free does not hold them.
    """

    def __init__(self, pictures: int, side: int) -> None:
        needed, free = bytes_needed(pictures, side), available_memory()
        if needed > free * _MEMORY_PART:
            raise SettingError(
                f"train.cache keeps {pictures:,} pictures of up to {side} x {side} pixels, which "
                f"takes {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free: set it to "
                f"false, or train on fewer or smaller pictures"
            )
        self._pictures = pictures
        self._side = side
        self._slot = side * side * 3
        self._allocate()

    def get(self, number: int) -> Pixels | None:
        """The picture of a slot, read-only, or None if it is still empty."""
        height, width = self._sizes[number].tolist()
        if height == 0:
            return None
        start = number * self._slot
        pixels = self._pixels[start : start + height * width * 3].reshape(height, width, 3)
        pixels.flags.writeable = False
        return pixels

    def put(self, number: int, pixels: Pixels) -> None:
        """Fill a slot; ``pixels`` is uint8 (h, w, 3), no side longer than the cache's."""
        height, width = pixels.shape[:2]
        start = number * self._slot
        self._pixels[start : start + pixels.size] = pixels.ravel()
        # The size says that the slot is filled, so it comes after the pixels.
        self._sizes[number] = height, width

    def _allocate(self) -> None:
        try:
            self._pixels = np.frombuffer(mmap.mmap(-1, self._pictures * self._slot), np.uint8)
        except (OSError, OverflowError, ValueError) as error:
            raise SettingError(
                f"train.cache needs {self._pictures * self._slot / 1e9:,.1f} GB of address space, "
                f"which the system does not give ({error}): set it to false"
            ) from error
        self._sizes = np.frombuffer(mmap.mmap(-1, self._pictures * 4), np.uint16).reshape(-1, 2)

    def __getstate__(self) -> dict[str, Any]:
        return {"_pictures": self._pictures, "_side": self._side, "_slot": self._slot}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._allocate()


def available_memory() -> int:
    """Bytes that can be taken without swapping, within the limits of a container."""
    limits = [_free_memory()]
    try:
        most = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii").strip()
        limits.append(int(most) - int(used))
    except (OSError, ValueError):
        pass  # no container, or one without a limit ("max")
    return max(min(limits), 0)


def _free_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 1 << 62  # nothing is known, so nothing is refused
