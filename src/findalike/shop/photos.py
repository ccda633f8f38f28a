"""Reading photos ahead of the encoder: the one path from a location to pixels, in parallel.

Decoding takes an eighth of the time of embedding for a photo of 300 pixels a side, several times as
long for one of 12 megapixels, and leaves Python's lock free: a pool of threads prepares the next
photos while the encoder works on the present ones.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from findalike.data.image_source import ImageSource
from findalike.data.prepare import Prepared, prepare
from findalike.errors import FindalikeError, StorageError
from findalike.models.cpus import usable_cpus
from findalike.models.embedder import Embedder
from findalike.types import Box, Embeddings, InputSpec

Job = TypeVar("Job")
Loaded = TypeVar("Loaded")
Item = TypeVar("Item")

EMBED_BATCH = 64
"""Images that are looked up and embedded together."""

AHEAD = 256
"""Photos in flight at most: at 224 px they take 40 MB."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that was read; ``prepared`` is None when its embedding is known already."""

    sha256: str
    prepared: Prepared | None


def read_photo(
    source: ImageSource,
    location: str,
    spec: InputSpec,
    *,
    box: Box | None = None,
    known_sha256: str | None = None,
) -> Photo:
    """Read one photo and prepare it, unless its bytes are the ones already known.

    Raises:
        ImageError, PathError, FetchError, BoxError: when it cannot be used; each names the photo.
    """
    data = source.read(location)
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 == known_sha256:
        return Photo(sha256, None)
    return Photo(sha256, prepare(data, spec, name=location, box=box))


def load_ahead(
    jobs: Iterable[Job], load: Callable[[Job], Loaded], *, workers: int | None = None
) -> Iterator[tuple[Job, Loaded | FindalikeError]]:
    """Run ``load`` over the jobs in threads; yield in the jobs' order, a bounded number ahead.

    A job that fails with one of findalike's own errors yields that error and stops nothing,
    except for a full or broken disk, which is raised.
    """
    pool = ThreadPoolExecutor(workers or min(32, usable_cpus() + 2), "photo")
    waiting: deque[tuple[Job, Future[Loaded]]] = deque()
    remaining = iter(jobs)
    try:
        while True:
            for job in islice(remaining, AHEAD - len(waiting)):
                waiting.append((job, pool.submit(load, job)))
            if not waiting:
                return
            job, future = waiting.popleft()
            try:
                outcome: Loaded | FindalikeError = future.result()
            except StorageError:
                raise
            except FindalikeError as error:
                outcome = error
            yield job, outcome
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def embed_prepared(encoder: Embedder, prepared: list[Prepared]) -> Embeddings:
    """Embed prepared photos; returns (n, d), unit rows."""
    if not prepared:
        return np.empty((0, encoder.dimension), dtype=np.float32)
    return encoder.embed(np.stack([photo.pixels for photo in prepared]))


def embed_photos(
    photos: Sequence[tuple[str, Box | None]],
    *,
    source: ImageSource,
    encoder: Embedder,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[int, Embeddings, dict[int, FindalikeError]]]:
    """Embed photos batch by batch, exactly as an import and a search do.

    Args:
        photos: the location of each, and its box; None for the whole photo.
        progress: called with (photos done, photos in all).

    Yields:
        The position of the batch's first photo; an embedding for each of its photos, (n, d), in
        which those that could not be read are zero; and the errors of these by position.
    """

    def load(photo: tuple[str, Box | None]) -> Photo:
        return read_photo(source, photo[0], encoder.input, box=photo[1])

    start = 0
    for batch in batches(load_ahead(photos, load), EMBED_BATCH):
        embeddings = np.zeros((len(batch), encoder.dimension), dtype=np.float32)
        errors: dict[int, FindalikeError] = {}
        prepared: list[Prepared] = []
        rows: list[int] = []
        for row, (_, photo) in enumerate(batch):
            if isinstance(photo, FindalikeError):
                errors[start + row] = photo
            elif photo.prepared is not None:
                prepared.append(photo.prepared)
                rows.append(row)
        embeddings[rows] = embed_prepared(encoder, prepared)
        yield start, embeddings, errors
        start += len(batch)
        if progress is not None:
            progress(start, len(photos))


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists of ``size``; the last may be shorter."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
