"""What is told of a shop, counted once a version and not more often than every second."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from findalike.server.service import Service
from findalike.shop.public_fields import facet_fields, public_fields
from findalike.shop.public_view import EVERYTHING, View

FRESH_SECONDS = 1.0
"""Counting reads every row's product: 50 ms for 100,000 images, which a busy shop's page would
otherwise pay at every change."""


class ShopState:
    """The counts of one service's shop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._counted: dict[str, Any] = {}
        self._view: View | None = None
        self._at = 0.0
        self._lock = asyncio.Lock()

    async def get(self, *, inside: bool) -> dict[str, Any]:
        """Counts, encoder, version and fields, at most a second older than the shop.

        Args:
            inside: tell of all products and fields, rather than of what the public sees.
        """
        async with self._lock:
            if not self._counted or time.monotonic() - self._at >= FRESH_SECONDS:
                version = await self._service.read(lambda: self._service.shop.version)
                view = self._service.visibility.public()
                if self._counted.get("version") != version or view != self._view:
                    self._counted = await self._service.read(lambda: self._count(view))
                    self._view = view
                self._at = time.monotonic()
            told = {name: value for name, value in self._counted.items() if name != "public"}
            return told if inside else told | self._counted["public"]

    def _count(self, view: View) -> dict[str, Any]:
        shop = self._service.shop
        stats = shop.stats()
        fields = shop.fields
        public: dict[str, Any] = {"fields": public_fields(fields, view)}
        if view.only is not None:
            products, images = shop.count(view)
            public |= {"products": products, "images": images}
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
            "fields": public_fields(fields, EVERYTHING),
            "facets": sorted(facet_fields(fields, view)),
            "public": public,
        }
