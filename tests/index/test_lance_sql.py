"""Compiled filters: their form, their limits, and that no text of a caller is read as SQL.

That they mean what ``matches`` says is checked on a real table by the conformance suite.
"""

import random

import pytest
from engine_process import SIZE, vectors
from filter_strategies import ATTRIBUTES, TEXTS, random_row

from findalike.errors import SettingError
from findalike.index.embedded import EmbeddedIndex
from findalike.index.filters import (
    MAX_DEPTH,
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
from findalike.index.lance_sql import lance_sql
from findalike.index.schema import FIXED_FIELDS, image_rows

FIELDS = {**FIXED_FIELDS, **ATTRIBUTES}


@pytest.fixture(scope="module")
def rows():
    rng = random.Random(11)
    return [random_row(rng, n) for n in range(150)]


@pytest.fixture(scope="module")
def index(tmp_path_factory, rows):
    made = EmbeddedIndex.create(tmp_path_factory.mktemp("sql") / "index", embedding_size=SIZE)
    made.upsert(image_rows(rows, vectors(len(rows), 0), ATTRIBUTES))
    return made


@pytest.mark.parametrize(
    ("where", "sql"),
    [
        (Comparison("price", "<", -0.0), "`price` < 0.0"),
        (Comparison("price", "=", 20), "`price` = 20.0"),
        (Comparison("order", "!=", "it's"), "`order` <> 'it''s'"),
        (Not(Comparison("sold_out", "=", True)), "NOT (`sold_out` = TRUE) OR `sold_out` IS NULL"),
        (Not(Not(Missing("price"))), "`price` IS NULL"),
        (
            Not(Or((Missing("price"), Missing("brand")))),
            "NOT (`price` IS NULL) AND NOT (`brand` IS NULL)",
        ),
        (In("brand", ()), "FALSE"),
        (And(()), "TRUE"),
        (
            And((Under("category", "Men"), Has("tags", "x"))),
            "(`category` = 'Men' OR starts_with(`category`, 'Men/')) AND array_has(`tags`, 'x')",
        ),
        (Contains("title", "ÄB"), "contains(lower(`title`), 'äb')"),
    ],
)
def test_form(where, sql):
    assert lance_sql(where, FIELDS) == sql


@pytest.mark.parametrize(
    "where",
    [
        Comparison("colour", "=", "x"),
        Comparison("`price` = 1 or `price", "=", 1.0),
        Comparison("price", "=", "x"),
        Comparison("price", "=", True),
        Comparison("price", "<", float("nan")),
        Comparison("price", "<", float("inf")),
        Comparison("brand", "=", 1.0),
        Comparison("brand", "=", "\ud800"),
        Comparison("sold_out", "<", True),
        Comparison("sold_out", "=", 1),
        Comparison("tags", "=", "x"),
        In("tags", (1.0,)),
        In("sold_out", ("true",)),
        In("price", (1.0, "x")),
        Has("brand", "x"),
        Under("price", "x"),
        Contains("tags", "x"),
    ],
)
def test_trees_that_do_not_fit_are_refused(where):
    with pytest.raises(SettingError):
        lance_sql(And((Missing("price"), Not(where))), FIELDS)


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_is_read_as_sql(index, rows, text):
    quoted = text.replace("'", "''")
    for written in (
        f"brand = '{quoted}'",
        f"order in ('{quoted}', 'none')",
        f"tags has '{quoted}'",
    ):
        where = parse_filter(written, index.fields)
        kept = sum(matches(where, row) for row in rows)
        assert index.count(where) == kept
        assert index.count(Not(where)) == len(rows) - kept


@pytest.mark.parametrize("seed", range(3))
def test_random_texts_are_compared_whole(index, rows, seed):
    rng = random.Random(seed)
    alphabet = "'\"`\\%_;-/*\0\n\t()=, aé日😀\u0301\u202e"
    for _ in range(60):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 12)))
        where = Or((Comparison("brand", "=", text), Has("tags", text)))
        kept = sum(matches(where, row) for row in rows)
        assert index.count(where) == kept
        assert index.count(Not(where)) == len(rows) - kept


def test_the_deepest_and_the_longest_expressions_run(index, rows):
    deep = "sold_out"
    for level in range(MAX_DEPTH):
        word = "and not select" if level % 2 else "or price > 1"
        deep = f"({deep} {word})"
    wide = " or ".join(["select", "not sold_out"] * 155)
    assert MAX_LENGTH * 0.8 < len(wide) <= MAX_LENGTH
    nots = "not " * MAX_DEPTH + "sold_out"
    for text in (deep, wide, nots, f"not ({wide[:2000].rpartition(' or ')[0]})"):
        where = parse_filter(text, index.fields)
        assert index.count(where) == sum(matches(where, row) for row in rows)
