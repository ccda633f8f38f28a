"""What is told of a shop, counted once a version and not more often than every second."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from findalike.server.service import Service
from findalike.shop.public_fields import facet_fields, public_fields

FRESH_SECONDS = 1.0
"""Counting reads every row's product: 50 ms for 100,000 images, which a busy shop's page would
otherwise pay at every change."""


class ShopState:
    """The counts of one service's shop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._counted: dict[str, Any] = {}
        self._at = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> dict[str, Any]:
        """Counts, encoder, version and fields, at most a second older than the shop."""
        async with self._lock:
            if self._counted and time.monotonic() - self._at < FRESH_SECONDS:
                return self._counted
            version = await self._service.read(lambda: self._service.shop.version)
            if self._counted.get("version") != version:
                self._counted = await self._service.read(self._count)
            self._at = time.monotonic()
            return self._counted

    def _count(self) -> dict[str, Any]:
        shop = self._service.shop
        stats = shop.stats()
        fields = shop.fields
        return {
            "name": shop.folder.resolve().name,
            "version": stats.version,
            "products": stats.products,
            "images": stats.images,
            "created_at": stats.created_at,
            "updated_at": stats.updated_at,
            "encoder": {
                "name": stats.encoder,
                "fingerprint": stats.encoder_fingerprint,
                "embedding_size": stats.embedding_size,
            },
            "fields": public_fields(fields),
            "facets": sorted(facet_fields(fields)),
        }
