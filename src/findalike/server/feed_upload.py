"""A feed on its way from a request to a file, piece by piece.

Unlike photos, which never reach the disk, a feed can be larger than memory.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from findalike.server.problems import Problem
from findalike.server.uploads import LONGEST_FIELD
from findalike.shop.writing import storage_errors

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS = 16
MOST_HEADER_BYTES = 4096
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


class FeedUpload:
    """Takes a form apart as it comes: the file ``file`` goes to a folder, texts are kept.

    Attributes:
        texts: the other fields.
        name: of the file, as it is called in the folder; empty until it came.
    """

    def __init__(self, folder: Path) -> None:
        self.texts: dict[str, str] = {}
        self.name = ""
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._parts = 0
        self._header_bytes = 0
        self._head: list[bytes] = []
        self._value: list[bytes] = []
        self._disposition = b""
        self._field = ""
        self._text = bytearray()
        self._ended = False

    async def read(self, chunks: AsyncIterator[bytes], content_type: str) -> None:
        """Read a whole body.

        Raises:
            Problem: 400 if it is no form, 422 if it has no file or another field than expected.
            StorageError: if the file cannot be written.
        """
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary or len(boundary) > 70:
            raise _malformed("the header Content-Type names no usable boundary")
        parser = MultipartParser(boundary, self._callbacks())
        try:
            with storage_errors(self._folder):
                async for chunk in chunks:
                    # Beside the event loop: it writes to the disk, which may be slow.
                    await asyncio.to_thread(parser.write, chunk)
                parser.finalize()
        except FormParserError as error:
            raise _malformed(str(error)) from error
        finally:
            if self._file is not None:
                self._file.close()
        if not self._ended:
            raise _malformed("the body ends before its last boundary")
        if not self.name:
            raise Problem(
                422,
                "no-feed",
                "there is no file in the form",
                next_step="send the feed as a file named file, or as JSON with its url",
                title="There is no feed",
            )

    def _callbacks(self) -> MultipartCallbacks:
        callbacks = {
            "on_part_begin": self._part_begin,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_header_field": lambda data, start, end: self._header(self._head, data[start:end]),
            "on_header_value": lambda data, start, end: self._header(self._value, data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_end": self._end,
        }
        return cast("MultipartCallbacks", callbacks)

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise _malformed(f"more than {MOST_PARTS} parts")
        self._header_bytes, self._disposition, self._field = 0, b"", ""
        self._text.clear()

    def _header(self, into: list[bytes], piece: bytes) -> None:
        self._header_bytes += len(piece)
        if self._header_bytes > MOST_HEADER_BYTES:
            raise _malformed(f"a part has more than {MOST_HEADER_BYTES:,} bytes of headers")
        into.append(piece)

    def _header_end(self) -> None:
        if b"".join(self._head).strip().lower() == b"content-disposition":
            self._disposition = b"".join(self._value)
        self._head, self._value = [], []

    def _headers_finished(self) -> None:
        options = parse_options_header(self._disposition)[1]
        self._field = (options.get(b"name") or b"").decode("utf-8", "replace")
        if b"filename" in options or b"filename*" in options:
            if self._field != "file" or self.name:
                raise _malformed("one file is wanted, named file")
            given = (options.get(b"filename") or b"").decode("utf-8", "replace")
            self.name = safe_name(given)
            self._file = (self._folder / self.name).open("xb")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > LONGEST_FIELD:
            raise _malformed(f"a field has more than {LONGEST_FIELD:,} bytes")

    def _part_end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            return
        try:
            self.texts[self._field] = self._text.decode("utf-8")
        except UnicodeDecodeError:
            raise _malformed(f"the field {self._field[:40]!r} is not UTF-8") from None

    def _end(self) -> None:
        self._ended = True


def safe_name(given: str) -> str:
    """A name for a file that came under any name: no folder, no hidden file, nothing odd.

    >>> safe_name("../../etc/Preise März.csv"), safe_name("..")
    ('Preise_M_rz.csv', 'feed')
    """
    plain = _UNFIT.sub("_", PurePosixPath(given.replace("\\", "/")).name).strip("._-")
    return plain[-80:].strip("._-") or "feed"


def _malformed(what: str) -> Problem:
    return Problem(
        400,
        "malformed-form",
        f"the form cannot be read: {what}",
        next_step="send multipart/form-data as `curl -F file=@feed.csv` does",
        title="The form cannot be read",
    )
