"""Running the service: one process or several, until it is told to stop."""

from __future__ import annotations

from functools import partial

import uvicorn
from uvicorn.supervisors import Multiprocess

from findalike.server.app import create_app
from findalike.server.settings import ServerSettings


def run_server(settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted."""
    config = uvicorn.Config(
        partial(create_app, settings),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_seconds,
        timeout_keep_alive=15,
    )
    server = uvicorn.Server(config)
    if settings.workers == 1:
        server.run()
        return
    socket = config.bind_socket()
    Multiprocess(config, sockets=[socket]).run()
