"""Random fields, rows and filter trees, for the tests that compare engines with ``matches``."""

import random

from findalike.index.filters import (
    And,
    Comparison,
    Contains,
    Has,
    In,
    Missing,
    Not,
    Or,
    Under,
)

ATTRIBUTES = {
    "brand": "text",
    "order": "text",
    "stock": "number",
    "sold_out": "boolean",
    "select": "boolean",
    "tags": "list",
}
TEXTS = [
    "A",
    "a",
    "it's",
    'say "hi"',
    "`tick`",
    "back\\slash",
    "",
    " ",
    "%_",
    "é",
    "É",
    "日本",
    "'; drop table images; --",
    "' or '1'='1",
    "\\' or 1=1 --",
    "line\nbreak",
    "nul\0",
    "\u202e",
    "😀",
    "Men",
    "Men/Tops",
    "Men/Tops/Hoodies",
    "Menswear",
    "men/tops",
    "NULL",
    "true",
]
NUMBERS = [0.0, -0.0, 1.0, -1.0, 2.5, 1e-7, 1e20, -3e300, 0.1, 9007199254740993.0]
COLUMNS = {"category": "text", "title": "text", "price": "number", **ATTRIBUTES}


def random_row(rng: random.Random, number: int) -> dict:
    """A row with every column either a value or missing."""
    row = {"image_id": f"i{number}", "product_id": f"p{number // 2}"}
    for name, kind in COLUMNS.items():
        if rng.random() < 0.25:
            row[name] = None
        elif kind == "text":
            row[name] = rng.choice(TEXTS)
        elif kind == "number":
            row[name] = rng.choice(NUMBERS)
        elif kind == "boolean":
            row[name] = rng.random() < 0.5
        else:
            row[name] = rng.sample(TEXTS, rng.randrange(4))
    return row


def random_filter(rng: random.Random, depth: int = 4):
    """A tree of up to ``depth`` levels over ``COLUMNS``."""
    if depth and rng.random() < 0.7:
        kind = rng.randrange(3)
        if kind == 0:
            return Not(random_filter(rng, depth - 1))
        parts = tuple(random_filter(rng, depth - 1) for _ in range(rng.randrange(4)))
        return And(parts) if kind == 1 else Or(parts)
    return _leaf(rng)


def _leaf(rng: random.Random):
    field = rng.choice(list(COLUMNS))
    kind = COLUMNS[field]
    if rng.random() < 0.2:
        return Missing(field)
    if kind == "list":
        if rng.random() < 0.5:
            return In(field, tuple(rng.sample(TEXTS, rng.randrange(4))))
        return Has(field, rng.choice(TEXTS))
    if kind == "boolean" and rng.random() < 0.3:
        return In(field, tuple(rng.sample([True, False], rng.randrange(3))))
    if kind == "boolean":
        return Comparison(field, rng.choice(["=", "!="]), rng.random() < 0.5)
    values = TEXTS if kind == "text" else NUMBERS
    form = rng.randrange(4 if kind == "text" else 2)
    if form == 0:
        return Comparison(field, rng.choice(["=", "!=", "<", "<=", ">", ">="]), rng.choice(values))
    if form == 1:
        return In(field, tuple(rng.sample(values, rng.randrange(4))))
    text = rng.choice(TEXTS)
    return Under(field, text) if form == 2 else Contains(field, text)
