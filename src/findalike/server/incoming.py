"""From a product as it was sent to a change that is ready to be written.

Pictures are read or fetched, hashed, and embedded if the shop does not know them: a picture of the
same bytes and box is never embedded twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from functools import partial

from findalike.data.catalogue.locations import is_url
from findalike.data.prepare import Prepared, prepare
from findalike.errors import FetchError, FindalikeError, ImageError, PathError, UrlError
from findalike.server.problems import FieldProblem, Problem
from findalike.server.product_models import ImageBody, PatchBody, ProductBody
from findalike.server.service import Service
from findalike.shop.changes import PatchProduct, PutProduct, ReadyImage
from findalike.shop.known_roots import KnownRoots
from findalike.shop.product_input import (
    PRODUCT_VALUES,
    ImageInput,
    ProductRefusedError,
    checked_patch,
    checked_product,
)
from findalike.shop.uploaded import upload_location
from findalike.types import Box, CatalogueImage, Refusal

READ_AT_ONCE = 4
FETCHED_AT_ONCE = 12
"""Pictures held in memory at the same time in each worker: those that are read from the disk do not
wait for those of slow servers."""


class Incoming:
    """Makes products ready for one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reading = asyncio.Semaphore(READ_AT_ONCE)
        self._fetching = asyncio.Semaphore(FETCHED_AT_ONCE)

    async def put(self, product_id: str, body: ProductBody, files: Sequence[bytes]) -> PutProduct:
        """A product with its pictures, ready to be written.

        Args:
            files: pictures sent along; those that no image of the body names are added to it.

        Raises:
            Problem: 422 naming the fields that cannot be used.
        """
        shop = self._service.shop
        images = [*body.images, *_unnamed(body.images, len(files))]
        places, sent = await self._places(images, files)
        inputs = [
            ImageInput(place, image.image_id, _box(image, number))
            for number, (place, image) in enumerate(zip(places, images, strict=True))
        ]
        said = body.model_dump()
        values = {name: said[name] for name in PRODUCT_VALUES}
        try:
            checked = checked_product(
                product_id, values, said["attributes"], inputs, known=shop.attributes
            )
        except ProductRefusedError as error:
            raise refused(error.refusals) from error
        source = await self._source()
        work = (
            self._ready(number, image, source, sent) for number, image in enumerate(checked.images)
        )
        ready = await self._service.in_time(asyncio.gather(*work))
        # Last, so that a product that is refused leaves nothing behind.
        for data in sent.values():
            await self._service.read(partial(shop.keep_upload, data, name="a picture"))
        return PutProduct(checked.product, tuple(ready), checked.types)

    def patch(self, product_id: str, body: PatchBody) -> PatchProduct:
        """A patch, ready to be carried out.

        Raises:
            Problem: 422 naming the fields that cannot be used.
        """
        said = body.model_dump(exclude_unset=True)
        attributes = said.pop("attributes", {})
        try:
            return checked_patch(product_id, said, attributes, known=self._service.shop.attributes)
        except ProductRefusedError as error:
            raise refused(error.refusals) from error

    async def _places(
        self, images: Sequence[ImageBody], files: Sequence[bytes]
    ) -> tuple[list[str], dict[str, bytes]]:
        """Where each picture is or will be, and the bytes of those that were sent, by that."""
        places: list[str] = []
        sent: dict[str, bytes] = {}
        for number, image in enumerate(images):
            if (image.location is None) == (image.file is None):
                raise _wrong(number, "location", "names no picture, or two", "location or file")
            if image.location is not None:
                places.append(image.location)
                continue
            if image.file is None or image.file >= len(files):
                raise _wrong(
                    number, "file", f"there are {len(files)} files", "the number of a file, from 0"
                )
            data = files[image.file]
            find = partial(upload_location, data, name=f"file {image.file}")
            try:
                places.append(await self._service.read(find))
            except ImageError as error:
                raise _wrong(number, "file", str(error), "a readable picture") from error
            sent[places[-1]] = data
        return places, sent

    async def _source(self) -> KnownRoots:
        service = self._service
        return await service.read(lambda: KnownRoots(service.shop.roots, fetcher=service.fetcher))

    async def _ready(
        self,
        number: int,
        image: CatalogueImage,
        source: KnownRoots,
        sent: Mapping[str, bytes],
    ) -> ReadyImage:
        """One image with its embedding; its bytes are let go of at once."""
        service = self._service
        remote = is_url(image.location)
        async with self._fetching if remote else self._reading:
            run = service.fetch if remote else service.read
            try:
                data = sent.get(image.location, b"")
                data = data or await run(lambda: source.read(image.location))
            except (ImageError, PathError, UrlError, FetchError) as error:
                allowed = "a picture below the shop's folders, or at a public address"
                raise _wrong(number, "location", str(error), allowed) from error
            sha256 = hashlib.sha256(data).hexdigest()
            key = (sha256, image.box)
            known = await service.read(lambda: service.shop.vectors([key]))
            if key in known:
                return ReadyImage(image, sha256, known[key])
            try:
                prepared = await service.read(partial(self._prepared, image, data))
            except FindalikeError as error:
                allowed = "a readable picture, and a box inside of it"
                raise _wrong(number, "location", str(error), allowed) from error
        return ReadyImage(image, sha256, (await service.embedder.submit(prepared)).result)

    def _prepared(self, image: CatalogueImage, data: bytes) -> Prepared:
        return prepare(
            data,
            self._service.shop.encoder.input,
            name=image.location,
            box=image.box,
        )


def refused(refusals: Sequence[Refusal]) -> Problem:
    """The problem of a product with values that cannot be taken."""
    errors = [
        FieldProblem(where=r.column, problem=f"{r.value!r}: {r.reason}", allowed=r.allowed)
        for r in refusals
    ]
    first = errors[0]
    return Problem(
        422,
        "product-refused",
        f"{first.where}: {first.problem}; allowed: {first.allowed}",
        next_step="correct the fields that errors names and send the product again",
        title="The product cannot be taken",
        errors=errors,
    )


def _wrong(number: int, where: str, problem: str, allowed: str) -> Problem:
    return Problem(
        422,
        "product-refused",
        f"images.{number}: {problem}",
        next_step="correct that image and send the product again; nothing was changed",
        title="The product cannot be taken",
        errors=[FieldProblem(where=f"images.{number}.{where}", problem=problem, allowed=allowed)],
    )


def _unnamed(images: Sequence[ImageBody], files: int) -> list[ImageBody]:
    named = {image.file for image in images}
    return [ImageBody(file=number) for number in range(files) if number not in named]


def _box(image: ImageBody, number: int) -> Box | None:
    if image.box is None:
        return None
    try:
        return Box(*image.box)
    except FindalikeError as error:
        raise _wrong(number, "box", str(error), "x, y, w, h with w and h above 0") from error
