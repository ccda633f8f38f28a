"""What a service is set to: the shop, where it listens, and what a request may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from findalike.data.images import ImageLimits
from findalike.models.cpus import usable_cpus
from findalike.server.limits import Count, Limits, Seconds
from findalike.server.shop_page import ShopPage


class ServerSettings(Limits):
    """The settings of one service, limits among them; every worker process gets the same.

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
        address_rate: requests a second from one address without a key, or with one that pages
            hold; 0 for no limit.
        address_burst: how many of them at once.
        key_rate: requests a second with one key; 0 for no limit.
        key_burst: how many of them at once.
        trusted_proxies: networks of the shop's own proxies, whose ``X-Forwarded-For`` is believed.
        frame_ancestors: origins whose pages may show the page in a frame.
        metrics_networks: networks that may read ``/metrics`` without a key.
        page: the page at ``/`` as the shop wants it.
        trace_endpoint: URL of an OpenTelemetry collector (OTLP by HTTP); None for no traces.
        trace_share: of the requests that are traced, 0 to 1.
    """

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
    address_rate: Annotated[float, Field(ge=0)] = 20.0
    address_burst: Count = 200
    key_rate: Annotated[float, Field(ge=0)] = 200.0
    key_burst: Count = 1000
    trusted_proxies: tuple[str, ...] = ()
    frame_ancestors: tuple[str, ...] = ()
    metrics_networks: tuple[str, ...] = ()
    page: ShopPage = ShopPage()
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
