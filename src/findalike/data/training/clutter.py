"""Grounds that products are pasted on: simulated places with things in them, real user photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from findalike.data.image_source import ImageSource
from findalike.data.simulate.model import Model
from findalike.data.simulate.plan import draw_prop
from findalike.data.simulate.products import KINDS
from findalike.data.simulate.user import Neighbours, user_photo
from findalike.data.training.mixture import Mixture
from findalike.data.training.parts import read_region
from findalike.errors import BoxError, ImageError, PathError, StorageError
from findalike.types import InputSpec, Pixels

SIMULATED = 24
"""Simulated grounds in a bank; each is cut differently every time it is used."""

REAL = 96
"""Real ones, as far as the training data has user photos."""

_PROPS = 40
_STREAM = 0xC107


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A picture to paste on.

    Attributes:
        pixels: uint8 (h, w, 3).
        label: of the product it shows; -1 for simulated ones.
    """

    pixels: Pixels
    label: int


class Clutter:
    """A bank of grounds.

    Args:
        grounds: at least one, and one of no label or of a second one.

    Raises:
        ValueError: if some label would have no ground.
    """

    def __init__(self, grounds: Sequence[Ground]) -> None:
        self._grounds = tuple(grounds)
        self._labels = np.array([ground.label for ground in grounds], np.int64)
        if not (self._labels < 0).any() and len(np.unique(self._labels)) < 2:
            raise ValueError("clutter needs a simulated ground, or user photos of two labels")

    def __len__(self) -> int:
        return len(self._grounds)

    def draw(self, label: int, rng: np.random.Generator) -> Pixels:
        """A ground that shows no product of ``label``."""
        allowed = np.flatnonzero(self._labels != label)
        return self._grounds[int(allowed[rng.integers(len(allowed))])].pixels


def make_clutter(
    mixture: Mixture,
    spec: InputSpec,
    *,
    seed: int,
    simulated: int = SIMULATED,
    real: int = REAL,
    progress: Callable[[int, int], None] | None = None,
) -> Clutter:
    """Draw the simulated grounds, and read user photos of the training data as they are.

    The same seed and data give the same bank. Photos that cannot be read are passed over.

    Args:
        mixture: whose user photos are taken, of both label and no label; never one with
            ``split=val``.
        spec: of the encoder: grounds are kept about twice as large as its pictures.
        seed: of the run.
        simulated: how many grounds are drawn, at least 1.
        real: how many photos are read at most.
        progress: called with the grounds made and wanted.
    """
    rng = np.random.default_rng(np.random.SeedSequence((seed, _STREAM)))
    numbers = np.flatnonzero(mixture.users[: mixture.size])
    chosen = rng.permutation(numbers)[:real].tolist()
    total = simulated + len(chosen)
    grounds: list[Ground] = []
    for number in range(simulated):
        grounds.append(Ground(simulated_ground(seed, number, 2 * spec.size), -1))
        if progress is not None:
            progress(len(grounds), total)
    sources = [ImageSource(entry.root, allow_urls=False) for entry in mixture.sets]
    for done, image_id in enumerate(chosen, simulated + 1):
        position, image = mixture.photo(int(mixture.photos[image_id]))
        whole = InputSpec(spec.size, "pad")
        try:
            data = sources[position].read(image.location)
            pixels = read_region(data, whole, 2 * spec.size, name=image.location, box=None)
        except (ImageError, PathError, BoxError, StorageError):
            continue
        grounds.append(Ground(pixels, int(mixture.labels[image_id])))
        if progress is not None:
            progress(done, total)
    return Clutter(grounds)


@lru_cache(maxsize=256)
def simulated_ground(seed: int, number: int, side: int) -> Pixels:
    """A simulated shopper's photo of things that no shop sells, its longer side ``side``.

    Returns:
        uint8 (h, w, 3), read-only.
    """
    rng = np.random.default_rng(np.random.SeedSequence((seed, _STREAM, number)))
    spec = draw_prop(seed, int(rng.integers(_PROPS)))
    kind = KINDS[spec.kind]
    photo = user_photo(kind, kind.build(spec), _lender(seed), rng)
    region = read_region(photo.jpeg(), InputSpec(side, "pad"), side, name="ground", box=None)
    region.flags.writeable = False
    return region


def _lender(seed: int) -> Neighbours:
    def lend(count: int, rng: np.random.Generator) -> list[Model]:
        numbers = rng.integers(0, _PROPS, count).tolist()
        return [_prop(seed, number) for number in numbers]

    return lend


@lru_cache(maxsize=2 * _PROPS)
def _prop(seed: int, number: int) -> Model:
    spec = draw_prop(seed, number)
    return KINDS[spec.kind].build(spec)
