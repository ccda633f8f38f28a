"""Forms, taken apart in memory within bounds and never written to the disk.

Starlette's own reading of forms is not used: it keeps files above a megabyte in temporary files.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from findalike.server.problems import Problem

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS = 64
LONGEST_FIELD = 16_384
LARGE = 1_000_000


@dataclass(slots=True)
class Form:
    """A form: its texts and its files, by name, in their order."""

    texts: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)


async def parse_form(body: bytes, content_type: str) -> Form:
    """Take a multipart body apart; a part with a file name is a file, the others are texts.

    A large one is taken apart in a thread: full of line ends, it takes a second.

    Raises:
        Problem: 400 if it is not multipart, or has too many or too large parts.
    """
    if len(body) > LARGE:
        return await asyncio.to_thread(form_of, body, content_type)
    return form_of(body, content_type)


def form_of(body: bytes, content_type: str) -> Form:
    """The same on the thread it is called on."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary or len(boundary) > 70:
        raise _malformed("the header Content-Type names no usable boundary")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise _malformed(str(error)) from error
    if not parts.ended:
        raise _malformed("the body ends before its last boundary")
    return parts.form


class _Parts:
    """Puts together what the parser tells piece by piece."""

    def __init__(self) -> None:
        self.form = Form()
        self.ended = False
        self._count = 0
        self._pieces: list[bytes] = []
        self._header: list[bytes] = []
        self._value: list[bytes] = []
        self._disposition = b""

    def callbacks(self) -> MultipartCallbacks:
        callbacks = {
            "on_part_begin": self._begin,
            "on_part_data": lambda data, start, end: self._pieces.append(data[start:end]),
            "on_part_end": self._end,
            "on_header_field": lambda data, start, end: self._header.append(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.append(data[start:end]),
            "on_header_end": self._header_end,
            "on_end": self._finish,
        }
        return cast("MultipartCallbacks", callbacks)

    def _begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise _malformed(f"more than {MOST_PARTS} parts")
        self._pieces, self._disposition = [], b""

    def _header_end(self) -> None:
        if b"".join(self._header).strip().lower() == b"content-disposition":
            self._disposition = b"".join(self._value)
        self._header, self._value = [], []

    def _end(self) -> None:
        options = parse_options_header(self._disposition)[1]
        raw = options.get(b"name")
        if raw is None:
            raise _malformed("a part has no name in its Content-Disposition")
        name, data = raw.decode("utf-8", "replace"), b"".join(self._pieces)
        if b"filename" in options or b"filename*" in options:
            self.form.files.append((name, data))
            return
        if len(data) > LONGEST_FIELD:
            raise _malformed(f"the field {name[:40]!r} has more than {LONGEST_FIELD:,} bytes")
        if name in self.form.texts:
            raise _malformed(f"the field {name[:40]!r} is given twice")
        try:
            self.form.texts[name] = data.decode("utf-8")
        except UnicodeDecodeError:
            raise _malformed(f"the field {name[:40]!r} is not UTF-8") from None

    def _finish(self) -> None:
        self.ended = True


def _malformed(what: str) -> Problem:
    return Problem(
        400,
        "malformed-form",
        f"the form cannot be read: {what}",
        next_step="send multipart/form-data as browsers and `curl -F` do",
        title="The form cannot be read",
    )
