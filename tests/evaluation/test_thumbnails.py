from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from findalike.evaluation.thumbnails import jpeg_data_uri, thumbnail
from findalike.types import Box

GREY = np.full((300, 600, 3), 128, dtype=np.uint8)


def decoded(uri: str) -> np.ndarray:
    head, data = uri.split(",")
    assert head == "data:image/jpeg;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_fits_the_square_and_keeps_the_ratio() -> None:
    assert thumbnail(GREY, side=160).shape == (80, 160, 3)
    assert thumbnail(GREY.transpose(1, 0, 2), side=160).shape == (160, 80, 3)
    assert thumbnail(GREY[:1, :], side=160).shape == (1, 160, 3)
    assert thumbnail(GREY[:20, :30], side=160).shape == (20, 30, 3)


def test_the_box_is_drawn_where_it_is() -> None:
    drawn = thumbnail(GREY, box=Box(300, 150, 300, 150), side=300)
    changed = np.argwhere((drawn != 128).any(axis=2))
    assert changed.min(axis=0).tolist() == [75, 150]
    assert changed.max(axis=0).tolist() == [149, 299]
    assert (drawn[90:140, 170:280] == 128).all()
    assert (thumbnail(GREY, side=300) == 128).all()


@pytest.mark.parametrize(
    "box",
    [
        Box(-50, -50, 5000, 5000),
        Box(-500, 10, 20, 20),
        Box(700, 10, 20, 20),
        Box(10, 10, 0.001, 0.001),
        Box(599.5, 299.5, 100, 100),
        Box(-1e9, -1e9, 2e9, 2e9),
    ],
)
def test_odd_boxes_do_no_harm(box: Box) -> None:
    assert thumbnail(GREY, box=box).shape == (80, 160, 3)
    assert thumbnail(GREY[:2, :2], box=box).shape == (2, 2, 3)


def test_noise_stays_within_its_bytes() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    assert len(jpeg_data_uri(noise, max_bytes=9_000)) < 9_000 * 4 / 3 + 40
    assert len(jpeg_data_uri(noise, max_bytes=20_000)) > 9_000 * 4 / 3


def test_product_photos_keep_their_quality() -> None:
    shade = np.linspace(0, 255, 160, dtype=np.uint8)
    smooth = np.stack([np.tile(shade, (160, 1))] * 3, axis=2)
    assert np.abs(decoded(jpeg_data_uri(smooth)).astype(int) - smooth).mean() < 1.5
