"""What is wrong with a configuration, in words: pydantic's findings with dotted keys."""

from __future__ import annotations

import types
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One sentence a finding.

    Args:
        error: what validation by ``model`` raised.
        model: the schema at the root of the document.
    """
    return [
        _explain_one(model, item["loc"], item)
        for item in error.errors()
        # A list of which every entry was refused is called too short besides.
        if not (item["type"] == "too_short" and item["input"])
    ]


def _explain_one(model: type[BaseModel], loc: tuple[int | str, ...], item: Any) -> str:
    key, owners = _walk(model, loc)
    if item["type"] == "extra_forbidden":
        key = f"{key}.{loc[-1]}" if loc[:-1] else str(loc[-1])
        allowed = sorted({name for owner in owners for name in _keys(owner)})
        near = get_close_matches(str(loc[-1]), allowed, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"allowed are {', '.join(allowed)}"
        return f"unknown key {key!r}, {hint}"
    if item["type"] == "missing":
        return f"key {key!r} is missing"
    if item["type"] == "union_tag_invalid":
        given = str(item["ctx"]["tag"])
        choices = [tag.strip("'") for tag in item["ctx"]["expected_tags"].split(", ")]
        near = get_close_matches(given, choices, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{key}.name is {given!r}: {hint}allowed are {', '.join(choices)}"
    if item["type"] == "union_tag_not_found":
        return f"key '{key}.name' is missing"
    if item["type"] == "too_short":
        return f"{key} is empty: give at least one entry"
    message = item["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" + ("" if item["type"] == "value_error" else f", not {_short(item)}")


def _walk(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[str, list[type[BaseModel]]]:
    """The dotted key of a place as far as the schema knows it, and the sections found there.

    pydantic puts the tag of a union's member, and the name of a type it tried, into the place;
    they are no keys and are left out.
    """
    owners: list[type[BaseModel]] = [model]
    parts: list[str] = []
    in_mapping = False
    for part in loc:
        if isinstance(part, int):
            parts.append(str(part))
            continue
        if in_mapping:
            # The keys of a mapping are the user's own.
            parts.append(part)
            in_mapping = False
            continue
        annotations = [
            field.annotation
            for owner in owners
            for name, field in owner.model_fields.items()
            if part in (field.alias or name, name)
        ]
        tagged = [kind for kind in owners if part in _tags(kind)]
        if annotations:
            parts.append(part)
            in_mapping = any(get_origin(annotation) is dict for annotation in annotations)
            inside = [kind for annotation in annotations for kind in sections_of(annotation)]
            owners = inside or owners
        elif tagged:
            owners = tagged
    return ".".join(parts) or "the document", owners


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    field = model.model_fields.get("name")
    return get_args(field.annotation) if field is not None else ()


def sections_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that a key of this type may hold, those in unions and lists among them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, Annotated, tuple, list):
        for part in get_args(annotation):
            yield from sections_of(part)


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _short(item: Any) -> str:
    text = repr(item["input"])
    return text if len(text) <= 80 else f"{text[:77]}..."
