"""The examples of an operation as commands that can be copied."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

HOST = "https://search.shop.example"
"""Stands for the service's own address."""

FILES = frozenset({"image", "file", "photo"})
"""Fields of forms that are files."""


def curl_lines(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    """One command for each kind of body that an operation takes, and one where it takes none.

    Args:
        method: of HTTP, in small letters.
        path: as the description writes it, with its parameters in braces.
        operation: its description, with its examples.
    """
    content = operation.get("requestBody", {}).get("content", {})
    words = ["curl", *_method(method, has_body=bool(content))]
    query: dict[str, Any] = {}
    headers = ["Authorization: Bearer $KEY"] if {"key": []} in operation.get("security", ()) else []
    for parameter in operation.get("parameters", ()):
        if "example" not in parameter:
            continue
        name, value = parameter["name"], parameter["example"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        elif parameter["in"] == "query":
            query[name] = value
        else:
            headers.append(f"{name}: {value}")
    url = f"{HOST}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
    for header in headers:
        words += ["-H", header]
    bodies = [list(_body(kind, body["example"])) for kind, body in content.items()] or [[]]
    return [_line([*words, *body, url]) for body in bodies]


def _method(method: str, *, has_body: bool) -> Sequence[str]:
    usual = "post" if has_body else "get"
    return () if method == usual else ("-X", method.upper())


def _body(kind: str, example: Any) -> Iterator[str]:
    if kind != "multipart/form-data":
        yield from ("-H", f"Content-Type: {kind}", "--data", json.dumps(example))
        return
    for name, held in example.items():
        for value in held if isinstance(held, list) else [held]:
            text = value if isinstance(value, str) else json.dumps(value)
            yield from ("-F", f"{name}=@{text}" if name in FILES else f"{name}={text}")


def _line(words: Sequence[str]) -> str:
    """The words as a shell reads them; the key is a variable of it."""
    return " ".join(f'"{word}"' if "$KEY" in word else shlex.quote(word) for word in words)
