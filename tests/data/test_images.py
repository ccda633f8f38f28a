from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from data.malformed import jpeg_of_size, malformed_images, png_of_size, valid_images
from findalike.data.images import MOST_PIXELS, ImageLimits, decode, open_image
from findalike.errors import ImageError, SettingError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def patches() -> Image.Image:
    """48 x 32 pixels that tell every orientation apart: four quarters, a black corner."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :24], pixels[:16, 24:] = RED, GREEN
    pixels[16:, :24], pixels[16:, 24:] = BLUE, (250, 220, 40)
    pixels[:8, :8] = 0
    return Image.fromarray(pixels)


def one_colour(colour, mode="RGB", size=(16, 16)) -> Image.Image:
    return Image.new(mode, size, colour)


def middle(data: bytes) -> tuple[int, ...]:
    pixels = decode(data, name="colour")
    return tuple(int(value) for value in pixels[pixels.shape[0] // 2, pixels.shape[1] // 2])


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def swapped_profile() -> bytes:
    """A profile whose red is green and whose green is red."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"xxxx", 1).replace(b"gXYZ", b"rXYZ", 1)
    return swapped.replace(b"xxxx", b"gXYZ", 1)


class TestFormats:
    @pytest.mark.parametrize(
        ("kind", "options", "most"),
        [
            ("JPEG", {"quality": 95, "subsampling": 0}, 4.0),
            ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 4.0),
            ("PNG", {}, 0.0),
            ("PNG", {"optimize": True}, 0.0),
            ("WEBP", {"lossless": True}, 0.0),
            ("WEBP", {"quality": 95}, 10.0),
            ("BMP", {}, 0.0),
            ("TIFF", {}, 0.0),
            ("TIFF", {"compression": "tiff_lzw"}, 0.0),
            ("TIFF", {"compression": "tiff_adobe_deflate"}, 0.0),
            ("TIFF", {"compression": "packbits"}, 0.0),
            ("TIFF", {"big_tiff": False, "tiffinfo": {278: 5}}, 0.0),
            ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, 6.0),
            ("GIF", {}, 0.0),
        ],
    )
    def test_pixels_are_those_that_were_saved(self, kind, options, most):
        pixels = decode(saved(patches(), kind, **options), name="patches")
        difference = np.abs(pixels.astype(int) - np.asarray(patches()))
        assert pixels.dtype == np.uint8
        assert pixels.flags.writeable
        assert difference.mean() <= most

    @pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF", "AVIF"])
    def test_the_first_frame_is_taken(self, kind):
        frames = {"save_all": True, "append_images": [one_colour(BLUE)]}
        options = {"lossless": True} if kind == "WEBP" else {}
        assert middle(saved(one_colour(RED), kind, **frames, **options)) == pytest.approx(
            RED, abs=3
        )

    def test_the_first_picture_of_a_multi_picture_jpeg_is_taken(self):
        data = saved(one_colour(RED), "MPO", save_all=True, append_images=[one_colour(BLUE)])
        assert b"MPF\0" in data
        assert middle(data) == pytest.approx(RED, abs=3)

    def test_what_follows_a_jpeg_is_no_part_of_it(self):
        film = bytes(range(256)) * 100 + b"\xff\xda" * 500
        assert middle(saved(one_colour(RED), "JPEG") + film) == pytest.approx(RED, abs=3)

    def test_the_content_decides_and_not_the_name(self):
        assert decode(saved(patches(), "PNG"), name="photo.jpg").shape == (32, 48, 3)

    def test_a_gif_frame_may_reach_beyond_its_screen(self):
        data = saved(one_colour(RED, size=(20, 10)), "GIF")
        small_screen = data[:6] + struct.pack("<HH", 4, 4) + data[10:]
        assert decode(small_screen, name="frame").shape == (10, 20, 3)

    def test_a_run_length_coded_bmp_is_read_while_it_is_small(self):
        rows = b"".join(b"\x10\x01\x00\x00" for _ in range(16)) + b"\0\1"
        palette = bytes(4) + bytes((0, 0, 255, 0)) + bytes(4 * 254)
        assert middle(_bmp(16, 16, palette + rows)) == RED
        with pytest.raises(ImageError, match="run-length coded, which is allowed up to 4,000,000"):
            decode(_bmp(4000, 4000, palette + rows), name="large.bmp")


def _bmp(width: int, height: int, content: bytes) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + header + content


