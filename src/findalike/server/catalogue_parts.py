"""What the routes of the catalogue share, for as long as the service runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from findalike.server.feedback_writing import FeedbackWriting
from findalike.server.incoming import Incoming
from findalike.server.jobs import Jobs
from findalike.server.pictures import Pictures
from findalike.server.routes import feedback, images, imports, products, shop
from findalike.server.service import Service
from findalike.server.shop_state import ShopState
from findalike.server.updates import Updates
from findalike.shop.feedback import FeedbackStore

ROUTERS = (products.router, images.router, imports.router, shop.router, feedback.router)


@asynccontextmanager
async def catalogue_parts(app: FastAPI, service: Service) -> AsyncIterator[None]:
    """Start what changes the shop; what was accepted is done when the block ends."""
    state = app.state
    state.updates = Updates(service.shop, on_commit=state.metrics.update)
    state.incoming = Incoming(service)
    state.pictures = Pictures(service)
    state.shop_state = ShopState(service)
    state.feedback = FeedbackWriting(FeedbackStore(service.shop.folder))
    state.jobs = Jobs(service.shop.folder, settings=service.settings)
    state.updates.start()
    try:
        yield
    finally:
        await state.jobs.stop()
        await state.updates.stop()
        state.feedback.stop()
