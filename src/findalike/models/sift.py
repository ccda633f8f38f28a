"""The classical baseline: local features, matched pair by pair, checked by one geometry.

Keypoints and descriptors are SIFT (Lowe, "Distinctive image features from scale-invariant
keypoints", IJCV 2004), matches pass Lowe's ratio test (section 7.1 there), and a homography found
by RANSAC (Fischler & Bolles, CACM 1981) counts those that agree on one plane (Hartley & Zisserman,
"Multiple view geometry", 2nd ed., section 4.8). Deviations: each gallery keypoint takes part in
its nearest match only, since RANSAC is misled by many keypoints on one (asking that each be the
other's nearest costs 0.03 mAP on the apparel photos); and a homography that mirrors the picture is
refused.

It finds the same printed thing from another viewpoint, and knows nothing of kinds: a learned
encoder should beat it on everything else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.errors import SettingError
from findalike.models.cpus import usable_cpus
from findalike.types import Pixels

RATIO = 0.75
"""A match counts if its descriptor is this much nearer than the second nearest; Lowe's 0.8 is
looser, and most implementations have settled here."""

REPROJECTION_PIXELS = 5.0
"""How far a keypoint may lie from where the homography puts it, in the picture's own pixels."""

LEAST_MATCHES = 4
"""A homography is decided by four matches."""

