"""An app behind the real protocol, in a thread of the test's process."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

from fastapi import FastAPI
from uvicorn import Server

from findalike.server.connections import ConnectionLimits, GuardedConfig


class Running:
    """A server at ``url`` until `stop`."""

    def __init__(self, app: FastAPI, limits: ConnectionLimits, **options: Any) -> None:
        config = GuardedConfig(
            app, limits=limits, log_config=None, timeout_keep_alive=1, ws="none", **options
        )
        self.app = app
        self.server = Server(config)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self._thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self.listening]}, daemon=True
        )
        self._thread.start()
        while not self.server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.listening.getsockname(), timeout=20)

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
