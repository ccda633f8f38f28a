"""What kind of file some bytes are, by how they begin and never by the file's name."""

from __future__ import annotations

ALLOWED = "JPEG, PNG, WebP, GIF, BMP, TIFF and AVIF"

_IMAGES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\0\0\x01\0", "an icon file"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"II+\0", "a BigTIFF picture"),
    (b"MM\0+", "a BigTIFF picture"),
    (b"version https://git-lfs", "a Git LFS pointer, whose file was not downloaded"),
)
_TEXTS: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "a web page, perhaps an error page"),
    (b"<html", "a web page, perhaps an error page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file, perhaps an SVG drawing"),
    (b"{", "a JSON text"),
)
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def image_format(data: bytes) -> str | None:
    """The format of an image that can be read, such as ``JPEG``; None for anything else."""
    for start, name in _IMAGES:
        if data.startswith(start):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return "AVIF" if any(brand in _AVIF_BRANDS for brand in _brands(data)) else None


def other_kind(data: bytes) -> str | None:
    """What a file that is not such an image probably is, in words; None where there is no clue."""
    for start, words in _OTHERS:
        if data.startswith(start):
            return words
    if any(brand in _HEIC_BRANDS for brand in _brands(data)):
        return "a HEIC picture"
    if data[4:8] == b"ftyp":
        return "a video"
    text = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, words in _TEXTS:
        if text.startswith(start):
            return words
    if text and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in text):
        return "a text"
    return None


def _brands(data: bytes) -> list[bytes]:
    """The brands a file of the ISO base media format lists, the major one first."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4]), 256)
    return [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
