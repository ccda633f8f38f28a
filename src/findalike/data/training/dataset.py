"""Training pictures as tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from findalike.data.image_source import ImageSource
from findalike.data.training.augment import Augmentation
from findalike.data.training.draws import Draw
from findalike.data.training.mixture import Mixture
from findalike.data.training.parts import WHOLE, Part, cut_part, on_square, read_part, read_region
from findalike.data.training.picture_cache import PictureCache
from findalike.errors import BoxError, ImageError, PathError, StorageError, TrainingDataError
from findalike.types import InputSpec, Pixels

ROOM = 1.5
"""A kept picture that parts are cut from is so many times longer than the result."""

_SUBSTITUTES = 16
_UNREADABLE = (ImageError, PathError, BoxError)


class Sample(NamedTuple):
    """One picture of a batch.

    Attributes:
        pixels: uint8 (3, size, size), RGB.
        label: of the mixture.
        image_id: of the mixture; another one than was drawn where that could not be read.
    """

    pixels: torch.Tensor
    label: int
    image_id: int


class TrainingPictures(Dataset[Sample]):
    """The pictures of a mixture, made anew for every draw, by its seed alone.

    A picture that cannot be read is noted and replaced by another one of its label, so that one
    damaged file does not end a run of days.

    Args:
        mixture: the images.
        spec: of the encoder.
        augmentation: what happens to a picture; None shows it as `prepare` does.
        cache: keep decoded pictures in memory, in the size they are used in, or at most `ROOM`
            times that where parts are cut from them.

    Raises:
        SettingError: if the memory does not hold the cache.
    """

    def __init__(
        self,
        mixture: Mixture,
        spec: InputSpec,
        *,
        augmentation: Augmentation | None = None,
        cache: bool = False,
    ) -> None:
        self.mixture = mixture
        self.spec = spec
        self.augmentation = augmentation
        self._room = augmentation is not None and augmentation.needs_room
        self._side = kept_side(spec, room=self._room)
        self._cache = PictureCache(mixture.photo_count, self._side) if cache else None
        self._sources: dict[int, ImageSource] | None = None
        # Shared with the workers, so that each knows what another could not read.
        self._unreadable = torch.zeros(mixture.photo_count, dtype=torch.uint8)
        self._unreadable.share_memory_()  # type: ignore[no-untyped-call]
        trained = mixture.labels[: mixture.size]
        self._by_label = np.argsort(trained, kind="stable")
        self._starts = np.searchsorted(trained[self._by_label], np.arange(mixture.classes + 1))

    def __len__(self) -> int:
        return self.mixture.size + self.mixture.val_size

    def __getitem__(self, draw: Draw) -> Sample:
        for image_id in self._candidates(draw):
            photo = int(self.mixture.photos[image_id])
            label = int(self.mixture.labels[image_id])
            try:
                square = self._square(photo, label, draw.seed)
            except _UNREADABLE:
                self._unreadable[photo] = 1
            except StorageError:
                continue  # a disk or network folder that may be back for the next picture
            else:
                pixels = torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)))
                return Sample(pixels, label, image_id)
        image = self.mixture.image(draw.image_id)
        raise TrainingDataError(
            f"{image.location} cannot be read, nor can {2 * _SUBSTITUTES} other pictures in its "
            f"place: see that the folder of the pictures can still be read"
        )

    def unreadable(self) -> list[str]:
        """Why pictures that were asked for so far could not be read, one sentence each."""
        reasons = []
        for photo in torch.nonzero(self._unreadable).flatten().tolist():
            try:
                self._square(photo, -1, 0)
            except _UNREADABLE as error:
                reasons.append(str(error))
            except StorageError:
                continue
        return reasons

    @property
    def unreadable_count(self) -> int:
        """How many pictures that were asked for so far could not be read."""
        return int(self._unreadable.sum())

    def _square(self, photo: int, label: int, seed: int) -> Pixels:
        if self.augmentation is None:
            return on_square(self._kept(photo), self.spec)
        rng = np.random.default_rng(seed)
        image = self.mixture.photo(photo)[1]
        source = None
        if image.domain == "seller" and self.augmentation.pastes(rng):
            source = self._kept(photo)
            scene = self.augmentation.scene(source, label, rng)
            source = source if scene is None else scene
        elif self._cache is not None and self._room:
            source = self._kept(photo)
        part = self.augmentation.part(rng)
        if source is not None:
            content = cut_part(source, self.spec, part)
        elif self._room:
            content = self._from_file(photo, part)
        else:
            content = self._kept(photo)
        return on_square(self.augmentation.altered(content, rng), self.spec)

    def _kept(self, photo: int) -> Pixels:
        """The photo without padding as it is kept: with room to cut from, if that is needed."""
        found = self._cache.get(photo) if self._cache is not None else None
        if found is not None:
            return found
        if self._room:
            image = self.mixture.photo(photo)[1]
            made = read_region(
                self._read(photo), self.spec, self._side, name=image.location, box=image.box
            )
        else:
            made = self._from_file(photo, WHOLE)
        if self._cache is not None:
            self._cache.put(photo, made)
        return made

    def _from_file(self, photo: int, part: Part) -> Pixels:
        image = self.mixture.photo(photo)[1]
        data = self._read(photo)
        return read_part(data, self.spec, name=image.location, box=image.box, part=part)

    def _read(self, photo: int) -> bytes:
        position, image = self.mixture.photo(photo)
        if self._sources is None:
            if get_worker_info() is not None:
                # There are as many workers as wanted: threads of their own would be in the way.
                cv2.setNumThreads(0)
            # Opened in the process that reads: what a source holds cannot be sent to another.
            self._sources = {
                number: ImageSource(entry.root, allow_urls=False)
                for number, entry in enumerate(self.mixture.sets)
            }
        return self._sources[position].read(image.location)

    def _candidates(self, draw: Draw) -> Iterator[int]:
        """The image itself, then others of its label, then any, all by the draw's seed."""
        if not self._unreadable[self.mixture.photos[draw.image_id]]:
            yield draw.image_id
        rng = np.random.default_rng(draw.seed)
        label = int(self.mixture.labels[draw.image_id])
        alike = self._by_label[self._starts[label] : self._starts[label + 1]]
        others = [
            *rng.permutation(alike)[:_SUBSTITUTES].tolist(),
            *rng.integers(0, self.mixture.size, _SUBSTITUTES).tolist(),
        ]
        for image_id in others:
            if not self._unreadable[self.mixture.photos[image_id]]:
                yield image_id

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_sources": None}


def kept_side(spec: InputSpec, *, room: bool) -> int:
    """Longest side of a kept picture in pixels."""
    return int(spec.size * ROOM) if room else spec.size
