from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data.malformed import valid_images
from findalike.data.images import ImageLimits, decode
from findalike.data.prepare import prepare
from findalike.errors import BoxError, ImageError
from findalike.types import Box, InputSpec

ORIENTATION = 0x0112
# The package offers the function under the module's name.
module = sys.modules["findalike.data.prepare"]
BICUBIC = Image.Resampling.BICUBIC


def photo(width: int = 120, height: int = 80, *, seed: int = 0) -> Image.Image:
    """Soft shapes and an edge, different everywhere."""
    cells = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    image = Image.fromarray(cells).resize((width, height), BICUBIC)
    image.paste((250, 30, 60), (width // 3, height // 4, width // 2, height // 2))
    return image


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def slow_prepare(data: bytes, region: tuple[float, float, float, float], size) -> np.ndarray:
    """Decode it all, make it upright, cut and scale: what `prepare` has to come near."""
    whole = Image.fromarray(decode(data, name="slow"))
    return np.asarray(whole.resize(size, BICUBIC, region)).astype(int)


def difference(prepared, expected) -> float:
    return float(np.abs(prepared.pixels.astype(int) - expected).mean())


class TestScaling:
    def test_a_whole_photo_is_stretched_by_the_bicubic_filter(self):
        prepared = prepare(saved(photo()), InputSpec(64), name="photo")
        assert np.array_equal(prepared.pixels, np.asarray(photo().resize((64, 64), BICUBIC)))
        assert prepared.pixels.dtype == np.uint8
        assert prepared.pixels.flags.writeable
        assert (prepared.width, prepared.height) == (120, 80)
        assert prepared.box == Box(0, 0, 120, 80)
        assert prepared.warnings == ()

    @pytest.mark.parametrize(
        ("width", "height", "inner"), [(120, 80, (64, 43)), (50, 200, (16, 64)), (9, 2000, (1, 64))]
    )
    @pytest.mark.parametrize("fill", [255, 0, 114])
    def test_padding_keeps_the_shape_and_fills_the_rest(self, width, height, inner, fill):
        image = photo(width, height)
        pixels = prepare(saved(image), InputSpec(64, "pad", fill=fill), name="p").pixels
        left, top = (64 - inner[0]) // 2, (64 - inner[1]) // 2
        expected = np.full((64, 64, 3), fill)
        expected[top : top + inner[1], left : left + inner[0]] = image.resize(inner, BICUBIC)
        assert np.abs(pixels - expected).mean() < 0.3

    @pytest.mark.parametrize(("width", "height"), [(120, 80), (80, 120), (70, 70)])
    def test_cropping_takes_the_middle(self, width, height):
        prepared = prepare(saved(photo(width, height)), InputSpec(48, "crop"), name="p")
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        expected = photo(width, height).resize(
            (48, 48), BICUBIC, (left, top, left + side, top + side)
        )
        assert np.array_equal(prepared.pixels, np.asarray(expected))
        assert prepared.box == Box(0, 0, width, height)

    def test_a_small_photo_is_enlarged(self):
        assert prepare(saved(photo(40, 33)), InputSpec(64), name="p").pixels.shape == (64, 64, 3)

    @pytest.mark.parametrize("name", sorted(valid_images(0)))
    @pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
    def test_every_format_and_kind_of_colours(self, name, resize):
        data = valid_images(0)[name]
        whole = saved(Image.fromarray(decode(data, name=name)))
        spec = InputSpec(32, resize)
        expected = prepare(whole, spec, name="whole").pixels.astype(int)
        # Colours are converted after the scaling here, and before it in the other case.
        assert difference(prepare(data, spec, name=name), expected) < 1.0


class TestBox:
    def test_the_box_is_cut_out(self):
        prepared = prepare(saved(photo()), InputSpec(32), name="p", box=Box(30, 20, 40, 50))
        expected = slow_prepare(saved(photo()), (30, 20, 70, 70), (32, 32))
        assert difference(prepared, expected) == 0
        assert prepared.box == Box(30, 20, 40, 50)

    def test_fractions_of_pixels_count(self):
        one, other = (
            prepare(saved(photo()), InputSpec(32), name="p", box=Box(x, 20, 40, 50)).pixels
            for x in (30.0, 30.5)
        )
        assert not np.array_equal(one, other)

    def test_the_context_is_a_share_of_the_longer_side(self):
        spec = InputSpec(32, context=0.2)
        prepared = prepare(saved(photo()), spec, name="p", box=Box(30, 20, 40, 50))
        assert difference(prepared, slow_prepare(saved(photo()), (20, 10, 80, 80), (32, 32))) == 0
        assert prepared.box == Box(30, 20, 40, 50)
        assert prepared.warnings == ()

    def test_the_context_ends_at_the_edge_of_the_image(self):
        spec = InputSpec(32, context=0.5)
        prepared = prepare(saved(photo()), spec, name="p", box=Box(5, 3, 40, 50))
        assert difference(prepared, slow_prepare(saved(photo()), (0, 0, 70, 78), (32, 32))) == 0

    def test_a_whole_photo_has_no_context(self):
        with_context = prepare(saved(photo()), InputSpec(32, context=0.3), name="p")
        assert np.array_equal(
            with_context.pixels, prepare(saved(photo()), InputSpec(32), name="p").pixels
        )

    def test_a_box_that_reaches_out_is_clipped_with_a_warning(self):
        prepared = prepare(saved(photo()), InputSpec(32), name="p", box=Box(-10, 40, 100, 400))
        assert prepared.box == Box(0, 40, 90, 40)
        assert prepared.warnings == (
            "the box -10,40,100,400 reaches outside the image, which is 120 x 80 pixels: "
            "it was cut to 0,40,90,40",
        )
        assert difference(prepared, slow_prepare(saved(photo()), (0, 40, 90, 80), (32, 32))) == 0

    @pytest.mark.parametrize("box", [Box(120, 0, 5, 5), Box(-9, -9, 9, 9), Box(0, 80.0, 9, 9)])
    def test_a_box_beside_the_image_is_an_error(self, box):
        with pytest.raises(BoxError, match="lies outside the image, which is 120 x 80 pixels"):
            prepare(saved(photo()), InputSpec(32), name="p", box=box)

    def test_small_crops_are_warned_of(self):
        small = prepare(saved(photo()), InputSpec(32), name="p", box=Box(0, 0, 100, 31.5))
        assert small.warnings == (
            "the box is only 100 x 31.5 pixels: "
            "under 32 pixels a side there is little to recognise",
        )
        enough = prepare(saved(photo()), InputSpec(32), name="p", box=Box(0, 0, 32, 32))
        assert enough.warnings == ()
        image = prepare(saved(photo(20, 40)), InputSpec(32), name="p")
        assert image.warnings[0].startswith("the image is only 20 x 40 pixels")

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
    def test_the_box_is_of_the_upright_image(self, orientation, resize):
        data = saved(photo(), exif=turned(orientation))
        upright = Image.fromarray(decode(data, name="upright"))
        box, spec = Box(11.5, 20, 44, 31), InputSpec(40, resize, context=0.1)
        prepared = prepare(data, spec, name="p", box=box)
        expected = prepare(saved(upright), spec, name="e", box=box)
        assert (prepared.width, prepared.height) == upright.size
        assert prepared.box == expected.box
        # Rows before columns or columns before rows: the rounding between them differs.
        assert difference(prepared, expected.pixels) < 0.5


class TestDraft:
    """A JPEG decoded at a fraction of its size has to give nearly the same picture."""

    @pytest.mark.parametrize("orientation", [1, 6, 7])
    @pytest.mark.parametrize("side", [(1203, 897), (1024, 1024), (1500, 799)])
    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    def test_boxes_stay_in_place(self, side, orientation, mode, monkeypatch):
        image = photo(*side).convert(mode)
        data = saved(image, "JPEG", quality=95, exif=turned(orientation))
        box, spec = Box(101.25, 77.5, 611, 633), InputSpec(64, context=0.05)
        drafted = prepare(data, spec, name="p", box=box)
        monkeypatch.setattr(module, "DRAFT_GAP", 1e9)
        assert difference(drafted, prepare(data, spec, name="p", box=box).pixels) < 0.5

    def test_it_is_used_only_while_the_crop_stays_larger_than_the_result(self, monkeypatch):
        sizes = []
        seen = module.flattened
        monkeypatch.setattr(
            module, "flattened", lambda image: sizes.append(image.size) or seen(image)
        )
        data = saved(photo(1280, 960), "JPEG")
        for size in (40, 137, 138, 274, 275):
            prepare(data, InputSpec(size), name="p")
        assert [width for width, _ in sizes] == [320, 320, 640, 640, 1280]
        sizes.clear()
        prepare(data, InputSpec(60), name="p", box=Box(0, 0, 200, 960))
        assert sizes == [(1280, 960)]
        assert prepare(data, InputSpec(60), name="p").width == 1280

    @pytest.mark.parametrize(
        ("folder", "size"),
        [
            *(("clothing/user", size) for size in (32, 63)),
            *(("grocery/user/train", size) for size in (34, 48, 98)),
            *(("apparel/seller", size) for size in (38, 68, 108)),
        ],
    )
    def test_real_photos_stay_the_same(self, shared_data: Path, folder, size, monkeypatch):
        files = sorted((shared_data / folder).glob("*.jpg"))
        photos = [path.read_bytes() for path in files[:: max(1, len(files) // 40)]]
        spec = InputSpec(size)
        drafted = [prepare(data, spec, name="photo").pixels for data in photos]
        monkeypatch.setattr(module, "DRAFT_GAP", 1e9)
        monkeypatch.setattr(module, "REDUCING_GAP", None)
        full = [prepare(data, spec, name="photo") for data in photos]
        assert len(full) >= 40
        apart = [difference(one, other) for one, other in zip(full, drafted, strict=True)]
        assert 0 < max(apart) <= 2.0
        assert np.mean(apart) <= 1.0

    def test_other_formats_reduced_first_stay_within_1_255(self, shared_data: Path, monkeypatch):
        files = sorted((shared_data / "grocery/user/train").glob("*.jpg"))[::120]
        photos = [saved(Image.fromarray(decode(f.read_bytes(), name=f.name))) for f in files]
        reduced = [prepare(data, InputSpec(40), name="photo").pixels for data in photos]
        monkeypatch.setattr(module, "REDUCING_GAP", None)
        full = [prepare(data, InputSpec(40), name="photo") for data in photos]
        worst = max(difference(one, other) for one, other in zip(full, reduced, strict=True))
        assert 0 < worst <= 1.0


class TestErrors:
    def test_what_is_no_image_is_named(self):
        with pytest.raises(ImageError, match=r"^shoe\.jpg: this is a text"):
            prepare(b"not found", InputSpec(32), name="shoe.jpg")

    def test_a_cut_off_image_is_named(self):
        with pytest.raises(ImageError, match=r"^shoe\.jpg: a damaged or cut off JPEG image"):
            prepare(saved(photo(), "JPEG")[:-300], InputSpec(32), name="shoe.jpg")

    def test_limits_apply(self):
        with pytest.raises(ImageError, match="120 x 80 pixels, and 100 are allowed"):
            prepare(saved(photo()), InputSpec(32), name="p", limits=ImageLimits(max_pixels=100))


PHOTOS = {
    (kind, orientation): saved(photo(61, 47), kind, exif=turned(orientation))
    for kind in ("PNG", "JPEG")
    for orientation in (1, 3, 5, 6)
}
numbers = st.floats(-1e9, 1e9) | st.floats(-100, 100) | st.integers(-70, 70).map(float)


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from(sorted(PHOTOS)),
    x=numbers,
    y=numbers,
    w=numbers.map(abs).filter(bool),
    h=numbers.map(abs).filter(bool),
    spec=st.builds(
        InputSpec,
        size=st.integers(1, 40),
        resize=st.sampled_from(["stretch", "pad", "crop"]),
        context=st.floats(0, 3),
        fill=st.integers(0, 255),
    ),
)
def test_any_box_gives_a_square_or_lies_outside(kind, x, y, w, h, spec):
    width, height = (61, 47) if kind[1] < 5 else (47, 61)
    box = Box(x, y, w, h)
    try:
        prepared = prepare(PHOTOS[kind], spec, name="photo", box=box)
    except BoxError:
        shared = min(x + w, width) - max(x, 0.0), min(y + h, height) - max(y, 0.0)
        assert min(shared) < 1e-5
        return
    assert prepared.pixels.shape == (spec.size, spec.size, 3)
    assert (prepared.width, prepared.height) == (width, height)
    used = prepared.box
    assert used.x >= 0
    assert used.y >= 0
    assert used.x + used.w <= width + 1e-6
    assert used.y + used.h <= height + 1e-6
    assert (used == box) == (not any("reaches outside" in text for text in prepared.warnings))