class TestOrientation:
    @pytest.mark.parametrize("value", range(1, 9))
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    def test_the_picture_comes_out_upright(self, kind, value):
        with Image.open(io.BytesIO(saved(patches(), "PNG", exif=turned(value)))) as image:
            expected = np.asarray(ImageOps.exif_transpose(image)).astype(int)
        pixels = decode(saved(patches(), kind, exif=turned(value), quality=95), name="turned")
        assert pixels.shape == expected.shape
        assert np.abs(pixels - expected).mean() < 8

    @pytest.mark.parametrize("endian", ["<", ">"])
    @pytest.mark.parametrize("value", [0, 9, 65535])
    def test_nonsense_is_ignored(self, endian, value):
        order = b"II" if endian == "<" else b"MM"
        head = struct.pack(endian + "HIHHHIHH", 42, 8, 1, ORIENTATION, 3, 1, value, 0)
        data = saved(patches(), "JPEG", exif=b"Exif\0\0" + order + head)
        assert decode(data, name="odd").shape == (32, 48, 3)

    def test_damaged_exif_is_ignored_without_a_warning(self):
        exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0" + struct.pack("<HHII", 0x010E, 2, 9000, 9000)
        data = saved(patches(), "JPEG", exif=exif)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            Image.open(io.BytesIO(data)).getexif()
        assert caught, "the decoder itself no longer warns: keep this file damaged"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert decode(data, name="odd").shape == (32, 48, 3)


