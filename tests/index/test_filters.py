"""The filter language: what it accepts, what a tree means, and where its errors point."""

import pytest

from findalike.errors import FilterError
from findalike.index.filters import (
    MAX_DEPTH,
    MAX_IN_VALUES,
    MAX_LENGTH,
    And,
    Comparison,
    Contains,
    Has,
    In,
    Missing,
    Not,
    Or,
    Under,
    matches,
    parse_filter,
)

FIELDS = {
    "category": "text",
    "brand": "text",
    "price": "number",
    "stock": "number",
    "sold_out": "boolean",
    "tags": "list",
    "not": "boolean",
}


def parse(text):
    return parse_filter(text, FIELDS)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("brand = 'A'", Comparison("brand", "=", "A")),
        ('brand = "it\'s"', Comparison("brand", "=", "it's")),
        ("brand = 'it''s'", Comparison("brand", "=", "it's")),
        ('brand = "say ""hi"""', Comparison("brand", "=", 'say "hi"')),
        ("brand <> ''", Comparison("brand", "!=", "")),
        ("price>=-3.5", Comparison("price", ">=", -3.5)),
        ("price < 1e3", Comparison("price", "<", 1000.0)),
        ("price < .5", Comparison("price", "<", 0.5)),
        ("PRICE < 5", Comparison("price", "<", 5.0)),
        ("sold_out", Comparison("sold_out", "=", True)),
        ("sold_out != TRUE", Comparison("sold_out", "!=", True)),
        ("not sold_out", Not(Comparison("sold_out", "=", True))),
        ("`not` and not `not`", And((parse_filter("`not`", FIELDS), Not(parse("`not`"))))),
        ("brand in ('A', 'B')", In("brand", ("A", "B"))),
        ("stock not in (1)", And((Not(In("stock", (1.0,))), Not(Missing("stock"))))),
        ("brand is missing", Missing("brand")),
        ("brand IS NOT NULL", Not(Missing("brand"))),
        ("tags has 'red'", Has("tags", "red")),
        ("tags in ('red', \"blue\")", In("tags", ("red", "blue"))),
        (
            "tags not in ('red')",
            And((Not(In("tags", ("red",))), Not(Missing("tags")))),
        ),
        ("sold_out in (false)", In("sold_out", (False,))),
        ("category under 'Men/Tops/'", Under("category", "Men/Tops")),
        ("brand contains 'ni'", Contains("brand", "ni")),
    ],
)
def test_conditions(text, tree):
    assert parse(text) == tree


def test_precedence_and_flat_chains():
    a, b, c = (Comparison("price", "=", float(n)) for n in (1, 2, 3))
    assert parse("price=1 or price=2 and not price=3") == Or((a, And((b, Not(c)))))
    assert parse("(price=1 or price=2) and price=3") == And((Or((a, b)), c))
    assert parse("price=1 or price=2 or price=3") == Or((a, b, c))


def test_the_example_of_the_documentation():
    tree = parse("category = 'Fruit' and (price < 20 or brand in ('A','B')) and not sold_out")
    assert matches(tree, {"category": "Fruit", "price": 30.0, "brand": "B"})
    assert not matches(tree, {"category": "Fruit", "price": 30.0, "brand": "C"})
    assert not matches(tree, {"category": "Fruit", "price": 3.0, "sold_out": True})


