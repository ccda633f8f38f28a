"""Text on pictures: fonts that need no installation, and lines cut to a width."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Titles longer than this are cut before they are measured; no card shows as much.
_LONGEST = 240
# No font that comes with a dependency has Chinese, Japanese or Korean; these are where systems
# keep one that has.
_SYSTEM_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/malgun.ttf",
)
# A code point that is no character: what a font draws for it, it draws for all it lacks.
_NO_CHARACTER = "\U0010ffff"


def printable(text: str) -> str:
    """The text in one line, without characters that cannot be drawn."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST]).split())


def font_for(text: str, size: int, *, bold: bool = False) -> Font:
    """The first known font that has every character of ``text``, else the one that has most."""
    characters = frozenset(printable(text)) - {" "}
    fonts = _fonts(size, bold)
    covered = [sum(_has(font, character) for character in characters) for font in fonts]
    return fonts[covered.index(max(covered))]


def lines_within(text: str, font: Font, *, width: float, count: int) -> list[str]:
    """Break text into at most ``count`` lines of at most ``width`` pixels, "…" where it's cut.

    Lines break between words, and within a word that is wider than a line, as titles without
    spaces (Chinese, Japanese) are.
    """
    left = printable(text)
    lines: list[str] = []
    while left and len(lines) < count:
        if font.getlength(left) <= width:
            lines.append(left)
            left = ""
        elif len(lines) == count - 1:
            fits = _longest_start(left, font, width - font.getlength("…"))
            lines.append(left[:fits].rstrip() + "…")
            left = ""
        else:
            fits = max(1, _longest_start(left, font, width))
            space = left.rfind(" ", 1, fits + 1)
            cut = space if space > 0 else fits
            lines.append(left[:cut].rstrip())
            left = left[cut:].lstrip()
    return lines


def _longest_start(text: str, font: Font, width: float) -> int:
    """How many characters of ``text`` fit, found by halving."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low


@functools.cache
def _fonts(size: int, bold: bool) -> tuple[Font, ...]:
    # matplotlib carries DejaVu Sans: Latin with all its accents, Cyrillic, Greek, Arabic, Hebrew,
    # currency signs. Finding the file doesn't import matplotlib.
    package = importlib.util.find_spec("matplotlib")
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    paths = [
        Path(folder) / "mpl-data/fonts/ttf" / name
        for folder in (package.submodule_search_locations or [] if package else [])
    ]
    fonts: list[Font] = []
    for path in [*paths, *map(Path, _SYSTEM_FONTS)]:
        try:
            fonts.append(ImageFont.truetype(str(path), size))
        except OSError:
            continue
    # Pillow's own font has little more than ASCII, not even "€" or "é", but is always there.
    return (*fonts, ImageFont.load_default(size))


@functools.cache
def _has(font: Font, character: str) -> bool:
    return _drawn(font, character) != _drawn(font, _NO_CHARACTER)


def _drawn(font: Font, character: str) -> bytes:
    canvas = Image.new("1", (48, 48))
    ImageDraw.Draw(canvas).text((4, 4), character, font=font, fill=1)
    return canvas.tobytes()