class TestColours:
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
    def test_transparency_is_laid_on_white(self, kind):
        data = saved(one_colour((255, 0, 0, 51), "RGBA"), kind, lossless=True)
        assert middle(data) == pytest.approx((255, 204, 204), abs=1)

    def test_hidden_colours_of_transparent_pixels_do_not_show(self):
        assert middle(saved(one_colour((10, 20, 30, 0), "RGBA"), "PNG")) == WHITE

    def test_grey_with_transparency(self):
        assert middle(saved(one_colour((0, 51), "LA"), "PNG")) == (204, 204, 204)

    def test_premultiplied_transparency(self):
        # Associated alpha: the stored colour was already multiplied by the opacity.
        entries = [(258, 3, 4, 110), (338, 3, 1, 1), (277, 3, 1, 4), (262, 3, 1, 2)]
        data = _tiff(entries, bytes((51, 0, 0, 51)), extra=struct.pack("<HHHH", 8, 8, 8, 8))
        assert middle(data) == pytest.approx((255, 204, 204), abs=2)

    @pytest.mark.parametrize("mode", ["P", "L", "RGB", "1"])
    def test_a_transparent_colour_becomes_white(self, mode):
        image = one_colour({"P": 3, "L": 100, "RGB": (100, 150, 200), "1": 0}[mode], mode)
        if mode == "P":
            image.putpalette([value for step in range(8) for value in (step, 20, 30)])
        colour = {"P": 3, "L": 100, "RGB": (100, 150, 200), "1": 0}[mode]
        assert middle(saved(image, "PNG", transparency=colour)) == WHITE
        assert middle(saved(image, "PNG")) != WHITE

    def test_a_transparent_colour_of_a_16_bit_png(self):
        data = saved(Image.fromarray(np.full((8, 8), 4660, np.uint16)), "PNG")
        hole = b"\0\0\0\2tRNS\x12\x34"
        marked = data[:33] + hole + struct.pack(">I", _crc(hole[4:])) + data[33:]
        assert middle(data) == (18, 18, 18)
        assert middle(marked) == WHITE

    def test_a_palette_of_opacities(self):
        image = one_colour(1, "P")
        image.putpalette([0, 0, 0, 255, 0, 0])
        assert middle(saved(image, "PNG", transparency=bytes((255, 51)))) == (255, 204, 204)

    def test_a_transparent_gif(self):
        image = one_colour(1, "P")
        image.putpalette([0, 0, 0, 255, 0, 0])
        assert middle(saved(image, "GIF", transparency=1)) == WHITE

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_16_bit_grey_keeps_its_whole_range(self, kind):
        ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
        pixels = decode(saved(Image.fromarray(ramp), kind), name="deep")
        assert np.array_equal(pixels[..., 0].ravel(), np.arange(256))
        assert np.array_equal(pixels[..., 0], pixels[..., 2])

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0.0, 0.5, 1.0, 0.2], [0, 128, 255, 51]),
            ([0.0, 128.0, 255.0, 51.0], [0, 128, 255, 51]),
            ([0.0, 65535.0, -5.0, 32768.0], [0, 255, 0, 128]),
            ([0.0, 200_000.0, 100_000.0, 0.0], [0, 255, 128, 0]),
            ([np.nan, np.inf, -np.inf, 0.2], [0, 0, 0, 51]),
            ([-3e38, 3e38, 0.0, 1.5e38], [0, 255, 0, 128]),
        ],
    )
    def test_float_grey_takes_the_white_that_holds_it(self, values, expected):
        image = Image.fromarray(np.array(values, np.float32).reshape(2, 2))
        assert decode(saved(image, "TIFF"), name="floats")[..., 1].ravel().tolist() == expected

    @pytest.mark.parametrize(
        ("values", "expected"),
        [([0, 255, 51, 1], [0, 255, 51, 1]), ([0, 65535, 257, 0], [0, 255, 1, 0])],
    )
    def test_32_bit_grey_takes_the_white_that_holds_it(self, values, expected):
        image = Image.fromarray(np.array(values, np.int32).reshape(2, 2))
        assert decode(saved(image, "TIFF"), name="wholes")[..., 1].ravel().tolist() == expected

    def test_12_bit_grey(self):
        data = _tiff([(258, 3, 1, 12), (277, 3, 1, 1), (262, 3, 1, 1)], b"\x80\x0f\xff", width=2)
        assert decode(data, name="medical")[0, :, 0].tolist() == [128, 255]

    def test_one_bit_and_white_is_zero(self):
        assert middle(saved(one_colour(1, "1"), "PNG")) == WHITE
        assert (
            middle(_tiff([(258, 3, 1, 8), (277, 3, 1, 1), (262, 3, 1, 0)], b"\x10")) == (239,) * 3
        )

    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_cmyk(self, kind):
        # Adobe's JPEGs hold the inks inverted, TIFFs do not.
        assert middle(saved(one_colour((0, 255, 255, 0), "CMYK"), kind)) == pytest.approx(
            RED, abs=3
        )
        assert middle(saved(one_colour((0, 0, 0, 0), "CMYK"), kind)) == pytest.approx(WHITE, abs=3)

    def test_ycck(self):
        # The inks cyan, magenta and yellow are turned into Y, Cb and Cr as if they were colours.
        coded = one_colour((55, 175, 215)).convert("YCbCr").getpixel((0, 0))
        inks = tuple(255 - value for value in (*coded, 255))
        data = saved(one_colour(inks, "CMYK"), "JPEG", quality=100)
        adobe = data.index(b"Adobe")
        assert middle(data[: adobe + 11] + b"\2" + data[adobe + 12 :]) == pytest.approx(
            (200, 80, 40), abs=4
        )

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    def test_an_embedded_profile_is_followed(self, kind):
        data = saved(one_colour(RED), kind, icc_profile=swapped_profile(), quality=100)
        red, green, blue = middle(data)
        assert green > 240 > 60 > max(red, blue)

    def test_an_srgb_profile_changes_nothing(self):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        with_profile = saved(patches(), "PNG", icc_profile=profile)
        assert np.array_equal(decode(with_profile, name="a"), np.asarray(patches()))

    @pytest.mark.parametrize("profile", [b"junk", swapped_profile()[:200], bytes(5000)])
    def test_a_damaged_profile_is_ignored(self, profile):
        assert middle(saved(one_colour(RED), "PNG", icc_profile=profile)) == RED

    def test_a_profile_of_another_kind_of_colours_is_ignored(self):
        data = saved(one_colour(77, "L"), "PNG", icc_profile=swapped_profile())
        assert middle(data) == (77, 77, 77)

    def test_a_profile_that_unpacks_to_too_much_is_ignored(self):
        data = saved(one_colour(RED), "PNG", icc_profile=swapped_profile() + bytes(5_000_000))
        assert middle(data) == RED


def _crc(data: bytes) -> int:
    import zlib

    return zlib.crc32(data)


def _tiff(entries, pixels: bytes, *, width: int = 1, extra: bytes = b"") -> bytes:
    """An uncompressed TIFF of one row, whose directory ends before byte 110, where extra is."""
    where = 110 + len(extra)
    sizes = [(256, 3, 1, width), (257, 3, 1, 1), (273, 4, 1, where), (279, 4, 1, len(pixels))]
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted([*entries, *sizes]))
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries) + len(sizes)) + packed + bytes(4)
    return head.ljust(110, b"\0") + extra + pixels


