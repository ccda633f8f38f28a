from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from data.training.sets import noisy_photo
from findalike.data.prepare import prepare
from findalike.data.training.parts import (
    WHOLE,
    Part,
    cut_part,
    on_square,
    read_part,
    read_region,
)
from findalike.types import Box, InputSpec


def photo(width: int = 300, height: int = 200, *, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    picture = Image.fromarray(noisy_photo(1)).resize((width, height))
    picture.save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


SPECS = [
    InputSpec(96, "pad", 0.05, 255),
    InputSpec(96, "stretch", 0.05, 0),
    InputSpec(96, "crop", 0.0, 255),
]
BOXES = [None, Box(40, 30, 90, 140), Box(-20, 150, 200, 90)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.resize)
@pytest.mark.parametrize("box", BOXES, ids=str)
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_whole_is_what_prepare_makes(
    spec: InputSpec, box: Box | None, orientation: int
) -> None:
    data = photo(orientation=orientation)
    made = on_square(read_part(data, spec, name="a", box=box), spec)
    wanted = prepare(data, spec, name="a", box=box).pixels
    assert np.abs(made.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.resize)
@pytest.mark.parametrize("box", BOXES, ids=str)
def test_a_part_of_the_kept_region_is_nearly_that_of_the_photo(
    spec: InputSpec, box: Box | None
) -> None:
    data = photo(600, 500)
    part = Part(0.2, 0.1, 0.6, 0.8)
    region = read_region(data, spec, 144, name="a", box=box)
    assert max(region.shape[:2]) == (90 if box and spec.resize == "crop" else 144)
    kept = on_square(cut_part(region, spec, part), spec)
    direct = on_square(read_part(data, spec, name="a", box=box, part=part), spec)
    gap = np.abs(kept.astype(int) - direct)
    # Beside the edges, where rounding may move the picture by a pixel.
    assert np.median(gap) <= 2
    assert gap.mean() < 6


def test_a_part_is_the_box_it_names() -> None:
    data, spec = photo(), InputSpec(64, "pad")
    made = read_part(data, spec, name="a", box=None, part=Part(0.5, 0.25, 0.5, 0.5))
    wanted = prepare(data, spec, name="a", box=Box(150, 50, 150, 100)).pixels
    assert np.array_equal(on_square(made, spec), wanted)
    assert made.shape[:2] == (43, 64)


def test_a_small_photo_is_kept_as_it_is() -> None:
    region = read_region(photo(40, 30), InputSpec(96, "pad"), 144, name="a", box=None)
    assert region.shape[:2] == (30, 40)
    spec = InputSpec(40, "pad")
    assert cut_part(region, spec, WHOLE) is region


def test_thin_boxes_do_not_vanish() -> None:
    data, spec = photo(), InputSpec(48, "pad")
    made = read_part(data, spec, name="a", box=Box(10, 10, 0.3, 100))
    wanted = prepare(data, spec, name="a", box=Box(10, 10, 0.3, 100)).pixels
    assert np.array_equal(on_square(made, spec), wanted)
