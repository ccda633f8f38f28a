"""The asynchronous face of a shop: one search from admission to answer.

::

    photo, fetched if it is at a URL -> place in the queue -> decoded and cut out, in threads
          -> embedded in batches -> searched in batches -> answer

Each stage waits without holding a thread, and stops when its caller is gone or out of time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np

from findalike.data.fetch import Fetcher
from findalike.data.photo_boxes import PhotoBoxes, photo_boxes
from findalike.data.prepare import Prepared
from findalike.server.admission import Admission
from findalike.server.answers import BoxSource, answer_of
from findalike.server.batching import Batcher
from findalike.server.body_limits import Holding
from findalike.server.likeness import Meaning
from findalike.server.photo_fetches import AT_ONCE, PhotoFetches
from findalike.server.photos import PreparedPhoto, check_file, prepare_photo
from findalike.server.problems import Problem, no_such_product
from findalike.server.query_ids import QueryIds
from findalike.server.readiness import Readiness
from findalike.server.search_input import SearchInput
from findalike.server.settings import ServerSettings
from findalike.server.signatures import Signatures
from findalike.server.visibility import Visibility
from findalike.shop.manifest import Manifest
from findalike.shop.page_request import PageRequest
from findalike.shop.pages import QUERY_IMAGES, Page
from findalike.shop.shop import Shop
from findalike.types import Embeddings, ProductId

T = TypeVar("T")

Found: TypeAlias = tuple[Page, Meaning | None]
"""A page, and what its scores mean."""

MAY_BE_DONE = "see whether it was done before you send it again: it may still be carried out"
"""What to do about a change that took too long."""

SEARCH_BATCH = 16
FETCH_THREADS = 16
BATCH_FETCHES = 4
"""Photos of one batch that are fetched at the same time."""


class Service:
    """A shop that answers many at once; made by ``Service.start`` on a running event loop."""

    def __init__(self, shop: Shop, settings: ServerSettings) -> None:
        self.shop = shop
        self.settings = settings
        self.admission = Admission(places=settings.queue, deadline=settings.deadline)
        self.visibility = Visibility(shop.folder, where=settings.where)
        self.signatures = Signatures.of_shop(shop.folder)
        self.query_ids = QueryIds(self.signatures)
        self.ready = False
        self.readiness = Readiness(lambda: (Manifest.read(shop.folder), shop.version))
        self.on_embedding: Callable[[Embeddings], None] | None = None
        """Told the embedding of each photo that is searched with."""
        fetcher = partial(
            Fetcher,
            timeout=settings.fetch_seconds,
            retries=0,
            allow_networks=settings.allow_networks,
        )
        self.fetcher = fetcher(connections=FETCH_THREADS)
        """For pictures of the catalogue; what searches name has connections of its own."""
        self.photo_fetches = PhotoFetches(
            fetcher(connections=AT_ONCE, max_bytes=settings.max_image_bytes)
        )
        threads = settings.threads
        self._decoding = ThreadPoolExecutor(threads, "decode")
        self._embedding = ThreadPoolExecutor(threads, "embed")
        self._searching = ThreadPoolExecutor(threads, "search")
        self._reading = ThreadPoolExecutor(8, "read")
        self._fetching = ThreadPoolExecutor(FETCH_THREADS, "fetch")
        self.embedder: Batcher[Prepared, Embeddings] = Batcher(
            self._embed,
            pool=self._embedding,
            size=settings.batch_size,
            wait=settings.batch_wait_ms / 1000,
            side_by_side=threads,
        )
        self.searcher: Batcher[tuple[Embeddings, PageRequest], tuple[Page, Meaning | None]] = (
            Batcher(self._search, pool=self._searching, size=SEARCH_BATCH, side_by_side=threads)
        )

    @classmethod
    async def start(cls, settings: ServerSettings) -> Service:
        """Open the shop and warm the encoder; the service is ready afterwards.

        Raises:
            FindalikeError: if the shop cannot be opened.
        """
        opened = partial(Shop.open, settings.shop, threads=settings.threads)
        service = cls(await asyncio.to_thread(opened), settings)
        await service.read(lambda: service.shop.encoder)
        service.ready = True
        return service

    async def stop(self) -> None:
        """Let the threads go; what was accepted has been answered by now."""
        self.ready = False
        pools = (self._decoding, self._embedding, self._searching, self._reading, self._fetching)
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        self.photo_fetches.stop()
        self.readiness.stop()
        self.fetcher.close()

    async def search(self, asked: SearchInput, holding: Holding | None = None) -> dict[str, Any]:
        """The answer to one photo.

        Args:
            holding: what counts the bytes of a photo that is fetched, and whose they are.

        Raises:
            Problem: 429 if there is no room, 503 if the time is up.
            FindalikeError: if the photo, the box or the filter cannot be used.
        """
        timings: dict[str, float] = {}
        asked = await self._fetched(asked, holding, timings)
        with self.admission.enter():
            return await self.in_time(self._answer(asked, timings))

    async def search_batch(
        self, asked: Sequence[SearchInput], holding: Holding | None = None
    ) -> list[dict[str, Any] | Exception]:
        """The answers to several photos, each alone good or bad; see ``search``."""
        turns = asyncio.Semaphore(BATCH_FETCHES)
        timings: list[dict[str, float]] = [{} for _ in asked]

        async def fetched(one: SearchInput, times: dict[str, float]) -> SearchInput:
            async with turns:
                return await self._fetched(one, holding, times)

        async def answer(
            one: SearchInput | BaseException, times: dict[str, float]
        ) -> dict[str, Any]:
            if isinstance(one, BaseException):
                raise one
            return await self._answer(one, times)

        photos = await asyncio.gather(*map(fetched, asked, timings), return_exceptions=True)
        with self.admission.enter(len(asked)):
            work = asyncio.gather(*map(answer, photos, timings), return_exceptions=True)
            found = await self.in_time(work)
        for outcome in found:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
                raise outcome
        return [o for o in found if isinstance(o, (dict, Exception))]

    async def similar(self, product_id: ProductId, page: PageRequest) -> dict[str, Any]:
        """The products most like one of the shop.

        Raises:
            Problem: 404 if there is none such, 429 if there is no room, 503 if the time is up.
            FindalikeError: if the filter cannot be used.
        """
        with self.admission.enter():
            started = time.perf_counter()
            seen = self.visibility.of(page)
            looking = self._run(self._searching, partial(self._similar, product_id, seen))
            found = await self.in_time(looking)
        if found is None:
            raise no_such_product(product_id)
        alike, meaning = found
        timings = {"search": (time.perf_counter() - started) * 1000}
        return answer_of(
            alike,
            query_id=self.query_ids.new(),
            size=None,
            box=None,
            box_source=None,
            timings_ms=timings,
            warnings=(),
            meaning=meaning,
        )

    def shows(self, product_id: ProductId) -> bool:
        """Whether the shop has a product that those who search may see; reads the disk."""
        stored, view = self.shop.get(product_id), self.visibility.public()
        if stored is None or view.only is None:
            return stored is not None
        return any(self.shop.image(image.image_id, view) is not None for image in stored.images)

    async def boxes(self, asked: SearchInput, holding: Holding | None = None) -> PhotoBoxes:
        """Boxes proposed for one photo; its other fields are not looked at.

        Args:
            holding: as in ``search``.

        Raises:
            Problem: 429 if there is no room, 503 if the time is up.
            FindalikeError: if the photo cannot be used.
        """
        asked = await self._fetched(asked, holding, {})
        with self.admission.enter():
            return await self.in_time(self._boxes(asked))

    async def read(self, work: Callable[[], T]) -> T:
        """Run work that reads the shop or waits for its disk in a thread."""
        return await self._run(self._reading, work)

    async def fetch(self, work: Callable[[], T]) -> T:
        """Run work that waits for the network in a thread."""
        return await self._run(self._fetching, work)

    async def in_time(
        self, work: Awaitable[T], *, next_step: str = "try again after a few seconds"
    ) -> T:
        """Wait for work until the deadline.

        Args:
            next_step: what to do if it is not done by then.

        Raises:
            Problem: 503 if the time is up; the work is dropped.
        """
        try:
            async with asyncio.timeout(self.settings.deadline):
                return await work
        except TimeoutError:
            raise Problem(
                503,
                "deadline",
                f"no answer within {self.settings.deadline:g} seconds",
                next_step=next_step,
                title="The service is too slow just now",
                headers={"Retry-After": "2"},
            ) from None

    async def _fetched(
        self, asked: SearchInput, holding: Holding | None, timings: dict[str, float]
    ) -> SearchInput:
        """The same with its photo, if that is at a URL."""
        if asked.url is None:
            return asked
        started = time.perf_counter()
        owner = None if holding is None else holding.owner
        data = await self.photo_fetches.get(asked.url, owner=owner)
        if holding is not None:
            holding.take(len(data))
        timings["fetch"] = (time.perf_counter() - started) * 1000
        return replace(asked, image=data, url=None)

    async def _answer(self, asked: SearchInput, timings: dict[str, float]) -> dict[str, Any]:
        started = time.perf_counter()
        asked = replace(asked, page=self.visibility.of(asked.page))
        with self.embedder.expect():
            photo = await self._run(self._decoding, partial(self._prepare, asked))
        timings["queue"] = (photo.started - started) * 1000
        timings["prepare"] = photo.took_ms - photo.propose_ms
        if photo.propose_ms:
            timings["propose"] = photo.propose_ms
        prepared = photo.prepared
        embedded = await self.embedder.submit(prepared)
        if self.on_embedding is not None:
            self.on_embedding(embedded.result)
        found = await self.searcher.submit((embedded.result, asked.page))
        timings |= {
            "wait": embedded.waited_ms + found.waited_ms,
            "embed": embedded.ran_ms,
            "search": found.ran_ms,
            "total": (time.perf_counter() - started) * 1000 + timings.get("fetch", 0.0),
        }
        page, meaning = found.result
        return answer_of(
            page,
            query_id=self.query_ids.new(),
            size=(prepared.width, prepared.height),
            box=prepared.box,
            box_source=photo.box_source,
            timings_ms=timings,
            warnings=prepared.warnings,
            proposals=photo.proposals,
            meaning=meaning,
        )

    async def _boxes(self, asked: SearchInput) -> PhotoBoxes:
        def propose() -> PhotoBoxes:
            photo, limits = asked.bytes(), self.settings.image_limits
            check_file(photo, limits)
            return photo_boxes(photo, name="the photo", limits=limits)

        return await self._run(self._decoding, propose)

    def _prepare(self, asked: SearchInput) -> PreparedPhoto:
        started = time.perf_counter()
        self.shop.check(asked.page)
        return prepare_photo(
            asked.bytes(),
            box=asked.box,
            spec=self.shop.encoder.input,
            limits=self.settings.image_limits,
            started=started,
            proposals=asked.proposals,
        )

    def _embed(self, photos: Sequence[Prepared]) -> Sequence[Embeddings]:
        # A search that is alone has all threads for its picture; beside others each has one, since
        # threads that wait for each other take the time the others need.
        alone = self.admission.taken <= 1
        pixels = np.stack([photo.pixels for photo in photos])
        return list(self.shop.encoder.embed(pixels, one_thread=not alone))

    def _search(self, asked: Sequence[tuple[Embeddings, PageRequest]]) -> Sequence[Found]:
        embeddings = np.stack([embedding for embedding, _ in asked])
        pages = self.shop.search_embeddings(embeddings, [page for _, page in asked])
        return list(zip(pages, self._meanings(embeddings), strict=True))

    def _similar(self, product_id: ProductId, page: PageRequest) -> Found | None:
        found, asked = self.shop.similar(product_id, page), self.shop.get(product_id)
        if found is None or asked is None:
            return None
        calibration = self.shop.encoder.bundle.manifest.calibration
        if calibration is None:
            return found, None
        keys = [(image.sha256, image.box) for image in asked.images[:QUERY_IMAGES]]
        vectors = list(self.shop.vectors(keys).values())
        typical = self.shop.typical_scores(np.stack(vectors)) if vectors else None
        if typical is None:
            return found, None
        return found, Meaning(calibration, float(np.mean(typical)), of_others=True)

    def _meanings(self, embeddings: Embeddings) -> Sequence[Meaning | None]:
        """What scores mean for each photo, None where the encoder was not calibrated."""
        calibration = self.shop.encoder.bundle.manifest.calibration
        typical = None if calibration is None else self.shop.typical_scores(embeddings)
        if calibration is None or typical is None:
            return [None] * len(embeddings)
        return [Meaning(calibration, score) for score in typical.tolist()]

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)


__all__ = ["BoxSource", "Service"]
