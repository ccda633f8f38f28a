"""Everything between the network and the routes: who may ask, how much, and what is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from findalike.errors import SettingError
from findalike.server.admission import Budget
from findalike.server.body_limits import BodyLimits, LimitedBodies
from findalike.server.client_address import networks
from findalike.server.connections import ConnectionLimits
from findalike.server.cross_origin import CrossOrigin
from findalike.server.gate import Gate
from findalike.server.guessing import GuessGuard
from findalike.server.headers import EXPOSED, SecurityHeaders
from findalike.server.keys import KeyStore
from findalike.server.layer_responses import describe_layers
from findalike.server.limits import SILENCE_SECONDS, check_limits
from findalike.server.metrics import Metrics
from findalike.server.observed import Observed
from findalike.server.origins import web_origin
from findalike.server.rate_limits import RateLimits
from findalike.server.recall_sample import RecallSample
from findalike.server.sampling import Sampler
from findalike.server.search_input import MAX_BATCH
from findalike.server.service import Service
from findalike.server.settings import ServerSettings
from findalike.server.tracing import start_tracing
from findalike.shop.history import HISTORY_NAME

SHARES = 4
"""One client holds at most this part of the memory for uploads, but always one whole body."""


def protect(app: FastAPI, settings: ServerSettings) -> None:
    """Put the layers around an app, from the outside in.

    ::

        security headers > id, logs, metrics, traces > CORS > key and rate limits > body limits

    Raises:
        SettingError: if a setting cannot be used.
        MissingExtraError: if traces are wanted and their libraries are not installed.
    """
    state = app.state
    state.keys = KeyStore(settings.shop)
    state.guesses = GuessGuard()
    state.rate_limits = RateLimits(
        address_rate=settings.address_rate,
        address_burst=settings.address_burst,
        key_rate=settings.key_rate,
        key_burst=settings.key_burst,
    )
    state.trusted_proxies = networks(settings.trusted_proxies, name="trusted_proxies")
    state.metrics_networks = networks(settings.metrics_networks, name="metrics_networks")
    state.metrics = Metrics()
    state.traces = start_tracing(settings.trace_endpoint, share=settings.trace_share)
    limits = BodyLimits(
        max_bytes=settings.max_body_bytes,
        max_feed_bytes=settings.max_feed_bytes,
        patience=settings.body_patience,
        seconds=SILENCE_SECONDS,
    )
    state.uploads = Budget(
        settings.upload_bytes,
        share=max(settings.upload_bytes // SHARES, settings.max_body_bytes),
        what="bytes of requests are in memory",
    )
    framing = [web_origin(origin, name="frame_ancestors") for origin in settings.frame_ancestors]
    describe_layers(app)
    # The last one added is the outermost.
    app.add_middleware(LimitedBodies, limits=limits, budget=state.uploads)
    app.add_middleware(Gate)
    app.add_middleware(
        CrossOrigin,
        allow_origins=[
            "*" if origin == "*" else web_origin(origin, name="cors") for origin in settings.cors
        ],
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-Request-ID", "If-Match"],
        expose_headers=EXPOSED,
        max_age=600,
    )
    app.add_middleware(Observed)
    app.add_middleware(SecurityHeaders, frame_ancestors=framing)


def check_protection(settings: ServerSettings) -> None:
    """Find out before a worker starts whether the settings can be used.

    Raises:
        SettingError: if nobody could use the service, or a setting cannot be used.
        MissingExtraError: as `protect` does.
        StorageError: if the keys cannot be read.
    """
    if not settings.open_search and not KeyStore(settings.shop):
        raise SettingError(
            "the shop has no keys, so nobody could search: make one with "
            f"`findalike keys create --shop {settings.shop}`, or let anybody search with "
            "--open-search"
        )
    if settings.queue < MAX_BATCH:
        raise SettingError(
            f"--queue {settings.queue} is less than the {MAX_BATCH} photos that one request may "
            f"have, so that these could never be searched: give {MAX_BATCH} or more"
        )
    check_limits(settings)
    app = FastAPI()
    protect(app, settings)
    app.state.traces.stop()


def connection_limits(settings: ServerSettings) -> ConnectionLimits:
    """The limits on connections."""
    return ConnectionLimits(connections=settings.max_connections)


@asynccontextmanager
async def watched(app: FastAPI, service: Service) -> AsyncIterator[None]:
    """Measure a running service until the block ends."""
    state, settings = app.state, app.state.settings
    recall = RecallSample(service.shop.recall_of, state.metrics.recall, every=settings.recall_every)
    state.sampler = Sampler(
        state.metrics,
        look=partial(_queues, service, state.uploads),
        look_at_shop=partial(_shop_state, service),
    )
    service.embedder.on_batch = state.metrics.batch
    service.on_embedding = recall.offer
    state.sampler.start()
    try:
        yield
    finally:
        await state.sampler.stop()
        await recall.stop()
        await asyncio.to_thread(state.traces.stop)


def _queues(service: Service, uploads: Budget) -> dict[str, float]:
    return {
        "queue_searches": float(service.admission.taken),
        "queue_photos": float(service.embedder.waiting),
        "upload_bytes": float(uploads.held),
    }


def _shop_state(service: Service) -> dict[str, float]:
    version, images = service.shop.size()
    changed = (service.shop.folder / HISTORY_NAME).stat().st_mtime
    return {
        "shop_version": float(version),
        "shop_images": float(images),
        "shop_age_seconds": max(0.0, time.time() - changed),
    }
