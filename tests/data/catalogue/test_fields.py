import pytest

from findalike.data.catalogue.base import BadValue
from findalike.data.catalogue.fields import (
    RESERVED_FIELDS,
    TypeGuess,
    attribute_name,
    coerce,
    unique_names,
)
from findalike.index.schema import image_schema


def guess(values, name="attribute"):
    seen = TypeGuess(name)
    for value in values:
        seen.observe(value)
    return seen.type


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["1", "2.5", "-3", ".5", "1e-05"], "number"),
        (["1", "", "  ", None, "NULL"], "number"),
        ([1, 2.5, None, float("nan")], "number"),
        (["true", "FALSE", "yes", "No"], "boolean"),
        ([True, False, None], "boolean"),
        (["1", "0", "1"], "number"),
        (["y", "n"], "text"),
        (["007", "008"], "text"),
        (["1", "2", "three"], "text"),
        (["+1"], "text"),
        (["1,5"], "text"),
        (["4006381333931", "9780201379624"], "text"),
        (["40063813", "96385074"], "text"),
        (["40063813", "7"], "number"),
        (["1234567890123456"], "text"),
        ([2**60], "text"),
        (['["a", "b"]', "[]", ""], "list"),
        (['["a"]', "b"], "text"),
        ([["a", "b"], "c"], "list"),
        (["-", "e5", "5."], "text"),
    ],
)
def test_the_type_is_the_narrowest_that_holds_every_value(values, found):
    assert guess(values) == found


@pytest.mark.parametrize(
    "name", ["GTIN", "parent_sku", "EAN code", "brandId", "zip", "g:mpn", "Size"]
)
def test_codes_stay_text_by_their_name(name):
    assert guess(["1", "2"], name) == "text"
    assert guess([1, 2], name) == "text"


def test_an_attribute_without_values_was_not_seen():
    seen = TypeGuess("x")
    for value in ("", None, "  ", [], float("nan"), "\\N"):
        seen.observe(value)
    assert not seen.seen


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("Colour Name", "colour_name"),
        ("productID", "product_id"),
        ("Größe (cm)", "grosse_cm"),
        ("Prix été", "prix_ete"),
        ("价格", "attribute"),
        ("3D", "attribute_3d"),
        ("__x__", "x"),
        ("", "attribute"),
        ("a" * 200, "a" * 50),
    ],
)
def test_names_become_snake_case(source, name):
    assert attribute_name(source) == name


def test_names_are_unique_and_never_reserved():
    sources = ["Title", "title_value", "价格", "цена", "Colour", "colour", "COLOUR", "in", "under"]
    every = unique_names([*sources, *sorted(RESERVED_FIELDS)])
    assert len(set(every.values())) == len(every)
    assert RESERVED_FIELDS.isdisjoint(every.values())
    names = unique_names(sources)
    assert [names[s] for s in sources] == [
        "title_value",
        "title_value_2",
        "attribute",
        "attribute_2",
        "colour",
        "colour_2",
        "colour_3",
        "in_value",
        "under_value",
    ]


def test_every_name_can_be_a_column_of_the_index():
    sources = [*RESERVED_FIELDS, "x" * 300, "X" * 299, "9 lives", "", "_", "naïve", "SELECT"]
    names = unique_names(sources)
    image_schema(4, dict.fromkeys(names.values(), "text"))


def test_reserved_names_cover_the_columns_of_the_index():
    from findalike.index.filters import _KEYWORDS
    from findalike.index.schema import _RESERVED

    assert _RESERVED <= RESERVED_FIELDS
    assert _KEYWORDS <= RESERVED_FIELDS


@pytest.mark.parametrize(
    ("value", "field_type", "expected"),
    [
        ("  red ", "text", "red"),
        (7.0, "text", "7"),
        (True, "text", "true"),
        (["a", "b"], "text", "a, b"),
        ("12,5", "number", 12.5),
        ("1.234,5", "number", 1234.5),
        ("1e-05", "number", 1e-05),
        (3, "number", 3.0),
        ("Yes", "boolean", True),
        ("0", "boolean", False),
        ("a|b|a", "list", ("a", "b")),
        ('["x, y", "z"]', "list", ("x, y", "z")),
        ("", "number", None),
        ("[]", "list", None),
        (None, "boolean", None),
    ],
)
def test_values_take_their_type(value, field_type, expected):
    assert coerce("x", value, field_type) == expected


@pytest.mark.parametrize(
    ("value", "field_type"), [("red", "number"), (True, "number"), ("maybe", "boolean")]
)
def test_values_of_another_type_are_refused(value, field_type):
    with pytest.raises(BadValue) as refused:
        coerce("colour", value, field_type)
    assert refused.value.field_name == "colour"
    assert refused.value.allowed


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, '[{"a": 1}]', "[[1]]", "[1,", "[NaN]"])
def test_odd_json_is_no_list_and_no_crash(text):
    assert coerce("x", text, "text") == text
    guess([text])
