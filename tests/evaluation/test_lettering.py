from __future__ import annotations

import pytest

from findalike.evaluation import lettering
from findalike.evaluation.lettering import font_for, lines_within, printable

FONT = font_for("a", 15)

TITLES = [
    "Golden Delicious",
    "A very long title about organic free-range oranges in a family pack of one kilogram",
    "x" * 3000,
    "有機全脂牛乳 1000毫升 家庭裝 超值優惠 限時特價中",
    "حليب طازج كامل الدسم لتر واحد",
    "עברית ו-English יחד",
    "Молоко 3,2 %",
    "🍎🍏 emoji 👩‍👩‍👧",
    "tab\tnew\nline\r\x00\x07null",
    "\ud800 lone surrogate",
    "a\u202e reversed \u2066 isolates",
    "e" + "\u0301" * 500,
    "",
    "   ",
]


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_lines_fit_whatever_the_title(title: str, count: int) -> None:
    font = font_for(title, 15)
    lines = lines_within(title, font, width=180, count=count)
    assert len(lines) <= count
    assert all(font.getlength(line) <= 180 for line in lines)
    assert all(line.isprintable() for line in lines)


def test_short_titles_stay_whole_and_long_ones_end_in_dots() -> None:
    font = FONT
    assert lines_within("Pink Lady", font, width=180, count=2) == ["Pink Lady"]
    lines = lines_within(TITLES[1], font, width=180, count=2)
    assert len(lines) == 2
    assert not lines[0].endswith("…")
    assert lines[1].endswith("…")
    assert TITLES[1].startswith(lines[0] + " ")


def test_words_wider_than_a_line_are_broken() -> None:
    lines = lines_within("y" * 60, FONT, width=180, count=3)
    assert "".join(lines).rstrip("…") in "y" * 60
    assert len(lines) == 3


def test_a_line_narrower_than_a_letter_ends() -> None:
    assert len(lines_within("wide words here", FONT, width=3, count=2)) == 2


def test_nothing_to_write() -> None:
    assert lines_within(" \t\n", FONT, width=180, count=2) == []


def test_printable_makes_one_line() -> None:
    assert printable("a\tb\nc\x00d  e") == "a b c d e"
    assert printable("\ud800x") == "x"


def test_one_font_for_all_that_alphabets_and_shops_need() -> None:
    for text in ("Café Łódź", "€ 2.49 £ ¥ ₹", "Молоко", "Γάλα", "حليب", "חלב"):
        assert font_for(text, 15) is FONT
    assert font_for("a", 15, bold=True) is not FONT


def test_without_any_other_font_the_built_in_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(lettering, "_SYSTEM_FONTS", ("/nowhere.ttf",))
    lettering._fonts.cache_clear()
    try:
        font = font_for("Молоко € 牛乳", 15)
        assert len(lettering._fonts(15, False)) == 1
        assert lines_within("Молоко € 牛乳", font, width=180, count=2)
    finally:
        lettering._fonts.cache_clear()
