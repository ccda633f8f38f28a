"""Mean losses and the rate of images between two rows of the table."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor


class Meter:
    """Adds up losses where they are computed, so that a GPU is not stopped at every step.

    Attributes:
        images: seen by this device since the run began.
        seconds: spent since the run began, over all sittings.
    """

    def __init__(self, terms: int, device: torch.device) -> None:
        self._sums = torch.zeros(terms, dtype=torch.float64, device=device)
        self._batches = 0
        self._row_images = 0
        self._row_start = time.monotonic()
        self._paused = 0.0
        self._since = time.monotonic()
        self._seconds = 0.0
        self.images = 0

    @property
    def seconds(self) -> float:
        """See the class."""
        return self._seconds + time.monotonic() - self._since

    def add(self, values: Tensor, images: int) -> None:
        """Take in the losses of a batch, shape (terms,)."""
        self._sums += values
        self._batches += 1
        self._row_images += images
        self.images += images

    def means(self) -> Tensor:
        """Mean of each loss since the last row."""
        return self._sums / max(self._batches, 1)

    def rate(self) -> float:
        """Images of this device a second since the last row, pauses left out."""
        spent = time.monotonic() - self._row_start - self._paused
        return self._row_images / max(spent, 1e-9)

    def pause(self, seconds: float) -> None:
        """Do not count what was spent on something else than training."""
        self._paused += seconds

    def clear(self) -> None:
        """Begin the next row."""
        self._sums.zero_()
        self._batches = 0
        self._row_images = 0
        self._row_start = time.monotonic()
        self._paused = 0.0

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {
            "sums": self._sums.tolist(),
            "batches": self._batches,
            "images": self.images,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self._sums.copy_(torch.tensor(state["sums"], dtype=torch.float64))
        self._batches = int(state["batches"])
        self.images = int(state["images"])
        self._seconds = float(state["seconds"])
        self._since = time.monotonic()
