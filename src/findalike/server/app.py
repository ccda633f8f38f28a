"""The app: one shop behind HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from findalike import __version__
from findalike.server.catalogue_parts import ROUTERS, catalogue_parts
from findalike.server.examples import describe_examples
from findalike.server.heads import Heads
from findalike.server.path_ids import PathIds
from findalike.server.problems import install_problem_handlers
from findalike.server.protection import protect, watched
from findalike.server.routes import boxes, docs, health, metrics, pages, search
from findalike.server.service import Service
from findalike.server.settings import ServerSettings
from findalike.server.web_files import web_files


def create_app(settings: ServerSettings) -> FastAPI:
    """Make the app of one worker process; the shop is opened when the app starts."""
    app = FastAPI(
        title="findalike",
        version=__version__,
        summary="Search a shop's catalogue with a photo.",
        lifespan=_lifespan,
        openapi_url=None,  # made anew for each request; see routes/docs.py
        docs_url=None,  # these load scripts of a third party
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.web_files = web_files(settings.page)
    install_problem_handlers(app)
    app.add_middleware(Heads)
    app.add_middleware(PathIds)
    protect(app, settings)
    describe_examples(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(search.router)
    app.include_router(boxes.router)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(docs.router)
    app.include_router(pages.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service = await Service.start(app.state.settings)
    app.state.service = service
    try:
        async with watched(app, service), catalogue_parts(app, service):
            yield
    finally:
        await service.stop()
