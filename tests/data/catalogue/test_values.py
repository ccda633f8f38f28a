import pytest

from findalike.data.catalogue.base import BadValue, shown
from findalike.data.catalogue.values import (
    box_cells,
    category_path,
    checked_box,
    checked_domain,
    checked_id,
    split_list,
    text_of,
)
from findalike.types import Box


def test_an_id_is_the_same_whether_written_as_number_or_text():
    assert {checked_id("id", value) for value in (7, 7.0, "7", " 7 ")} == {"7"}
    assert checked_id("id", "007") == "007"
    assert checked_id("id", 2**60) == str(2**60)


@pytest.mark.parametrize("value", ["", "  ", None, "NULL", "\\N", float("nan")])
def test_empty_cells_are_missing(value):
    assert text_of(value) is None
    assert checked_id("id", value) is None


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "a\x07", "a\u2028b", "\ud800", "x" * 513])
def test_ids_nobody_could_type_are_refused(value):
    with pytest.raises(BadValue):
        checked_id("product_id", value)


def test_an_id_of_512_characters_is_taken():
    assert checked_id("product_id", "é" * 512) == "é" * 512


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        ("Men/Tops", "Men/Tops"),
        (" Men > Tops > Tees ", "Men/Tops/Tees"),
        ("Men>Tees / Tanks", "Men/Tees - Tanks"),
        (["Men", "Tees/Tanks"], "Men/Tees-Tanks"),
        ("/Men//Tops/", "Men/Tops"),
        (" > ", None),
        ("", None),
        ("Fruit", "Fruit"),
    ],
)
def test_categories_become_paths(cell, path):
    assert category_path(cell) == path


def test_a_box_is_four_numbers_or_nothing():
    assert checked_box(("1", "2.5", "3", 4)) == Box(1, 2.5, 3, 4)
    assert checked_box(("", None, " ", "")) is None


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("1", "2", "3", ""), "half a box"),
        (("1", "2", "x", "4"), "not four numbers"),
        (("1", "2", "0", "4"), "above 0"),
        (("1", "2", "3", "-4"), "above 0"),
        (("1", "2", "inf", "4"), "finite"),
    ],
)
def test_other_boxes_are_refused(cells, reason):
    with pytest.raises(BadValue, match=reason) as refused:
        checked_box(cells)
    assert "x, y, w, h" in refused.value.allowed


@pytest.mark.parametrize("cell", ["1,2,3,4", "[1, 2, 3, 4]", "1 2 3 4", "(1;2;3;4)", list("1234")])
def test_a_box_may_stand_in_one_cell(cell):
    assert checked_box(box_cells(cell)) == Box(1, 2, 3, 4)


def test_a_box_cell_with_three_numbers_is_refused():
    with pytest.raises(BadValue):
        box_cells("1,2,3")


def test_domains():
    assert checked_domain("") == "seller"
    assert checked_domain("User") == "user"
    with pytest.raises(BadValue):
        checked_domain("buyer")


def test_lists_split_at_the_rarest_separator_they_have():
    assert split_list("a, b|c") == ["a, b", "c"]
    assert split_list("a; b,c;") == ["a", "b,c"]
    assert split_list("a,b") == ["a", "b"]
    assert split_list("a") == ["a"]


def test_shown_values_are_short_and_on_one_line():
    assert len(shown("x" * 1000)) == len(shown("\U000e0001" * 1000)) == 80
    assert shown("größe\n😀") == r"größe\n😀"
    assert "\n" not in shown("a\nb\x00\ud800")
    assert shown(None) == ""
