"""A set of strings that remembers only their hashes, for spotting repeats in a million rows."""

from __future__ import annotations

from array import array

_FIRST_SLOTS = 1 << 12
_WORD = (1 << 64) - 1


class SeenStrings:
    """Which strings were added before, in about 16-32 bytes each instead of a few hundred.

    Two different strings with the same 64-bit hash would be taken for one; among a million the
    chance of a single such pair is 3e-8 (n² / 2⁶⁵). The hash is Python's own, keyed anew in each
    process, so nobody can prepare strings that collide.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FIRST_SLOTS))
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def add(self, text: str) -> bool:
        """Remember a string; True when it is new."""
        # Zero marks a free slot, so the one hash that is zero shares a slot value with another.
        value = (hash(text) & _WORD) or 1
        if not self._place(self._slots, value):
            return False
        self._used += 1
        if self._used * 3 > len(self._slots) * 2:
            self._grow()
        return True

    @staticmethod
    def _place(slots: array[int], value: int) -> bool:
        mask = len(slots) - 1
        slot = value & mask
        while (there := slots[slot]) != 0:
            if there == value:
                return False
            slot = (slot + 1) & mask
        slots[slot] = value
        return True

    def _grow(self) -> None:
        larger = array("Q", bytes(8 * 2 * len(self._slots)))
        for value in self._slots:
            if value:
                self._place(larger, value)
        self._slots = larger
