"""The shop's pictures in the sizes that pages want, made once and kept in memory for a while.

Pictures at URLs are fetched by the service and made small like the others, rather than redirected
to: the shopper's browser then meets one server only, the page's policy can forbid all others, and
the picture shown is the one that was indexed where it has not changed since.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from findalike.data.catalogue.locations import is_url
from findalike.errors import FindalikeError
from findalike.server.admission import busy
from findalike.server.problems import Problem
from findalike.server.service import Service
from findalike.shop.pictures import PictureFormat, small_picture
from findalike.shop.results import FoundImage

WIDTHS = (160, 240, 320, 480, 640, 960, 1280)
"""Widths that are made; another one asked for gets the next larger."""

CACHE_BYTES = 64_000_000
"""Pictures kept in memory, in each worker."""

AT_ONCE = 4
WAITING = 256
"""Pictures being made at the same time, and waiting for that, in each worker."""


_Key: TypeAlias = tuple[str, int, PictureFormat]


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
    """The pictures of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kept: OrderedDict[_Key, Picture] = OrderedDict()
        self._bytes = 0
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._making: dict[_Key, asyncio.Future[Picture]] = {}

    async def get(self, image: FoundImage, width: int, kind: PictureFormat) -> Picture:
        """A picture of the shop at a width of ``WIDTHS``.

        Raises:
            Problem: 404 if its file is gone, 429 if too many wait.
        """
        key = (f"{image.sha256}{image.location}", width, kind)
        held = self._kept.get(key)
        if held is not None:
            self._kept.move_to_end(key)
            return held
        making = self._making.get(key)
        if making is None:
            making = asyncio.ensure_future(self._make(key, image, width, kind))
            self._making[key] = making
            making.add_done_callback(partial(self._made_or_not, key))
        return await asyncio.shield(making)

    def _made_or_not(self, key: _Key, making: asyncio.Future[Picture]) -> None:
        self._making.pop(key, None)
        if not making.cancelled():
            making.exception()  # looked at here in case that everybody who asked has gone

    async def _make(
        self,
        key: _Key,
        image: FoundImage,
        width: int,
        kind: PictureFormat,
    ) -> Picture:
        if self._waiting >= WAITING:
            raise busy(f"{self._waiting} pictures are being made", 1.0)
        self._waiting += 1
        try:
            async with self._turns:
                picture = await self._made(image, width, kind)
        finally:
            self._waiting -= 1
        self._kept[key] = picture
        self._bytes += len(picture.data)
        while self._bytes > CACHE_BYTES:
            _, old = self._kept.popitem(last=False)
            self._bytes -= len(old.data)
        return picture

    async def _made(self, image: FoundImage, width: int, kind: PictureFormat) -> Picture:
        service = self._service
        data: bytes | None
        if is_url(image.location):
            try:
                data = await service.fetch(partial(service.fetcher.fetch, image.location))
            except FindalikeError as error:
                raise _gone(image.image_id, "it cannot be fetched from where it lies") from error
        else:
            find = partial(service.shop.picture, image.location, image.sha256)
            data = await service.read(find)
        if data is None:
            raise _gone(image.image_id, "its file is no longer where it was, or has changed")
        return await picture_of(service, data, width, kind, known=image.sha256)


async def picture_of(
    service: Service, data: bytes, width: int, kind: PictureFormat, *, known: str | None = None
) -> Picture:
    """A picture made small.

    Args:
        known: SHA-256 that its bytes should have, where it was indexed.

    Raises:
        Problem: 404 if it is no picture that can be shown.
    """
    digest = hashlib.sha256(data).hexdigest()
    try:
        small = await service.read(
            partial(small_picture, data, width, kind=kind, name="the picture")
        )
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
