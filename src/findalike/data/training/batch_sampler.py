"""The batches of the validation loss, as torch's DataLoader takes them."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import Sampler

from findalike.data.training.draws import Draw
from findalike.data.training.mixture import Mixture


class InOrder(Sampler[list[Draw]]):
    """The images of the validation loss in order, every ``world``-th of them on each rank.

    Args:
        mixture: whose images with ``split=val`` they are.
        batch_size: of one device; the last batch may be smaller.
        rank: number of this device.
        world: how many devices there are.
    """

    def __init__(self, mixture: Mixture, *, batch_size: int, rank: int = 0, world: int = 1) -> None:
        self._ids = mixture.val_ids[rank::world]
        self._batch_size = batch_size

    def __iter__(self) -> Iterator[list[Draw]]:
        for start in range(0, len(self._ids), self._batch_size):
            yield [Draw(i, 0) for i in self._ids[start : start + self._batch_size]]

    def __len__(self) -> int:
        return (len(self._ids) + self._batch_size - 1) // self._batch_size
