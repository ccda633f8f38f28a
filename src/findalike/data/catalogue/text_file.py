"""Text files of unknown encoding, gzipped or not, read line by line in bounded memory."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from findalike.errors import CatalogueError

MAX_LINE_CHARACTERS = 1 << 20
MAX_RECORD_LINES = 1000
_CHUNK = 1 << 20
_GZIP_FREE_BYTES = 256 << 20
_GZIP_MAX_RATIO = 200
_ESCAPED = re.compile("[\udc80-\udcff]")
_REPLACED = re.compile("\ufffd")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class LineTooLongError(ValueError):
    """A line, or the lines of one record, longer than any table has."""


class TextFile:
    """A text file whose encoding has been found.

    UTF-8 unless the file says or shows otherwise: a byte order mark, zero bytes in every other
    place (UTF-16), or more bytes that are wrong in UTF-8 than characters beyond ASCII that are
    right (Windows-1252, as old spreadsheets write).

    Attributes:
        note: a sentence about the encoding where it had to be guessed, else "".
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.note = ""
        self._damaged = True
        self._encoding = self._find_encoding()

    @contextmanager
    def binary(self) -> Iterator[IO[bytes]]:
        """The bytes of the file, out of gzip where it is gzipped.

        Raises:
            CatalogueError: if it cannot be read, or its gzip data is damaged or endless.
        """
        try:
            with self.path.open("rb") as plain:
                if plain.read(2) != b"\x1f\x8b":
                    plain.seek(0)
                    yield plain
                    return
                plain.seek(0)
                with gzip.GzipFile(fileobj=plain) as packed:
                    yield cast("IO[bytes]", _Bounded(packed, self.path))
        except (OSError, EOFError, zlib.error) as error:
            raise CatalogueError(
                f"cannot read {self.path}: {error}. If it is packed, its gzip data is damaged: "
                f"pack it anew, or give it unpacked"
            ) from error

    @contextmanager
    def lines(self) -> Iterator[LineFeed]:
        """The lines, from the first.

        Raises:
            CatalogueError: as ``binary``.
        """
        errors = "surrogateescape" if self._encoding in ("utf-8", "utf-8-sig") else "replace"
        with self.binary() as raw:
            text = io.TextIOWrapper(
                io.BufferedReader(cast("io.RawIOBase", raw), _CHUNK)
                if isinstance(raw, _Bounded)
                else raw,
                encoding=self._encoding,
                errors=errors,
                newline="",
            )
            try:
                yield LineFeed(text)
            except UnicodeError as error:
                raise CatalogueError(f"cannot read {self.path} as text: {error}") from error
            finally:
                text.detach()

    def damage_in(self, lines: list[str]) -> str | None:
        """What is wrong with the characters of some lines, or None."""
        for line in lines:
            if "\0" in line:
                return "NUL byte"
            if self._damaged and not line.isascii():
                pattern = _ESCAPED if self._encoding in ("utf-8", "utf-8-sig") else _REPLACED
                if found := pattern.search(line):
                    escaped = ord(found[0]) - 0xDC00 if pattern is _ESCAPED else None
                    which = "bytes" if escaped is None else f"byte 0x{escaped:02X}"
                    return f"{which} that are no text in {self._encoding}"
        return None

    def _find_encoding(self) -> str:
        with self.binary() as stream:
            start = stream.read(4096)
            for mark, encoding in _MARKS:
                if start.startswith(mark):
                    return encoding
            if (wide := _wide_encoding(start)) is not None:
                self.note = f"read as {wide}, which it looks like; it has no byte order mark"
                return wide
            right, wrong = self._count(start, stream)
        self._damaged = wrong > 0
        if wrong > right:
            self._damaged = True
            self.note = (
                f"read as Windows-1252 (cp1252): {wrong:,} bytes of it are no UTF-8; "
                f"save it as UTF-8 if texts look wrong"
            )
            return "cp1252"
        return "utf-8"

    @staticmethod
    def _count(start: bytes, stream: IO[bytes]) -> tuple[int, int]:
        """Characters beyond ASCII that are right in UTF-8, and bytes that are not."""
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        right = wrong = 0
        chunk = start
        while True:
            text = decoder.decode(chunk, final=not chunk)
            if not text.isascii():
                bad = len(_ESCAPED.findall(text))
                wrong += bad
                right += sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - bad
            if not chunk:
                return right, wrong
            chunk = stream.read(_CHUNK)


class LineFeed:
    """An iterator of numbered lines that remembers those of the current record.

    Attributes:
        number: of the last line given, counted from 1.
        taken: the lines given since ``begin``.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self._returned: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> LineFeed:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MAX_RECORD_LINES:
            raise LineTooLongError(f"more than {MAX_RECORD_LINES:,} lines")
        if self._returned:
            line = self._returned.popleft()
        else:
            line = self._stream.readline(MAX_LINE_CHARACTERS)
            if not line:
                raise StopIteration
        self.number += 1
        if len(line) >= MAX_LINE_CHARACTERS:
            line = self._ended(line)
        self.taken.append(line)
        if len(line) >= MAX_LINE_CHARACTERS:
            raise LineTooLongError(f"a line of more than {MAX_LINE_CHARACTERS:,} characters")
        return line

    def begin(self) -> int:
        """Forget the lines taken; the number of the line that comes next."""
        self.taken.clear()
        return self.number + 1

    def give_back(self, lines: list[str]) -> None:
        """Put the last lines taken back, to be given again."""
        self._returned.extendleft(reversed(lines))
        self.number -= len(lines)

    def _ended(self, line: str) -> str:
        """The line with its end, the part between passed over."""
        rest = line
        while rest and not rest.endswith(("\n", "\r")):
            rest = self._stream.readline(MAX_LINE_CHARACTERS)
        return line if rest is line else f"{line}\n"


class _Bounded(io.RawIOBase):
    """Unpacked gzip data, up to what honest compression of text can reach."""

    def __init__(self, packed: gzip.GzipFile, path: Path) -> None:
        self._packed = packed
        self._path = path
        self._left = max(_GZIP_FREE_BYTES, _GZIP_MAX_RATIO * path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._packed.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise CatalogueError(
                f"{self._path} unpacks to more than {_GZIP_MAX_RATIO} times its size, as a "
                f"decompression bomb does: unpack it yourself and give the unpacked file"
            )
        buffer[: len(data)] = data
        return len(data)


def _wide_encoding(start: bytes) -> str | None:
    """UTF-16 without a mark: nearly all of every other byte is zero."""
    pairs = len(start) // 2
    if pairs < 4:
        return None
    even, odd = start[0 : 2 * pairs : 2].count(0), start[1 : 2 * pairs : 2].count(0)
    if odd > 0.8 * pairs and even < 0.1 * pairs:
        return "utf-16-le"
    if even > 0.8 * pairs and odd < 0.1 * pairs:
        return "utf-16-be"
    return None
