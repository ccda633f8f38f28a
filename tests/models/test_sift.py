from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from PIL import Image

from findalike.errors import SettingError
from findalike.models.sift import SiftFeatures, SiftGallery, SiftMatcher


def _picture(seed: int, *, height: int = 240, width: int = 320) -> np.ndarray:
    """Shapes with corners at random places: much for a keypoint detector to hold on to."""
    random = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 230, np.uint8)
    for _ in range(60):
        x, y = random.integers(0, width), random.integers(0, height)
        w, h = random.integers(6, 50, 2)
        picture[y : y + h, x : x + w] = random.integers(0, 256, 3)
    return cv2.GaussianBlur(picture, (3, 3), 0)


def _warped(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    moved = np.float32([[40, 20], [width - 10, 50], [width - 50, height - 15], [15, height - 40]])
    return cv2.warpPerspective(
        picture,
        cv2.getPerspectiveTransform(corners, moved),
        (width, height),
        borderValue=(250,) * 3,
    )


@pytest.fixture(scope="module")
def matcher() -> SiftMatcher:
    return SiftMatcher()


def test_a_warped_copy_is_found_among_others(matcher):
    gallery = SiftGallery([matcher.describe(_picture(seed)) for seed in range(66)])
    scores = matcher.scores(matcher.describe(_warped(_picture(65))), gallery)
    assert scores.shape == (66,)
    assert scores.dtype == np.float32
    assert scores.argmax() == 65
    assert scores[65] > 30
    assert np.delete(scores, 65).max() < 15


def test_a_picture_matches_itself_best_and_each_pair_scores_as_in_a_gallery(matcher):
    features = [matcher.describe(_picture(seed)) for seed in range(4)]
    table = np.stack([matcher.scores(entry, SiftGallery(features)) for entry in features])
    assert (table.argmax(axis=1) == np.arange(4)).all()
    for row, query in enumerate(features):
        for column, entry in enumerate(features):
            assert matcher.score(query, entry) == pytest.approx(table[row, column])


def test_a_mirrored_copy_is_not_the_same_thing(matcher):
    features = matcher.describe(_picture(1))
    mirrored = SiftFeatures(
        features.points * np.float32([-1, 1]) + np.float32([320, 0]), features.descriptors
    )
    assert matcher.score(features, features) > 100
    assert matcher.score(features, mirrored) < 1


@pytest.mark.parametrize("shape", [(64, 64, 3), (1, 1, 3), (3, 200, 3), (600, 2, 3)])
def test_a_plain_picture_scores_zero(matcher, shape):
    plain = matcher.describe(np.full(shape, 200, np.uint8))
    assert plain.points.shape == (0, 2)
    assert plain.descriptors.shape == (0, 128)
    busy = matcher.describe(_picture(0))
    assert matcher.score(plain, busy) == 0.0
    assert matcher.score(busy, plain) == 0.0
    assert matcher.score(plain, plain) == 0.0


def test_one_keypoint_is_too_few_to_compare(matcher):
    busy = matcher.describe(_picture(0))
    one = SiftFeatures(busy.points[:1], busy.descriptors[:1])
    assert matcher.score(busy, one) == 0.0


def test_an_empty_gallery_gives_no_scores(matcher):
    assert matcher.scores(matcher.describe(_picture(0)), SiftGallery([])).shape == (0,)


def test_results_repeat_to_the_bit_whatever_the_threads_and_the_random_state(matcher):
    gallery = SiftGallery([matcher.describe(_picture(seed)) for seed in range(8)])
    queries = [_warped(_picture(seed)) for seed in range(6)]
    tables = []
    for seed, threads in ((1, 1), (2, 4), (3, 2)):
        cv2.setRNGSeed(seed)
        tables.append(np.stack(list(matcher.score_all(queries, gallery, threads=threads))))
    np.testing.assert_array_equal(tables[0], tables[1])
    np.testing.assert_array_equal(tables[0], tables[2])
    assert (tables[0].argmax(axis=1) == np.arange(6)).all()


def test_queries_are_read_as_they_are_needed(matcher):
    gallery = SiftGallery([matcher.describe(_picture(0))])
    read = 0

    def queries() -> Iterator[np.ndarray]:
        nonlocal read
        for seed in range(50):
            read += 1
            yield _picture(seed, height=60, width=80)

    results = matcher.score_all(queries(), gallery, threads=2)
    next(results)
    assert read < 12
    assert len(list(results)) == 49


def test_an_error_in_a_query_reaches_the_caller(matcher):
    gallery = SiftGallery([matcher.describe(_picture(0))])
    with pytest.raises(SettingError, match="SIFT takes uint8"):
        list(matcher.score_all([_picture(0), np.zeros((4, 4), np.uint8)], gallery, threads=2))


def test_the_limits_on_size_and_keypoints_hold():
    picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    picture = cv2.resize(picture, (800, 600))
    everything = SiftMatcher(max_side=800, max_features=10_000).describe(picture)
    half_a_thousand = SiftMatcher(max_side=800).describe(picture)
    few = SiftMatcher(max_side=800, max_features=50).describe(picture)
    small = SiftMatcher(max_side=200).describe(picture)
    assert len(everything.points) > 500
    assert len(half_a_thousand.points) == 500
    assert len(few.points) == len(few.descriptors) == 50
    assert everything.points.max() > 400
    assert small.points.max() <= 200


@pytest.mark.parametrize("settings", [{"max_side": 31}, {"max_features": 3}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SettingError, match=next(iter(settings))):
        SiftMatcher(**settings)


@pytest.mark.parametrize("threads", [0, -2])
def test_threads_below_one_are_refused(matcher, threads):
    with pytest.raises(SettingError, match="threads"):
        list(matcher.score_all([], SiftGallery([]), threads=threads))


def test_distances_are_exact(matcher):
    ours, theirs = (matcher.describe(_picture(seed)) for seed in (1, 2))
    found = next(SiftGallery([theirs]).distances(ours))
    a, b = theirs.descriptors.astype(np.int64), ours.descriptors.astype(np.int64)
    expected = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(found, expected)


def test_it_knows_a_real_package_from_another_angle(matcher, shared_data):
    photo = sorted((shared_data / "apparel" / "seller").glob("*main*"))[3]
    picture = np.asarray(Image.open(photo).convert("RGB"))
    others = sorted((shared_data / "grocery" / "seller").glob("*.jpg"))[:10]
    gallery = SiftGallery(
        [matcher.describe(np.asarray(Image.open(path).convert("RGB"))) for path in [photo, *others]]
    )
    assert matcher.scores(matcher.describe(_warped(picture)), gallery).argmax() == 0