_DESCRIPTOR_SIZE = 128
_IMAGES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class SiftFeatures:
    """The keypoints of one picture.

    Attributes:
        points: (n, 2) float32, x and y in pixels of the picture as it was matched.
        descriptors: (n, 128) uint8.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


class SiftGallery:
    """Features of all gallery pictures, laid out for matching.

    Attributes:
        features: one entry a picture, in the gallery's order.
    """

    def __init__(self, features: Sequence[SiftFeatures]) -> None:
        self.features = tuple(features)
        counts = [len(entry.points) for entry in self.features]
        self._ends = np.cumsum([0, *counts])
        self._descriptors = np.concatenate(
            [entry.descriptors for entry in self.features]
            or [np.empty((0, _DESCRIPTOR_SIZE), np.uint8)]
        )

    def __len__(self) -> int:
        return len(self.features)

    def distances(self, query: SiftFeatures) -> Iterator[NDArray[np.float32]]:
        """For each picture the squared distances (its keypoints, the query's keypoints).

        SIFT descriptors are whole numbers below 256, so their products stay below 2²⁴ and float32
        holds them exactly: the result does not depend on the order a matrix product sums in.
        """
        wanted = query.descriptors.astype(np.float32)
        wanted_squares = np.einsum("nd,nd->n", wanted, wanted)
        for first in range(0, len(self), _IMAGES_AT_ONCE):
            ends = self._ends[first : first + _IMAGES_AT_ONCE + 1]
            block = self._descriptors[ends[0] : ends[-1]].astype(np.float32)
            squares = np.einsum("nd,nd->n", block, block)
            found = block @ wanted.T
            found *= -2.0
            found += squares[:, None]
            found += wanted_squares
            for start, end in zip(ends[:-1] - ends[0], ends[1:] - ends[0], strict=True):
                yield found[start:end]


class SiftMatcher:
    """Scores pictures against each other; one may be shared by any number of threads."""

    def __init__(self, *, max_side: int = 480, max_features: int = 500) -> None:
        """Set how much of a picture is looked at.

        Args:
            max_side: pictures with a longer side are made smaller to this first, in pixels.
            max_features: keypoints kept of a picture, the strongest.

        Raises:
            SettingError: if a value is out of range.
        """
        if max_side < 32:
            raise SettingError(f"max_side is {max_side}: it must be 32 pixels or more")
        if max_features < LEAST_MATCHES:
            raise SettingError(
                f"max_features is {max_features}: it must be {LEAST_MATCHES} or more"
            )
        self.max_side = max_side
        self.max_features = max_features

    def describe(self, pixels: Pixels) -> SiftFeatures:
        """Find the keypoints of a picture.

        Args:
            pixels: (height, width, 3) uint8 RGB.

        Raises:
            SettingError: if the picture has another shape or dtype.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise SettingError(
                f"SIFT takes uint8 pictures of shape (height, width, 3), "
                f"not {pixels.dtype} of shape {pixels.shape}"
            )
        grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
        scale = self.max_side / max(grey.shape)
        if scale < 1.0:
            height, width = (max(1, round(side * scale)) for side in grey.shape)
            grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
        # A detector holds buffers that two threads must not share, and costs nothing to make.
        detector = cv2.SIFT.create(nfeatures=self.max_features)
        keypoints, descriptors = detector.detectAndCompute(grey, None)
        if descriptors is None or not len(keypoints):
            return SiftFeatures(
                np.empty((0, 2), np.float32), np.empty((0, _DESCRIPTOR_SIZE), np.uint8)
            )
        points = np.asarray(cv2.KeyPoint.convert(keypoints), np.float32).reshape(-1, 2)
        # Ties in strength may exceed the limit by a few.
        kept = slice(self.max_features)
        return SiftFeatures(points[kept], descriptors[kept].astype(np.uint8))

    def score(self, query: SiftFeatures, gallery: SiftFeatures) -> float:
        """How well two pictures match; larger is better, 0 if nothing matches.

        The whole part is the number of matches that one homography explains. The fraction, the
        matches before that check in thousandths, orders pictures that have too few for one.
        """
        return float(self.scores(query, SiftGallery([gallery]))[0])

    def scores(self, query: SiftFeatures, gallery: SiftGallery) -> NDArray[np.float32]:
        """`score` against every gallery picture, (len(gallery),) float32."""
        result = np.zeros(len(gallery), np.float32)
        if not len(query.points):
            return result
        for place, distances in enumerate(gallery.distances(query)):
            ours, theirs = _matches(distances)
            inliers = _inliers(query.points[ours], gallery.features[place].points[theirs])
            result[place] = inliers + min(len(ours), 999) / 1000.0
        return result

    def score_all(
        self, queries: Iterable[Pixels], gallery: SiftGallery, *, threads: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """`scores` of each query picture, in their order, several at a time.

        Args:
            queries: pictures; read as they are needed, so that memory does not grow with them.
            gallery: what to match with.
            threads: queries worked on at once; by default one for every CPU this process may use.

        Raises:
            SettingError: if ``threads`` is below 1.
        """
        if threads is not None and threads < 1:
            raise SettingError(f"threads is {threads}: it must be 1 or more, or None for all CPUs")
        workers = threads or usable_cpus()
        waiting: deque[Future[NDArray[np.float32]]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for pixels in queries:
                waiting.append(pool.submit(self._score_picture, pixels, gallery))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _score_picture(self, pixels: Pixels, gallery: SiftGallery) -> NDArray[np.float32]:
        return self.scores(self.describe(pixels), gallery)


def _matches(distances: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of matching keypoints, ours and theirs, each of theirs at most once.

    Args:
        distances: (theirs, ours) squared; changed in place.
    """
    if len(distances) < 2:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    columns = np.arange(distances.shape[1])
    nearest = distances.argmin(axis=0)
    best = distances[nearest, columns]
    distances[nearest, columns] = np.inf
    ours = np.flatnonzero(best < RATIO**2 * distances.min(axis=0))
    # Nearest first, so that `unique` keeps the nearest match of each of theirs.
    ours = ours[np.argsort(best[ours], kind="stable")]
    theirs, first = np.unique(nearest[ours], return_index=True)
    return ours[first], theirs


def _inliers(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> int:
    """How many of the matched points one homography explains; 0 if there is none."""
    if len(ours) < LEAST_MATCHES:
        return 0
    # Each call starts its own random generator from the same state: equal input, equal output.
    homography, mask = cv2.findHomography(
        theirs, ours, cv2.RANSAC, REPROJECTION_PIXELS, maxIters=2000, confidence=0.995
    )
    if homography is None or mask is None or np.linalg.det(homography[:2, :2]) <= 0.0:
        return 0
    return int(np.count_nonzero(mask))