@pytest.mark.parametrize(
    ("text", "row", "kept"),
    [
        ("brand = 'A'", {"brand": None}, False),
        ("brand != 'A'", {"brand": None}, False),
        ("not brand = 'A'", {"brand": None}, True),
        ("not brand != 'A'", {"brand": None}, True),
        ("brand not in ('A')", {}, False),
        ("not brand in ('A')", {}, True),
        ("sold_out", {}, False),
        ("not sold_out", {}, True),
        ("sold_out = false", {}, False),
        ("price < 5", {"price": None}, False),
        ("tags has 'a'", {"tags": None}, False),
        ("tags is missing", {"tags": []}, True),
        ("tags is missing", {"tags": ["a"]}, False),
        ("tags has 'a'", {"tags": ["b", "a"]}, True),
        ("tags in ('a', 'c')", {"tags": ["b", "a"]}, True),
        ("tags in ('a', 'c')", {"tags": ["b"]}, False),
        ("tags in ('a', 'c')", {"tags": None}, False),
        ("tags not in ('a')", {"tags": ["b"]}, True),
        ("tags not in ('a')", {"tags": ["a", "b"]}, False),
        ("tags not in ('a')", {"tags": []}, False),
        ("sold_out in (true, false)", {"sold_out": False}, True),
        ("sold_out in (true)", {"sold_out": False}, False),
        ("category under 'Men'", {"category": "Men/Tops"}, True),
        ("category under 'Men'", {"category": "Menswear"}, False),
        ("brand contains 'Ä'", {"brand": "bär"}, True),
        ("brand = 'a'", {"brand": "A"}, False),
    ],
)
def test_meaning(text, row, kept):
    assert matches(parse(text), row) is kept


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 0, "name of a field"),
        ("prise < 3", 0, "did you mean 'price'"),
        ("zzz < 3", 0, "the fields are brand, category"),
        ("price = 'x'", 8, "'price' is a number"),
        ("brand < 3", 8, "'brand' is text"),
        ("brand = red", 8, "write it in quotes, 'red'"),
        ("brand", 5, "expected an operator"),
        ("brand = 'a", 8, "never closed"),
        ("price < 12abc", 8, "not a number"),
        ("price < 1e999", 8, "too large"),
        ("price < --1", 8, "not a number"),
        ("(price < 3", 10, "expected ')'"),
        ("price < 3)", 9, "unexpected ')'"),
        ("price < 3 brand = 'a'", 10, "'and' or 'or'"),
        ("price in ()", 10, "'price' is a number"),
        ("price in (1 2)", 12, "',' after a value"),
        ("price in 1", 9, "expected '('"),
        ("price not 1", 10, "expected 'in'"),
        ("sold_out < true", 9, "only = and !="),
        ("sold_out in ('true')", 13, "is true or false"),
        ("tags = 'a'", 5, "tags has 'text'"),
        ("tags contains 'a'", 5, "tags has 'text'"),
        ("brand has 'a'", 6, "is for lists"),
        ("price under 'a'", 6, "price < 20"),
        ("brand is red", 9, "missing"),
        ("brand = null", 8, "brand is missing"),
        ("category under ''", 15, "name a path"),
        ("price < 3; drop table", 9, "unexpected ';'"),
        ("and price < 3", 0, "name of a field"),
        ("brand = '\ud800'", 9, "not a character"),
    ],
)
def test_errors_point_at_the_character(text, position, says):
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.position == position
    assert says in str(caught.value)
    pointer = str(caught.value).splitlines()[-1]
    assert pointer == "  " + " " * position + "^"


def test_a_newline_does_not_move_the_pointer():
    with pytest.raises(FilterError) as caught:
        parse("price < 3\nand prise > 1")
    lines = str(caught.value).splitlines()
    assert lines[-2][lines[-1].index("^") :].startswith("prise")


def test_limits():
    deepest = "(" * MAX_DEPTH + "sold_out" + ")" * MAX_DEPTH
    assert parse(deepest) == Comparison("sold_out", "=", True)
    with pytest.raises(FilterError, match="nested too deep"):
        parse(f"({deepest})")
    with pytest.raises(FilterError, match="nested too deep"):
        parse("not " * (MAX_DEPTH + 1) + "sold_out")
    values = ",".join("1" for _ in range(MAX_IN_VALUES))
    assert len(parse(f"price in ({values})").values) == MAX_IN_VALUES
    with pytest.raises(FilterError, match="more than 1,000 values"):
        parse(f"price in ({values},1)")
    with pytest.raises(FilterError, match="at most 4,096"):
        parse(f"brand = '{'x' * MAX_LENGTH}'")
