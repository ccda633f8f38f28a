"""A sheet of search results: each query photo with its box, and the matches beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from findalike.errors import SettingError
from findalike.evaluation.lettering import font_for, lines_within
from findalike.evaluation.templating import render
from findalike.evaluation.thumbnails import jpeg_data_uri, thumbnail
from findalike.types import Box, Pixels

_QUERY, _CARD, _GAP, _MARGIN = 268, 184, 16, 28
_TEXT = 76
# Pillow draws shapes with hard edges: they are drawn this much larger and reduced.
_FINE = 4
_PAPER, _PANEL, _LINE = (250, 250, 251), (255, 255, 255), (222, 224, 229)
_INK, _MUTED = (24, 26, 31), (108, 114, 126)
_RIGHT, _WRONG = (22, 138, 72), (205, 55, 50)
# Pages of many rows are cut into sheets by the caller; beyond this Pillow and viewers struggle.
_TALLEST = 30_000
_HTML_SIDE = 320
_HTML_BYTES = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class SheetMatch:
    """One match: its picture (None where it can't be read), place, score and words.

    Attributes:
        right: whether it is the thing searched; None where the truth isn't known.
    """

    pixels: Pixels | None
    rank: int
    score: float
    title: str
    price: str | None = None
    right: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SheetRow:
    """One search.

    Attributes:
        query: the whole photo, upright.
        matches: best first.
        box: what was searched, in pixels of the photo; None for all of it.
        caption: a line under the photo, such as its file name.
    """

    query: Pixels
    matches: Sequence[SheetMatch]
    box: Box | None = None
    caption: str = ""


def contact_sheet(rows: Sequence[SheetRow], *, title: str = "", columns: int = 5) -> Pixels:
    """Draw a sheet as a picture.

    Args:
        rows: one for each search.
        title: heading of the sheet; none if empty.
        columns: matches in one line, further ones go below; 1 to 20.

    Returns:
        uint8 (height, width, 3).

    Raises:
        SettingError: if ``columns`` is out of range, there are no rows, or so many that the
            picture would be taller than 30,000 pixels.
    """
    if not 1 <= columns <= 20:
        raise SettingError(f"columns is {columns}: give a number of matches a line from 1 to 20")
    if not rows:
        raise SettingError("a contact sheet needs at least one row")
    widest = max(1, min(columns, max(len(row.matches) for row in rows)))
    width = 2 * _MARGIN + _QUERY + widest * (_CARD + _GAP)
    heading = 52 if title else 0
    heights = [_row_height(row, columns) for row in rows]
    height = 2 * _MARGIN + heading + sum(heights) + _GAP * (len(rows) - 1)
    if height > _TALLEST:
        raise SettingError(
            f"a sheet of {len(rows)} rows would be {height} pixels tall, {_TALLEST} are allowed: "
            f"draw fewer rows, or the HTML sheet"
        )
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    if title:
        _write(pen, (_MARGIN, _MARGIN - 6), title, size=24, width=width - 2 * _MARGIN, bold=True)
    top = _MARGIN + heading
    for row, tall in zip(rows, heights, strict=True):
        _draw_row(sheet, row, top=top, columns=columns)
        top += tall + _GAP
    return np.asarray(sheet)


def contact_sheet_html(rows: Sequence[SheetRow], *, title: str = "Search results") -> str:
    """Write a sheet as one HTML page with its pictures inside.

    Raises:
        SettingError: if there are no rows.
    """
    if not rows:
        raise SettingError("a contact sheet needs at least one row")
    return render(
        "contact_sheet.html.j2",
        title=title,
        rows=[
            {
                "caption": row.caption,
                "query": _uri(row.query, row.box),
                "matches": [
                    {
                        "picture": None if match.pixels is None else _uri(match.pixels),
                        "rank": match.rank,
                        "score": f"{match.score:.3f}",
                        "title": match.title,
                        "price": match.price,
                        "right": match.right,
                    }
                    for match in row.matches
                ],
            }
            for row in rows
        ],
    )


def _uri(pixels: Pixels, box: Box | None = None) -> str:
    return jpeg_data_uri(thumbnail(pixels, box=box, side=_HTML_SIDE), max_bytes=_HTML_BYTES)


def _row_height(row: SheetRow, columns: int) -> int:
    lines = max(1, -(-len(row.matches) // columns))
    caption = 30 if row.caption else 0
    return max(_QUERY + caption, lines * (_CARD + _TEXT) + (lines - 1) * _GAP)


def _draw_row(sheet: Image.Image, row: SheetRow, *, top: int, columns: int) -> None:
    pen = ImageDraw.Draw(sheet)
    _place(sheet, row.query, (_MARGIN, top), _QUERY, box=row.box)
    if row.caption:
        _write(
            pen, (_MARGIN + 2, top + _QUERY + 7), row.caption, size=13, width=_QUERY, fill=_MUTED
        )
    if not row.matches:
        place = (_MARGIN + _QUERY + _GAP, top + 8)
        _write(pen, place, "Nothing found.", size=15, width=_CARD, fill=_MUTED)
    for index, match in enumerate(row.matches):
        left = _MARGIN + _QUERY + _GAP + (index % columns) * (_CARD + _GAP)
        _draw_match(sheet, match, (left, top + (index // columns) * (_CARD + _TEXT + _GAP)))


def _draw_match(sheet: Image.Image, match: SheetMatch, corner: tuple[int, int]) -> None:
    pen = ImageDraw.Draw(sheet)
    left, top = corner
    frame = {None: _LINE, True: _RIGHT, False: _WRONG}[match.right]
    _place(sheet, match.pixels, corner, _CARD, frame=frame, line=1 if match.right is None else 4)
    _draw_rank(sheet, str(match.rank), (left + 9, top + 9))
    if match.right is not None:
        _draw_verdict(sheet, (left + _CARD - 35, top + 9), right=match.right)
    score = f"{match.score:.3f}"
    pen.text(
        (left + _CARD - 2, top + _CARD + 18), score, font=font_for(score, 14), fill=_MUTED,
        anchor="rm",
    )  # fmt: skip
    if match.price:
        _write(pen, (left + 2, top + _CARD + 9), match.price, size=15, width=_CARD - 62, bold=True)
    _write(pen, (left + 2, top + _CARD + 32), match.title, size=14, width=_CARD - 4, lines=2)


def _draw_rank(sheet: Image.Image, rank: str, corner: tuple[int, int]) -> None:
    font = font_for(rank, 13)
    width = max(26, round(font.getlength(rank)) + 16)
    mask = Image.new("L", (width * _FINE, 26 * _FINE))
    edge = (0, 0, mask.width - 1, mask.height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(edge, 13 * _FINE, fill=255)
    sheet.paste(_INK, corner, mask.reduce(_FINE))
    middle = (corner[0] + width / 2, corner[1] + 13)
    ImageDraw.Draw(sheet).text(middle, rank, font=font, fill=_PANEL, anchor="mm")


def _draw_verdict(sheet: Image.Image, corner: tuple[int, int], *, right: bool) -> None:
    """A tick or a cross, so that the verdict doesn't rest on colour alone."""
    side = 26 * _FINE
    disc, sign = Image.new("L", (side, side)), Image.new("L", (side, side))
    ImageDraw.Draw(disc).ellipse((0, 0, side - 1, side - 1), fill=255)
    strokes = [[(7, 13), (11, 18), (19, 8)]] if right else [[(8, 8), (18, 18)], [(8, 18), (18, 8)]]
    for stroke in strokes:
        points = [(x * _FINE, y * _FINE) for x, y in stroke]
        ImageDraw.Draw(sign).line(points, fill=255, width=3 * _FINE, joint="curve")
    sheet.paste(_RIGHT if right else _WRONG, corner, disc.reduce(_FINE))
    sheet.paste(_PANEL, corner, sign.reduce(_FINE))


def _draw_panel(
    sheet: Image.Image,
    corner: tuple[int, int],
    side: int,
    *,
    line: int,
    frame: tuple[int, int, int],
) -> None:
    """The frame of a picture; its inside stays as it is."""
    mask = Image.new("L", (side * _FINE, side * _FINE))
    edge = (0, 0, mask.width - 1, mask.height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(edge, 10 * _FINE, outline=255, width=line * _FINE)
    sheet.paste(frame, corner, mask.reduce(_FINE))


def _place(
    sheet: Image.Image,
    pixels: Pixels | None,
    corner: tuple[int, int],
    side: int,
    *,
    box: Box | None = None,
    frame: tuple[int, int, int] = _LINE,
    line: int = 1,
) -> None:
    """Put a picture into the middle of a white panel with a frame."""
    left, top = corner
    pen = ImageDraw.Draw(sheet)
    panel = (left, top, left + side - 1, top + side - 1)
    pen.rounded_rectangle(panel, 11, fill=_PANEL)
    if pixels is None:
        note = "no picture"
        middle = (left + side / 2, top + side / 2)
        pen.text(middle, note, font=font_for(note, 14), fill=_MUTED, anchor="mm")
    else:
        inner = side - 12
        picture = Image.fromarray(_enlarged(pixels, box, inner))
        offset = (left + (side - picture.width) // 2, top + (side - picture.height) // 2)
        sheet.paste(picture, offset)
    _draw_panel(sheet, corner, side, line=line, frame=frame)


def _enlarged(pixels: Pixels, box: Box | None, side: int) -> Pixels:
    """A thumbnail that fills the panel also where the picture is smaller than it."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale <= 1:
        return thumbnail(pixels, box=box, side=side)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    larger = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    if box is None:
        return larger
    scaled = Box(box.x * scale, box.y * scale, box.w * scale, box.h * scale)
    return thumbnail(larger, box=scaled, side=side)


def _write(
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    text: str,
    *,
    size: int,
    width: int,
    lines: int = 1,
    bold: bool = False,
    fill: tuple[int, int, int] = _INK,
) -> None:
    font = font_for(text, size, bold=bold)
    for row, line in enumerate(lines_within(text, font, width=width, count=lines)):
        place = (corner[0], corner[1] + row * round(size * 1.3))
        pen.text(place, line, font=font, fill=fill)