class TestLimits:
    def test_bytes(self):
        data = saved(patches(), "PNG")
        with pytest.raises(ImageError, match=r"^big\.png: [\d,]+ bytes, and 100 are allowed: .+"):
            decode(data, name="big.png", limits=ImageLimits(max_bytes=100))
        assert decode(data, name="exact", limits=ImageLimits(max_bytes=len(data))).size

    def test_pixels(self):
        with pytest.raises(ImageError, match="48 x 32 pixels, and 1,535 are allowed in all"):
            decode(saved(patches(), "PNG"), name="p", limits=ImageLimits(max_pixels=48 * 32 - 1))
        assert decode(
            saved(patches(), "PNG"), name="p", limits=ImageLimits(max_pixels=48 * 32)
        ).size

    def test_sides(self):
        with pytest.raises(ImageError, match="48 x 32 pixels, and a side may have 47"):
            decode(saved(patches(), "JPEG"), name="p", limits=ImageLimits(max_side=47))

    @pytest.mark.parametrize(
        "data",
        [
            png_of_size(saved(patches(), "PNG"), 19_999, 19_999),
            jpeg_of_size(saved(patches(), "JPEG"), 19_999, 19_999),
            jpeg_of_size(saved(patches(), "JPEG", progressive=True), 65_535, 65_535),
        ],
    )
    def test_bombs_are_refused_by_their_header(self, data):
        with pytest.raises(ImageError, match=r"bomb: .* save it smaller"):
            decode(data, name="bomb")

    def test_a_size_without_area_is_refused(self):
        with pytest.raises(ImageError, match="flat: 5 x 0 pixels: each side must be 1 or more"):
            decode(png_of_size(saved(patches(), "PNG"), 5, 0), name="flat")

    def test_limits_beyond_what_the_decoder_warns_of_are_not_offered(self):
        with pytest.raises(SettingError, match="max_pixels is 89,000,001: it must be at most"):
            ImageLimits(max_pixels=MOST_PIXELS + 1)
        large = ImageLimits(max_pixels=MOST_PIXELS)
        for data in (
            png_of_size(saved(patches(), "PNG"), 10_000, 8_900),
            jpeg_of_size(saved(patches(), "JPEG"), 10_000, 8_900),
        ):
            assert open_image(data, name="large", limits=large).size == (10_000, 8_900)

    @pytest.mark.parametrize("name", ["max_bytes", "max_pixels", "max_side"])
    def test_limits_below_one_are_refused(self, name):
        with pytest.raises(SettingError, match=f"{name} is 0: it must be 1 or more"):
            ImageLimits(**{name: 0})


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", r"the file is empty \(0 bytes\)"),
            (b"<!DOCTYPE html><html>", "this is a web page, perhaps an error page"),
            (b'\xef\xbb\xbf <svg xmlns="x">', "this is an SVG drawing"),
            (b"%PDF-1.7", "this is a PDF document"),
            (b"%!PS-Adobe-3.0 EPSF", "this is a PostScript file"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "this is a HEIC picture"),
            (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "this is a video"),
            (b"version https://git-lfs.github.com/spec/v1", "this is a Git LFS pointer"),
            (b"not found", "this is a text"),
            (bytes(50), "no image, it begins with 00 00 00 00 00 00 00 00"),
        ],
    )
    def test_what_is_no_image_is_called_by_its_kind(self, data, words):
        with pytest.raises(ImageError, match=rf"^shoes/4\.jpg: {words}.*allowed are JPEG, PNG"):
            decode(data, name="shoes/4.jpg")

    @pytest.mark.parametrize("name", sorted(valid_images(0)))
    def test_a_file_cut_anywhere_is_refused_or_whole(self, name):
        data = valid_images(0)[name]
        whole = decode(data, name=name)
        for length in range(len(data) - 1, 0, -1 if len(data) < 2000 else -7):
            try:
                pixels = decode(data[:length], name=name)
            except ImageError as error:
                assert str(error).startswith(name)  # noqa: PT017
            else:
                assert np.array_equal(pixels, whole), f"{length} of {len(data)} bytes"

    def test_the_message_says_what_to_do(self):
        with pytest.raises(ImageError) as caught:
            decode(saved(patches(), "JPEG")[:-40], name="half.jpg")
        assert str(caught.value).startswith("half.jpg: a damaged or cut off JPEG image (")
        assert "send it again" in str(caught.value)
        assert caught.value.__cause__ is not None

    def test_a_progressive_jpeg_of_endless_scans_is_refused(self):
        data = saved(patches(), "JPEG", progressive=True)
        scan = data.rindex(b"\xff\xda")
        with pytest.raises(ImageError, match=r"it has \d+ scans, and 64 are allowed"):
            decode(data[:scan] + data[scan:-2] * 100 + data[-2:], name="scans.jpg")


