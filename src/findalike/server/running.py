"""Running the service: one process or several, until it is told to stop."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from functools import partial

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from findalike.errors import EngineError, SettingError
from findalike.server.app import create_app
from findalike.server.client_address import networks
from findalike.server.connections import GuardedConfig
from findalike.server.logs import configure_logging
from findalike.server.metrics import FOLDER_VARIABLE
from findalike.server.protection import check_protection, connection_limits
from findalike.server.settings import ServerSettings
from findalike.shop.public_view import View
from findalike.shop.shop import Shop

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 15

WORKER_SECONDS = 120
"""Silence after which a worker is started anew. A busy machine may take long to start one, and one
that is ended before it could answer would be so again and again."""


def run_server(settings: ServerSettings, *, started: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted.

    Args:
        started: called with the URL once it listens; the shop is opened after that.

    Raises:
        ShopNotFoundError, StorageError, BundleError: if there is no shop, or a damaged one.
        EngineError: if it could not start.
        SettingError: if it cannot listen there, nobody could use it, or a setting is wrong.
        FilterError: if its filter does not fit the shop.
    """
    # Here, where a mistake ends in one line, rather than in each worker.
    shop = Shop.open(settings.shop)
    for condition in (settings.where, settings.page.where):
        View(only=condition).check(shop.fields)
    check_protection(settings)
    configure_logging()
    listening = _listen(settings)
    started(_url(listening))
    config = GuardedConfig(
        partial(_worker_app, settings),
        limits=connection_limits(settings),
        trusted=networks(settings.trusted_proxies, name="trusted_proxies"),
        factory=True,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        # Whose request it is, is found out by `client_address`, which knows the trusted proxies.
        proxy_headers=False,
        ws="none",
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.stop_seconds,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=WORKER_SECONDS,
    )
    if settings.workers == 1:
        server = uvicorn.Server(config)
        server.run(sockets=[listening])
        if not server.started:
            raise EngineError("the service could not start: the lines above say why")
        return
    # The workers are started anew rather than forked, so what is set here reaches them in time.
    with tempfile.TemporaryDirectory(prefix="findalike-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        try:
            Multiprocess(config, sockets=[listening]).run()
        finally:
            del os.environ[FOLDER_VARIABLE]


def _worker_app(settings: ServerSettings) -> FastAPI:
    configure_logging()
    return create_app(settings)


def _listen(settings: ServerSettings) -> socket.socket:
    host, port = settings.host, settings.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingError(
            f"cannot listen at {host} port {port}: {error.strerror}; end what listens there, or "
            f"choose another with --port"
        ) from error
    listening.set_inheritable(True)
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
