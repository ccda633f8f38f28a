"""What a service is set to: the shop, where it listens, and what a request may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from findalike.data.images import ImageLimits
from findalike.models.cpus import usable_cpus

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class ServerSettings(BaseModel):
    """The settings of one service; every worker process gets the same.

    Attributes:
        shop: folder of the shop.
        host: address to listen at; ``127.0.0.1`` is this machine only.
        port: TCP port; 0 takes any that is free.
        workers: processes, each with its own encoder, all reading the same shop.
        open_search: whether a search needs no key.
        where: a filter; products that do not pass it are not found, counted or shown to those
            who search. Keys of the role catalogue still list and change them.
        cors: origins whose pages may ask this service, such as ``https://shop.example``.
        allow_networks: networks that ``image_url`` and feeds may name although they are not
            public, such as ``10.1.0.0/16``.
        batch_size: photos embedded together, at most.
        batch_wait_ms: how long a photo waits for others that are being decoded.
        queue: searches that are accepted and not answered yet, at most, in each worker.
        deadline: seconds until a search is given up, from when its photo has arrived.
        upload_bytes: bytes of requests held in memory at once, in each worker.
        max_body_bytes: largest request body.
        max_image_bytes: largest photo of a search or of feedback.
        max_image_pixels: width times height of such a photo. The default holds those of 24
            megapixels; decoding one takes about a second of a CPU and 600 MB at the worst, and as
            many are decoded at once as there are threads. Pictures of the catalogue have the
            larger limits of imports.
        max_image_side: longer side of such a photo in pixels.
        fetch_seconds: until the image of an ``image_url`` is given up.
        stop_seconds: how long a stopping service finishes what it accepted.
        max_feed_bytes: largest request body of an import.
        body_patience: seconds that a client may be silent at a time while it sends a body, and in
            all; each 4,000 bytes earn it a further one in all, up to a minute (a feed ten).
        max_connections: open at once in each worker.
        address_rate: requests a second from one address without a key, or with one that pages
            hold; 0 for no limit.
        address_burst: how many of them at once.
        key_rate: requests a second with one key; 0 for no limit.
        key_burst: how many of them at once.
        trusted_proxies: networks of the shop's own proxies, whose ``X-Forwarded-For`` is believed.
        frame_ancestors: origins whose pages may show the page in a frame.
        metrics_networks: networks that may read ``/metrics`` without a key.
        recall_every: one in so many searches is done exactly too, to tell the recall; 0 for none.
        trace_endpoint: URL of an OpenTelemetry collector (OTLP by HTTP); None for no traces.
        trace_share: of the requests that are traced, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shop: Path
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    open_search: bool = False
    where: str | None = None
    cors: tuple[str, ...] = ()
    allow_networks: tuple[str, ...] = ()
    batch_size: Count = 8
    batch_wait_ms: Annotated[float, Field(ge=0, le=1000)] = 5.0
    queue: Count = 128
    deadline: Seconds = 10.0
    upload_bytes: Count = 256_000_000
    max_body_bytes: Count = 24_000_000
    max_image_bytes: Count = 16_000_000
    max_image_pixels: Count = 25_000_000
    max_image_side: Count = 12_000
    fetch_seconds: Seconds = 8.0
    stop_seconds: Count = 30
    max_feed_bytes: Count = 256_000_000
    body_patience: Seconds = 15.0
    max_connections: Count = 1000
    address_rate: Annotated[float, Field(ge=0)] = 20.0
    address_burst: Count = 200
    key_rate: Annotated[float, Field(ge=0)] = 200.0
    key_burst: Count = 1000
    trusted_proxies: tuple[str, ...] = ()
    frame_ancestors: tuple[str, ...] = ()
    metrics_networks: tuple[str, ...] = ()
    recall_every: Annotated[int, Field(ge=0)] = 1000
    trace_endpoint: str | None = None
    trace_share: Annotated[float, Field(ge=0, le=1)] = 1.0

    @property
    def image_limits(self) -> ImageLimits:
        """What one photo of a stranger may cost."""
        return ImageLimits(
            max_bytes=self.max_image_bytes,
            max_pixels=self.max_image_pixels,
            max_side=self.max_image_side,
        )

    @property
    def threads(self) -> int:
        """Threads each worker computes with: the CPUs, shared out among the workers."""
        return max(1, usable_cpus() // self.workers)
