from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findalike.server.json_shape import shape_problem

DEEP, WIDE = "brackets more than", "beside its texts"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", ""),
        (b"7", ""),
        (b"[[]]", ""),
        (b'{"a": [1, [2]], "c": []}', DEEP),
        (b'"[[[["', ""),
        (rb'"\"[[[["', ""),
        (rb'"\\" [[[', DEEP),
        (rb'"\\\" [[["', ""),
        (b'"never closed [[[', ""),
        (b"]]]][", ""),
        (b"[" * 1_000_000, DEEP),
        (b"[]" * 1_000_000, WIDE),
        (b"1," * 1_000_000, WIDE),
        (b'""' * 1_000_000, WIDE),
        (b" " * 1_000_000, WIDE),
        (b'"' + rb"\"" * 1_000_000, WIDE),
        (b'"' + b"\\" * 1_000_000 + b'"', ""),
        (b'{"photo": "' + b"x" * 1_000_000 + b'"}', ""),
    ],
)
def test_shapes(body, says):
    found = shape_problem(body, depth=2, outside=100)
    assert says in found
    assert bool(says) == bool(found)


values = st.recursive(
    st.none() | st.text() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def depth_of(value):
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, inner), default=0) if isinstance(value, dict | list) else 0


@given(values)
def test_depth_is_that_of_the_parsed_value(value):
    body = json.dumps(value, ensure_ascii=False).encode()
    depth = depth_of(value)
    assert shape_problem(body, depth=depth) == ""
    assert depth == 0 or DEEP in shape_problem(body, depth=depth - 1)