FUZZ = r"""
import pathlib, re, sys, time, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("error")
from data.malformed import malformed_images
from findalike.data.images import decode
from findalike.data.prepare import prepare
from findalike.errors import ImageError
from findalike.types import InputSpec

def peak():
    # Not getrusage, which counts what the parent held.
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return 0
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) // 1024

files = list(malformed_images(seed=0, n=2000))
before, slowest, good, refused = peak(), 0.0, 0, 0
for name, data in files:
    started = time.process_time()
    try:
        pixels = decode(data, name=name)
        assert pixels.ndim == 3 and pixels.dtype == "uint8" and pixels.shape[2] == 3
        prepared = prepare(data, InputSpec(64, "pad"), name=name)
        assert prepared.pixels.shape == (64, 64, 3)
        assert pixels.shape[:2] == (prepared.height, prepared.width)
        good += 1
    except ImageError as error:
        assert str(error).startswith(name + ": "), error
        refused += 1
    slowest = max(slowest, time.process_time() - started)
print(good, refused, slowest, peak() - before)
"""


class TestHostileHeaders:
    @pytest.mark.parametrize(
        "data",
        [
            b"\xff\xd8" + b"\xff" * 16_000_000,
            b"\xff\xd8" + b"\xff\0" * 8_000_000,
            b"\xff\xd8" + b"\xff\xe1\0\2" * 4_000_000,
            b"GIF89a" + bytes(7) + (b"!\xfe" + b"\1x" * 9_000 + b"\0") * 900,
            b"GIF89a" + bytes(7) + b"!\xfe" + b"\1x" * 8_000_000,
            b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0teXt\0\0\0\0" * 1_300_000,
            b"RIFF\xff\xff\xff\0WEBP" + b"ANMF\0\0\0\0" * 2_000_000,
            b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 273, 4, 100_000, 8) * 65_535,
            b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 34_675, 1, 700_000, 8) * 65_535,
            b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + b"\0\0\0\x08free" * 2_000_000,
        ],
        ids=lambda data: data[:40].hex()[:24] + str(len(data)),
    )
    def test_they_are_read_in_bounded_time(self, data):
        started = time.process_time()
        with pytest.raises(ImageError, match="hostile: "):
            decode(data, name="hostile")
        assert time.process_time() - started < 2.0


class TestMalformed:
    def test_two_thousand_files_are_decoded_or_refused(self):
        """In a process of its own, so that a crash would be seen and memory can be measured."""
        folder = Path(__file__).parents[1]
        done = subprocess.run(
            [sys.executable, "-c", FUZZ, str(folder)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        good, refused, slowest, memory = (float(word) for word in done.stdout.split())
        assert good + refused == 2000
        assert min(good, refused) > 500
        assert slowest < 1.0
        assert memory < 100

    def test_the_generator_is_deterministic(self):
        first, second = list(malformed_images(7, 400)), list(malformed_images(7, 400))
        assert first == second
        assert len({name for name, _ in first}) == 400
        assert first != list(malformed_images(8, 400))


def test_many_threads_decode_as_one_does():
    files = [*valid_images(0).items(), *malformed_images(3, 150)] * 2

    def outcome(item):
        try:
            return decode(item[1], name=item[0]).tobytes()
        except ImageError as error:
            return str(error)

    alone = [outcome(item) for item in files]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, files)) == alone


def test_decoding_leaves_the_state_of_the_process_alone():
    before = (list(warnings.filters), Image.MAX_IMAGE_PIXELS, Image.registered_extensions())
    for name, data in malformed_images(5, 200):
        try:
            decode(data, name=name)
        except ImageError:
            continue
    assert (list(warnings.filters), Image.MAX_IMAGE_PIXELS, Image.registered_extensions()) == before
