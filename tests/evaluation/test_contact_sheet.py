from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from findalike.errors import SettingError
from findalike.evaluation.contact_sheet import (
    SheetMatch,
    SheetRow,
    contact_sheet,
    contact_sheet_html,
)
from findalike.types import Box, Pixels

RIGHT, WRONG = (22, 138, 72), (205, 55, 50)


def picture(value: int = 90, height: int = 120, width: int = 200) -> Pixels:
    return np.full((height, width, 3), value, dtype=np.uint8)


def row(count: int, *, right: bool | None = None, title: str = "Apple", **changes) -> SheetRow:
    matches = [
        SheetMatch(picture(200), rank=i + 1, score=0.9 - i / 10, title=title, right=right)
        for i in range(count)
    ]
    return SheetRow(query=picture(), matches=matches, **changes)


def count_colour(sheet: Pixels, colour: tuple[int, int, int]) -> int:
    return int((sheet == np.array(colour)).all(axis=2).sum())


def test_more_rows_and_lines_make_a_taller_sheet() -> None:
    one, two = contact_sheet([row(5)]), contact_sheet([row(5), row(5)])
    wrapped = contact_sheet([row(10)])
    assert one.dtype == np.uint8
    assert one.shape[1:] == two.shape[1:] == wrapped.shape[1:]
    assert two.shape[0] > 1.6 * one.shape[0]
    assert wrapped.shape[0] > 1.5 * one.shape[0]


def test_columns_set_the_width() -> None:
    narrow = contact_sheet([row(10)], columns=2)
    assert narrow.shape[1] < contact_sheet([row(10)], columns=5).shape[1]
    # Fewer matches than columns take no room.
    assert contact_sheet([row(2)], columns=5).shape[1] == narrow.shape[1]


def test_frames_tell_right_from_wrong_and_unknown() -> None:
    right, wrong, unknown = (contact_sheet([row(3, right=r)]) for r in (True, False, None))
    assert count_colour(right, RIGHT) > 3 * 1000
    assert count_colour(right, WRONG) == 0
    assert count_colour(wrong, WRONG) > 3 * 1000
    assert count_colour(wrong, RIGHT) == 0
    assert count_colour(unknown, RIGHT) == count_colour(unknown, WRONG) == 0


def test_the_box_is_drawn_on_the_query() -> None:
    plain, boxed = (contact_sheet([row(1, box=box)]) for box in (None, Box(20, 20, 100, 60)))
    changed = np.argwhere((plain != boxed).any(axis=2))
    assert len(changed) > 200
    assert changed[:, 1].max() < 28 + 268


def test_headings_captions_prices_are_written() -> None:
    plain = contact_sheet([row(1)])
    assert contact_sheet([row(1)], title="Shop").shape[0] > plain.shape[0]
    assert contact_sheet([row(1, caption="q.jpg")]).shape[0] >= plain.shape[0]
    priced = SheetRow(picture(), [SheetMatch(picture(200), 1, 0.9, "Apple", price="€ 2.49")])
    assert (contact_sheet([priced]) != plain).any()


@pytest.mark.parametrize(
    "title",
    ["", "x" * 2000, "有機全脂牛乳 家庭裝", "حليب طازج", "🍎", "a\x00b\ud800", "line\nbreak"],
)
def test_any_title_can_be_drawn(title: str) -> None:
    drawn = row(2, title=title, caption=title)
    contact_sheet([drawn], title=title)
    contact_sheet_html([drawn], title=title).encode("utf-8", "replace")


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (3000, 2000)])
def test_any_picture_can_be_drawn(shape: tuple[int, int]) -> None:
    odd = picture(50, *shape)
    rows = [SheetRow(odd, [SheetMatch(odd, 1, 0.5, "a")], box=Box(0, 0, 1, 1))]
    assert contact_sheet(rows).shape[0] < 500
    contact_sheet_html(rows)


def test_missing_pictures_and_missing_matches_are_said() -> None:
    nothing = SheetRow(picture(), [])
    lost = SheetRow(picture(), [SheetMatch(None, 1, 0.5, "a")])
    assert contact_sheet([nothing, lost]).shape[0] > 500
    page = contact_sheet_html([nothing, lost])
    assert "Nothing found." in page
    assert "no picture" in page


def test_misuse_is_refused() -> None:
    with pytest.raises(SettingError, match="columns is 0"):
        contact_sheet([row(1)], columns=0)
    with pytest.raises(SettingError, match="at least one row"):
        contact_sheet([])
    with pytest.raises(SettingError, match="at least one row"):
        contact_sheet_html([])
    with pytest.raises(SettingError, match="a sheet of 200 rows"):
        contact_sheet([row(1)] * 200)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))


def test_the_page_holds_its_pictures_and_escapes_titles() -> None:
    hostile = '"><script>alert(1)</script>'
    page = contact_sheet_html([row(3, right=True, title=hostile, caption=hostile)], title=hostile)
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.names
    assert "<script" not in page
    assert len(tags.images) == 4
    assert all((image["src"] or "").startswith("data:image/jpeg;base64,") for image in tags.images)
    assert all(image["alt"] for image in tags.images)
    assert (tags.images[1]["alt"] or "").startswith("Match 1: ")
    assert (tags.images[1]["alt"] or "").endswith(", right")
