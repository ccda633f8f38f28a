"""The shop's pictures in the sizes that pages want, made once and kept in memory for a while.

Pictures at URLs are fetched by the service and made small like the others, rather than redirected
to: the shopper's browser then meets one server only, the page's policy can forbid all others, and
the picture shown is the one that was indexed where it has not changed since.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from findalike.data.catalogue.locations import is_url
from findalike.errors import FindalikeError
from findalike.server.admission import Budget
from findalike.server.originals import Originals
from findalike.server.problems import Problem
from findalike.server.service import Service
from findalike.shop.pictures import PictureFormat, small_picture
from findalike.shop.results import FoundImage

WIDTHS = (160, 240, 320, 480, 640, 960, 1280)
"""Widths that are made; another one asked for gets the next larger."""

CACHE_BYTES = 64_000_000
"""Pictures kept in memory, in each worker."""

FETCHED_AT_ONCE = 4
"""Pictures being fetched at the same time; those on the disk do not wait for them."""

WAITING = 256
FOR_ONE = 64
"""Pictures that wait to be made in each worker, in all and for one client."""

ORIGINAL_SECONDS = 60.0
ORIGINAL_BYTES = 32_000_000
"""How long what was fetched is kept for further widths, and how much of it."""

FAILURE_SECONDS = 30.0
FAILURES = 1000
"""How long what could not be fetched is not asked for again, and how many of these are known."""


_Key: TypeAlias = tuple[str, int, PictureFormat]
_Load: TypeAlias = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready to be sent.

    Attributes:
        etag: of its bytes' source, its width and its format.
        lasting: whether it is of the very bytes that were indexed.
    """

    data: bytes
    media_type: str
    etag: str
    lasting: bool


class Pictures:
    """The pictures of one service.

    Making them small takes half of the CPUs at most, so that pages full of new pictures leave the
    other half to searches.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kept: OrderedDict[_Key, Picture] = OrderedDict()
        self._bytes = 0
        self._fetching = asyncio.Semaphore(FETCHED_AT_ONCE)
        self._shrinking = asyncio.Semaphore(max(1, service.settings.threads // 2))
        self._waiting = Budget(WAITING, share=FOR_ONE, what="pictures are being made")
        self._originals = Originals(
            seconds=ORIGINAL_SECONDS,
            most_bytes=ORIGINAL_BYTES,
            failure_seconds=FAILURE_SECONDS,
            most_failures=FAILURES,
        )
        self._making: dict[_Key, asyncio.Future[Picture]] = {}

    async def get(
        self, image: FoundImage, width: int, kind: PictureFormat, *, owner: str | None
    ) -> Picture:
        """A picture of the shop at a width of ``WIDTHS``.

        Args:
            owner: who waits for it; see `Budget.take`.

        Raises:
            Problem: 404 if its file is gone, 429 if too many wait, 503 if the time is up.
        """
        key = (f"{image.sha256}{image.location}", width, kind)
        return await self._get(key, partial(self._of_shop, image), image.sha256, owner)

    async def example(
        self, path: Path, width: int, kind: PictureFormat, *, owner: str | None
    ) -> Picture:
        """An example photo, as `get` does.

        Raises:
            OSError: if there is no such file.
            Problem: as `get` does.
        """
        found = await self._service.in_time(self._service.read(path.stat))
        key = (f"{path}{found.st_mtime_ns}{found.st_size}", width, kind)

        async def read() -> bytes:
            return await self._service.read(path.read_bytes)

        return await self._get(key, read, None, owner)

    async def _get(self, key: _Key, load: _Load, known: str | None, owner: str | None) -> Picture:
        held = self._kept.get(key)
        if held is not None:
            self._kept.move_to_end(key)
            return held
        making = self._making.get(key)
        if making is None:
            self._waiting.take(1, owner)
            making = asyncio.ensure_future(self._make(key, load, known))
            self._making[key] = making
            making.add_done_callback(partial(self._made_or_not, key, owner))
        return await self._service.in_time(asyncio.shield(making))

    def _made_or_not(self, key: _Key, owner: str | None, making: asyncio.Future[Picture]) -> None:
        self._making.pop(key, None)
        self._waiting.give_back(1, owner)
        if not making.cancelled():
            making.exception()  # looked at here in case that everybody who asked has gone

    async def _make(self, key: _Key, load: _Load, known: str | None) -> Picture:
        data = await load()
        async with self._shrinking:
            picture = await self._shrunk(data, key[1], key[2], known)
        self._kept[key] = picture
        self._bytes += len(picture.data)
        while self._bytes > CACHE_BYTES:
            _, old = self._kept.popitem(last=False)
            self._bytes -= len(old.data)
        return picture

    async def _of_shop(self, image: FoundImage) -> bytes:
        service = self._service
        if is_url(image.location):
            return await self._fetched(image)
        data = await service.read(partial(service.shop.picture, image.location, image.sha256))
        if data is None:
            raise _gone(image.image_id, "its file is no longer where it was, or has changed")
        return data

    async def _fetched(self, image: FoundImage) -> bytes:
        service, url = self._service, image.location
        async with self._fetching:
            held = self._originals.get(url)
            if held is None:
                try:
                    held = await service.fetch(partial(service.fetcher.fetch, url))
                except FindalikeError:
                    held = b""
                self._originals.put(url, held)
        if not held:
            raise _gone(image.image_id, "it cannot be fetched from where it lies")
        return held

    async def _shrunk(
        self, data: bytes, width: int, kind: PictureFormat, known: str | None
    ) -> Picture:
        digest = hashlib.sha256(data).hexdigest()
        work = partial(small_picture, data, width, kind=kind, name="the picture")
        try:
            small = await self._service.read(work)
        except FindalikeError as error:
            raise _gone("", "what lies there is no picture that can be shown") from error
        return Picture(
            small,
            f"image/{kind.lower()}",
            f'"{digest}-{width}-{kind.lower()}"',
            lasting=known == digest,
        )


def width_of(asked: int) -> int:
    """The width that is made for one asked for."""
    return next((width for width in WIDTHS if width >= asked), WIDTHS[-1])


def format_of(accept: str) -> PictureFormat:
    """WebP for those who say that they take it, JPEG for the others."""
    return "WEBP" if "image/webp" in accept.lower() else "JPEG"


def _gone(image_id: str, why: str) -> Problem:
    which = f"the image {image_id[:200]!r}" if image_id else "the image"
    return Problem(
        404,
        "picture-gone",
        f"the shop knows {which}, but {why}",
        next_step="tell the shop: `findalike shop verify` lists what is missing",
        title="The picture is gone",
    )
