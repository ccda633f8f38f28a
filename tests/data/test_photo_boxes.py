from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from findalike.data.images import ImageLimits
from findalike.data.photo_boxes import photo_boxes
from findalike.errors import ImageError
from findalike.types import Box


def photo(width: int, height: int, box: tuple[int, int, int, int], **options: object) -> bytes:
    picture = np.full((height, width, 3), 215, np.uint8)
    x, y, w, h = box
    picture[y : y + h, x : x + w] = (160, 30, 30)
    picture[y + h // 3 : y + h // 2, x : x + w] = (20, 20, 90)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


@pytest.mark.parametrize(("width", "height"), [(200, 150), (1600, 1200), (900, 1600)])
def test_boxes_are_in_pixels_of_the_photo(width: int, height: int):
    box = (width // 4, height // 3, width // 2, height // 2)
    found = photo_boxes(photo(width, height, box), name="photo")
    assert (found.width, found.height) == (width, height)
    best = found.boxes[0].box
    assert (best.x, best.y, best.w, best.h) == pytest.approx(box, abs=0.1 * max(width, height))
    assert found.box == best


def test_the_photo_is_turned_upright_first():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    found = photo_boxes(photo(800, 400, (40, 40, 240, 300), exif=exif), name="photo")
    assert (found.width, found.height) == (400, 800)
    best = found.boxes[0].box
    # The left of the stored picture is the top of the upright one, its top the right.
    assert (best.x, best.y) == pytest.approx((400 - 40 - 300, 40), abs=60)


def test_the_whole_photo_is_no_box():
    file = io.BytesIO()
    Image.new("RGB", (333, 77), (90, 90, 90)).save(file, "PNG")
    found = photo_boxes(file.getvalue(), name="photo", most=1)
    assert found.boxes[0].box == Box(0, 0, 333, 77)
    assert found.box is None


def test_limits_hold():
    with pytest.raises(ImageError, match="a side may have 100"):
        photo_boxes(photo(200, 150, (9, 9, 50, 50)), name="x", limits=ImageLimits(max_side=100))
