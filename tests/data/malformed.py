"""Files that are not quite images: damaged, lying, hostile, or something else altogether.

``malformed_images(seed, n)`` gives the same files for the same arguments. Some of them are fine
after all (a flipped bit in a comment): what matters is that each is either decoded or refused.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import chain
from random import Random

import numpy as np
from PIL import Image

ORIENTATION = 0x0112


def malformed_images(seed: int, n: int) -> Iterator[tuple[str, bytes]]:
    """Yield ``n`` pairs of a file name and its bytes, the kinds in turn."""
    rng = Random(seed)
    images = valid_images(seed)
    fixed = chain(_handmade(), _lies(images))
    for number in range(n):
        # Damage at random has no end, so it fills what the fixed files leave.
        name, data = (next(fixed, None) if number % 2 else None) or _damaged(rng, images)
        yield f"{number:05d}-{name}", data


def valid_images(seed: int) -> dict[str, bytes]:
    """Small valid images of every allowed format and most of its kinds, by file name."""
    generator = np.random.default_rng(seed)
    smooth = generator.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    photo = Image.fromarray(smooth).resize((61, 47), Image.Resampling.BICUBIC)
    deep = (np.asarray(photo.convert("L"), np.uint32) * 257).astype(np.uint16)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "a description"
    clear = photo.convert("RGBA")
    clear.putalpha(photo.convert("L"))
    saved: dict[str, tuple[Image.Image, str, dict[str, object]]] = {
        "plain.jpg": (photo, "JPEG", {"exif": exif, "quality": 80}),
        "progressive.jpg": (photo, "JPEG", {"progressive": True, "icc_profile": _srgb()}),
        "grey.jpg": (photo.convert("L"), "JPEG", {}),
        "cmyk.jpg": (photo.convert("CMYK"), "JPEG", {}),
        "plain.png": (photo, "PNG", {"exif": exif, "icc_profile": _srgb()}),
        "alpha.png": (clear, "PNG", {}),
        "palette.png": (photo.quantize(16), "PNG", {"transparency": 3}),
        "deep.png": (Image.fromarray(deep), "PNG", {}),
        "bits.png": (photo.convert("1"), "PNG", {}),
        "plain.webp": (photo, "WEBP", {"exif": exif}),
        "lossless.webp": (clear, "WEBP", {"lossless": True}),
        "animated.webp": (photo, "WEBP", {"save_all": True, "append_images": [photo.rotate(90)]}),
        "plain.gif": (photo.quantize(64), "GIF", {"comment": b"a comment"}),
        "animated.gif": (
            photo.quantize(8),
            "GIF",
            {"save_all": True, "append_images": [photo.rotate(180).quantize(8)], "transparency": 1},
        ),
        "plain.bmp": (photo, "BMP", {}),
        "palette.bmp": (photo.quantize(16), "BMP", {}),
        "plain.tif": (photo, "TIFF", {"exif": exif, "icc_profile": _srgb()}),
        "lzw.tif": (clear, "TIFF", {"compression": "tiff_lzw"}),
        "jpeg.tif": (photo, "TIFF", {"compression": "jpeg"}),
        "deep.tif": (Image.fromarray(deep), "TIFF", {}),
        "float.tif": (Image.fromarray(deep.astype(np.float32) / 65535), "TIFF", {}),
        "pages.tif": (photo, "TIFF", {"save_all": True, "append_images": [clear.convert("RGB")]}),
        "fax.tif": (photo.convert("1"), "TIFF", {"compression": "group4"}),
        "plain.avif": (photo, "AVIF", {"exif": exif, "speed": 10}),
        "alpha.avif": (clear, "AVIF", {"speed": 10}),
    }
    images = {}
    for name, (image, kind, options) in saved.items():
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        images[name] = buffer.getvalue()
    return images


def _srgb() -> bytes:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Without the date, which would make each second's files others.
    return profile[:24] + bytes(12) + profile[36:]


# Random damage.


def _damaged(rng: Random, images: dict[str, bytes]) -> tuple[str, bytes]:
    kinds = [_flipped, _truncated, _overwritten, _spliced, _grown, _renamed]
    return rng.choice(kinds)(rng, rng.choice(sorted(images)), images)


def _flipped(rng: Random, name: str, images: dict[str, bytes]) -> tuple[str, bytes]:
    data = bytearray(images[name])
    reach = min(len(data), rng.choice([64, 512, len(data)]))
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        data[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return f"flipped-{name}", bytes(data)


def _truncated(rng: Random, name: str, images: dict[str, bytes]) -> tuple[str, bytes]:
    data = images[name]
    return f"truncated-{name}", data[: rng.randrange(len(data))]


def _overwritten(rng: Random, name: str, images: dict[str, bytes]) -> tuple[str, bytes]:
    data = bytearray(images[name])
    at = rng.randrange(len(data))
    length = rng.choice([1, 2, 4, 16, 256])
    filler = rng.choice([b"\0", b"\xff", b"\x7f", b"\x80", rng.randbytes(1)])
    data[at : at + length] = filler * length
    return f"overwritten-{name}", bytes(data)


def _spliced(rng: Random, name: str, images: dict[str, bytes]) -> tuple[str, bytes]:
    first, second = images[name], images[rng.choice(sorted(images))]
    return f"spliced-{name}", first[: rng.randrange(len(first))] + second[
        rng.randrange(len(second)) :
    ]


def _grown(rng: Random, name: str, images: dict[str, bytes]) -> tuple[str, bytes]:
    data = images[name]
    at = rng.randrange(len(data))
    return f"grown-{name}", data[:at] + rng.randbytes(rng.choice([1, 7, 100, 5000])) + data[at:]


def _renamed(rng: Random, name: str, images: dict[str, bytes]) -> tuple[str, bytes]:
    suffix = rng.choice(["jpg", "png", "gif", "webp", "tif", "bmp", "avif", "txt", "JPG", "exe"])
    return f"renamed-{name.rpartition('.')[0]}.{suffix}", images[name]


# Headers that lie about a valid image.


def _lies(images: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    sides = [(0, 0), (0, 5), (1, 1), (65535, 65535), (60000, 40000), (30000, 3000)]
    for wide, high in [*sides, (2**31 - 1, 2**31 - 1), (2**32 - 1, 1)]:
        label = f"{wide}x{high}"
        yield f"ihdr-{label}.png", png_of_size(images["plain.png"], wide, high)
        signed = struct.pack("<II", wide, high)
        yield f"header-{label}.bmp", _at(images["plain.bmp"], 18, signed)
        yield f"tags-{label}.tif", _tiff_of_size(images["plain.tif"], wide, high)
        yield f"tags-{label}-lzw.tif", _tiff_of_size(images["lzw.tif"], wide, high)
    for wide, high in sides:
        label = f"{wide}x{high}"
        for name in ("plain.jpg", "progressive.jpg"):
            yield f"sof-{label}-{name}", jpeg_of_size(images[name], wide, high)
        yield f"screen-{label}.gif", _at(images["plain.gif"], 6, struct.pack("<HH", wide, high))
        frame = images["plain.gif"].index(b",\0\0\0\0") + 5
        yield f"frame-{label}.gif", _at(images["plain.gif"], frame, struct.pack("<HH", wide, high))
        sized = (wide % 2**24).to_bytes(3, "little") + (high % 2**24).to_bytes(3, "little")
        yield f"canvas-{label}.webp", _at(images["animated.webp"], 24, sized)
        ispe = images["plain.avif"].index(b"ispe") + 8
        yield f"ispe-{label}.avif", _at(images["plain.avif"], ispe, struct.pack(">II", wide, high))
    for value in (0, 9, 255, 65535):
        yield f"orientation-{value}.jpg", _with_orientation(images["plain.jpg"], value)


def png_of_size(data: bytes, wide: int, high: int) -> bytes:
    """A PNG whose header states another size, with a right checksum."""
    header = struct.pack(">II", wide, high) + data[24:29]
    return data[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]


def jpeg_of_size(data: bytes, wide: int, high: int) -> bytes:
    """A JPEG whose frame states another size."""
    at = max(data.find(b"\xff\xc0\0\x11"), data.find(b"\xff\xc2\0\x11"))
    return _at(data, at + 5, struct.pack(">HH", high, wide))


def _at(data: bytes, position: int, content: bytes) -> bytes:
    return data[:position] + content + data[position + len(content) :]


def _tiff_of_size(data: bytes, wide: int, high: int) -> bytes:
    start = struct.unpack_from("<I", data, 4)[0]
    changed = bytearray(data)
    for entry in range(struct.unpack_from("<H", data, start)[0]):
        at = start + 2 + 12 * entry
        tag = struct.unpack_from("<H", data, at)[0]
        if tag in (256, 257):
            struct.pack_into("<HHII", changed, at, tag, 4, 1, wide if tag == 256 else high)
    return bytes(changed)


def _with_orientation(data: bytes, value: int) -> bytes:
    at = data.index(struct.pack(">HHI", ORIENTATION, 3, 1))
    return _at(data, at + 8, struct.pack(">H", value))


# Bombs, loops and files of other kinds.


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _png(*chunks: bytes, wide: int = 4, high: int = 4) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + _chunk(b"IEND", b"")


def _tiff(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    start = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    return start + packed + struct.pack("<I", following) + bytes(64)


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def _handmade() -> Iterator[tuple[str, bytes]]:
    yield from _other_files()
    yield from _png_bombs()
    yield from _tiff_traps()
    yield from _jpeg_traps()
    yield from _gif_traps()
    yield (
        "huge.webp",
        b"RIFF"
        + struct.pack("<I", 30)
        + b"WEBPVP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + b"\xff" * 6,
    )
    yield "empty.webp", b"RIFF\x04\0\0\0WEBP"
    yield "run-length.bmp", _run_length_bmp()
    yield "bad-coding.bmp", _run_length_bmp(coding=77)
    yield "boxes.avif", b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + b"\0\0\0\x08meta" * 2000
    yield "endless.avif", b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + b"\0\0\0\0mdat" + bytes(500)


def _other_files() -> Iterator[tuple[str, bytes]]:
    yield "empty.jpg", b""
    yield "one-byte.jpg", b"\xff"
    yield "text.jpg", b"Please send the photos by Friday.\n"
    yield "error-page.jpg", b"<!DOCTYPE html><html><body>404 not found</body></html>"
    yield "drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    yield "laughs.svg", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><svg>&a;</svg>'
    yield "script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n"
    yield "document.pdf", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n"
    yield "archive.jpg", b"PK\x03\x04" + bytes(60)
    yield "photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    yield "film.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + bytes(40)
    yield "layers.psd", b"8BPS\0\1" + bytes(40)
    yield "pointer.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    yield "zeros.jpg", bytes(5000)
    yield "record.json", b'{"error": "not found"}'
    yield "both.gif", b"GIF89a/*\xff\xd8\xff\xe0 */=1;<html><script>"


def _png_bombs() -> Iterator[tuple[str, bytes]]:
    bomb = zlib.compress(bytes(50_000_000))
    rows = zlib.compress(b"".join(b"\0" + bytes(12) for _ in range(4)))
    picture = _chunk(b"IDAT", rows)
    yield "text-bomb.png", _png(_chunk(b"zTXt", b"x\0\0" + bomb), picture)
    yield "profile-bomb.png", _png(_chunk(b"iCCP", b"x\0\0" + bomb), picture)
    yield "pixel-bomb.png", _png(_chunk(b"IDAT", bomb))
    yield "large-bomb.png", _png(_chunk(b"IDAT", bomb), wide=50_000, high=50_000)
    yield "no-picture.png", _png()
    yield "many-chunks.png", _png(*[_chunk(b"teXt", b"")] * 20_000, picture)
    yield "bad-animation.png", _png(_chunk(b"acTL", bytes(8)), picture)
    yield "two-animations.png", _png(*[_chunk(b"acTL", b"\0\0\0\2\0\0\0\0")] * 2, picture)
    yield "bad-method.png", _png(_chunk(b"iCCP", b"x\0\x09junk"), picture)
    yield "long-chunk.png", _png()[:-12] + struct.pack(">I", 2**31 - 1) + b"IDAT" + rows


def _tiff_traps() -> Iterator[tuple[str, bytes]]:
    size = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    strip = [(273, 4, 1, 100), (277, 3, 1, 1), (278, 3, 1, 8), (279, 4, 1, 64)]
    yield "loop.tif", _tiff([*size, *strip], following=8)
    yield "no-entries.tif", _tiff([])
    yield "self-directory.tif", _tiff([*size, (330, 4, 1, 8), *strip, (34665, 4, 1, 8)])
    yield "many-strips.tif", _tiff([*size, (273, 4, 2**30, 10), (279, 4, 2**30, 10)])
    yield "outside.tif", _tiff([*size, (273, 4, 1, 2**32 - 1), (279, 4, 1, 2**32 - 1)])
    yield "long-strip.tif", _tiff([*size, (273, 4, 1, 8), (279, 4, 1, 2**32 - 1)])
    yield "many-samples.tif", _tiff([*size, (273, 4, 1, 8), (277, 4, 1, 2**31)])
    yield "huge-tiles.tif", _tiff([*size, (322, 4, 1, 2**20), (323, 4, 1, 2**20), (324, 4, 1, 8)])
    yield "zero-tiles.tif", _tiff([*size, (322, 4, 1, 0), (323, 4, 1, 0), (324, 4, 1, 8)])
    yield "zero-rows.tif", _tiff([*size, (273, 4, 1, 100), (278, 4, 1, 0), (279, 4, 1, 64)])
    yield "two-widths.tif", _tiff([(256, 3, 2, 8), *size[1:], *strip])
    yield "float-width.tif", _tiff([(256, 11, 1, 8), *size[1:], *strip])
    yield "no-type.tif", _tiff([(256, 99, 1, 8), *size[1:], *strip])
    yield "old-jpeg.tif", _tiff([*size[:3], (259, 3, 1, 6), (262, 3, 1, 6), *strip])
    yield "far-directory.tif", b"II*\0" + struct.pack("<I", 2**32 - 1)
    yield "big.tif", b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + bytes(40)


def _jpeg_traps() -> Iterator[tuple[str, bytes]]:
    yield "markers.jpg", b"\xff\xd8" + b"\xff" * 10_000
    yield "no-picture.jpg", b"\xff\xd8\xff\xd9"
    yield "many-segments.jpg", b"\xff\xd8" + _segment(0xEE, b"") * 20_000
    yield "zero-segment.jpg", b"\xff\xd8\xff\xe1\0\0" + bytes(100)
    loop = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 0x8769, 4, 1, 8) * 4000
    yield "exif-loop.jpg", b"\xff\xd8" + _segment(0xE1, loop) + b"\xff\xd9"
    frame = struct.pack(">BHHB", 8, 5000, 5000, 3) + b"\1\x22\0\2\x11\1\3\x11\1"
    scan = _segment(0xDA, b"\3\1\0\2\x11\3\x11\0\0\0")
    yield "many-scans.jpg", b"\xff\xd8" + _segment(0xC2, frame) + scan * 30_000 + b"\xff\xd9"
    yield "two-frames.jpg", b"\xff\xd8" + _segment(0xC0, frame) * 2 + scan + b"\xff\xd9"


def _gif_traps() -> Iterator[tuple[str, bytes]]:
    screen = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6)
    yield "no-frame.gif", screen + b";"
    yield "cut.gif", screen
    yield "comments.gif", screen + b"!\xfe" + b"\1x" * 200_000
    yield "far-frame.gif", screen + b"," + struct.pack("<HHHHB", 65535, 65535, 65535, 65535, 0)
    yield "code-size.gif", screen + b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\xff\1x\0;"


def _run_length_bmp(coding: int = 1) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 6000, 6000, 1, 8, coding, 0, 0, 0, 256, 0)
    return (
        b"BM"
        + struct.pack("<IHHI", 0, 0, 0, 54 + 1024)
        + header
        + bytes(1024)
        + b"\1\1\0\0" * 50_000
    )
