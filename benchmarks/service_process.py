"""`findalike serve` in a process of its own, for benchmarks: started, measured, asked."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BOUNDARY = "findalike-benchmark"
COMMAND = (sys.executable, "-m", "findalike")


@dataclass
class Service:
    """A running `findalike serve`."""

    port: int
    pid: int
    key: str

    def memory_mb(self) -> float:
        """Resident memory of all its processes."""
        return sum(_status(pid, "VmRSS") for pid in family(self.pid)) / 1e3

    def threads(self) -> int:
        """Threads of the first process."""
        return int(_status(self.pid, "Threads"))

    def open_files(self) -> int:
        """Open files, sockets among them, of the first process."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def cpu_s(self) -> float:
        """Seconds of processor time of all its processes."""
        ticks = 0
        for pid in family(self.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and those below it, by /proc."""
    found, ahead = [], [pid]
    while ahead:
        found.append(ahead.pop())
        for task in Path(f"/proc/{found[-1]}/task").glob("*/children"):
            ahead += map(int, task.read_text().split())
    return found


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return float(line.split()[1])
    return 0.0


def form(file: bytes, name: str = "image", **texts: str) -> bytes:
    """A form with one file and some texts, between ``BOUNDARY``."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{text}"\r\n\r\n{value}\r\n'
        for text, value in texts.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="p.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return "".join(parts).encode() + head.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def create_key(shop: Path) -> str:
    """A new key of the role ``catalogue``."""
    made = subprocess.run(
        [*COMMAND, "keys", "create", "--shop", str(shop), "--role", "catalogue", "--json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    key: str = json.loads(made.stdout)["key"]
    return key


def start(
    shop: Path, port: int, workers: int, log: Path, more: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Start the service in a process group of its own; ``log`` is appended to.

    Args:
        more: options of `findalike serve`.
    """
    options = ["--port", str(port), "--workers", str(workers), "--open-search"]
    # All requests come from one address here, and the limits would be what is measured.
    options += ["--address-rate", "0", "--key-rate", "0"]
    with log.open("ab") as file:
        return subprocess.Popen(
            [*COMMAND, "serve", "--shop", str(shop), *options, *more],
            stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit("findalike serve ended: see serve.log in WORK")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    raise SystemExit("findalike serve was not ready in time")


@contextmanager
def serving(shop: Path, workers: int, more: Sequence[str] = ()) -> Iterator[Service]:
    """A service that runs, and is ready, until the block ends; ``more`` are options of it."""
    port, key = free_port(), create_key(shop)
    process = start(shop, port, workers, shop.parent / "serve.log", more)
    try:
        wait_until_ready(port, process)
        yield Service(port, process.pid, key)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
