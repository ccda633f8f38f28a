"""Ranking the gallery for every query: by an encoder, by SIFT, or as a file says.

The photos go the same way as in a shop: same reading, same crop, same encoder. Rankings are exact,
so that a figure is about the encoder; what an index engine loses is measured in ``benchmarks/``.
A photo that cannot be read counts against the figure: such a query found nothing, such a gallery
image is never found. A query's own picture, where the gallery holds it, is not ranked for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from findalike.data.images import decode
from findalike.errors import FindalikeError
from findalike.evaluation.rankings import load_rankings
from findalike.evaluation.result import DEEPEST_FIXED_CUT
from findalike.evaluation.topk import exact_top_k
from findalike.models.embedder import Embedder
from findalike.models.sift import SiftGallery, SiftMatcher
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.shop.photos import embed_photos, load_ahead
from findalike.types import Box, Embeddings, Pixels

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Rankings:
    """What a method made of the queries.

    Attributes:
        positions: int32 (q, n), gallery positions in rank order, -1 after the last.
        scores: float32 (q, n), NaN after the last; None where they are not known.
        method: name of what ranked.
        how: how images are put in order, in words.
        seconds: wall-clock time from photos to rankings.
        dimensions: size of an embedding, None where there is none.
        unreadable: why photos could not be read, one sentence each.
    """

    positions: NDArray[np.int32]
    scores: NDArray[np.float32] | None
    method: str
    how: str
    seconds: float
    dimensions: int | None = None
    unreadable: tuple[str, ...] = ()


def rank_by_embedding(
    data: EvaluationSet, encoder: Embedder, *, k: int, progress: Progress | None = None
) -> Rankings:
    """Rank by the cosine of the encoder's embeddings, in memory that grows with queries × k.

    Args:
        k: depth of the rankings; they are never shallower than the figures need.
        progress: called with (photos done, photos in all).
    """
    started = time.perf_counter()
    total = len(data.queries) + len(data.gallery)
    unreadable: list[FindalikeError] = []

    def show(done: int, offset: int) -> None:
        if progress is not None:
            progress(offset + done, total)

    def blocks() -> Iterator[tuple[int, Embeddings]]:
        photos = [(image.location, image.box) for image in data.gallery]
        offset = len(data.queries)
        for start, embeddings, errors in embed_photos(
            photos, source=data.source, encoder=encoder, progress=lambda n, _: show(n, offset)
        ):
            unreadable.extend(errors.values())
            yield from _readable_runs(start, embeddings, set(errors))

    queries = np.zeros((len(data.queries), encoder.dimension), dtype=np.float32)
    readable = np.ones(len(queries), dtype=bool)
    photos = [(query.location, query.box) for query in data.queries]
    for start, embeddings, errors in embed_photos(
        photos, source=data.source, encoder=encoder, progress=lambda n, _: show(n, 0)
    ):
        queries[start : start + len(embeddings)] = embeddings
        readable[list(errors)] = False
        unreadable.extend(errors.values())
    depth = min(max(k, DEEPEST_FIXED_CUT), len(data.gallery))
    top = exact_top_k(queries[readable], blocks(), depth, exclude=data.own[readable])
    positions = np.full((len(queries), depth), -1, dtype=np.int32)
    scores = np.full((len(queries), depth), np.nan, dtype=np.float32)
    width = top.positions.shape[1]
    positions[readable, :width] = top.positions
    scores[readable, :width] = np.where(top.positions < 0, np.nan, top.scores)
    return Rankings(
        positions=positions,
        scores=scores,
        method=encoder.name,
        how=f"exact cosine of {encoder.dimension}-d embeddings",
        seconds=time.perf_counter() - started,
        dimensions=encoder.dimension,
        unreadable=tuple(str(error) for error in unreadable),
    )


def rank_by_sift(data: EvaluationSet, *, k: int, progress: Progress | None = None) -> Rankings:
    """Rank by SIFT matches that one homography explains: the classical baseline.

    Args:
        k: depth of the rankings; they are never shallower than the figures need.
        progress: called with (photos done, photos in all).
    """
    started = time.perf_counter()
    total = len(data.queries) + len(data.gallery)
    unreadable: list[FindalikeError] = []
    matcher = SiftMatcher()
    blank = np.zeros((1, 1, 3), dtype=np.uint8)

    def crops(photos: Sequence[tuple[str, Box | None]], offset: int) -> Iterator[Pixels | None]:
        def load(photo: tuple[str, Box | None]) -> Pixels:
            return _crop(decode(data.source.read(photo[0]), name=photo[0]), photo[1])

        for done, (_, pixels) in enumerate(load_ahead(photos, load), start=1):
            if progress is not None:
                progress(offset + done, total)
            if isinstance(pixels, FindalikeError):
                unreadable.append(pixels)
                yield None
            else:
                yield pixels

    found = list(crops([(image.location, image.box) for image in data.gallery], 0))
    missing = [position for position, pixels in enumerate(found) if pixels is None]
    gallery = SiftGallery([matcher.describe(blank if p is None else p) for p in found])
    depth = min(max(k, DEEPEST_FIXED_CUT), len(gallery))
    positions = np.full((len(data.queries), depth), -1, dtype=np.int32)
    scores = np.full((len(data.queries), depth), np.nan, dtype=np.float32)
    broken: set[int] = set()

    def queries() -> Iterator[Pixels]:
        photos = [(query.location, query.box) for query in data.queries]
        for row, pixels in enumerate(crops(photos, len(gallery))):
            if pixels is None:
                broken.add(row)
            yield blank if pixels is None else pixels

    for row, matched in enumerate(matcher.score_all(queries(), gallery)):
        absent = {*missing, *([int(data.own[row])] if data.own[row] >= 0 else [])}
        matched[list(absent)] = -np.inf
        order = np.argsort(-matched, kind="stable")[: min(depth, len(gallery) - len(absent))]
        if row not in broken:
            positions[row, : len(order)] = order
            scores[row, : len(order)] = matched[order]
    return Rankings(
        positions=positions,
        scores=scores,
        method="sift",
        how="matched SIFT keypoints that one homography explains",
        seconds=time.perf_counter() - started,
        unreadable=tuple(str(error) for error in unreadable),
    )


def read_rankings(data: EvaluationSet, path: Path, *, k: int) -> Rankings:
    """Take rankings that were made elsewhere; see `load_rankings` for the file.

    Where a ranking has the query's own picture, the images behind it move up.
    """
    started = time.perf_counter()
    depth = max(k, DEEPEST_FIXED_CUT)
    positions = load_rankings(path, data.gallery_ids, queries=len(data.queries), k=depth)
    own = (positions == data.own[:, None]) & (positions >= 0)
    for row, column in np.argwhere(own)[::-1]:
        positions[row, column:-1] = positions[row, column + 1 :]
        positions[row, -1] = -1
    seconds = time.perf_counter() - started
    return Rankings(positions, None, path.stem, f"taken from {path.name}", seconds)


def _crop(pixels: Pixels, box: Box | None) -> Pixels:
    if box is None:
        return pixels
    height, width = pixels.shape[:2]
    inside = box.clipped(width, height)
    top, left = math.floor(inside.y), math.floor(inside.x)
    return pixels[top : math.ceil(inside.y + inside.h), left : math.ceil(inside.x + inside.w)]


def _readable_runs(
    start: int, embeddings: Embeddings, errors: set[int]
) -> Iterator[tuple[int, Embeddings]]:
    """The stretches of a batch between photos that could not be read."""
    run = 0
    for row in range(len(embeddings) + 1):
        if row == len(embeddings) or start + row in errors:
            if row > run:
                yield start + run, embeddings[run:row]
            run = row + 1
