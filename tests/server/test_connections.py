from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from findalike.server.connections import ConnectionLimits
from server.guarded_app import guarded_app
from server.running import Running

LIMITS = ConnectionLimits(
    connections=20,
    header_bytes=2000,
    headers=20,
    header_seconds=0.5,
    linger_seconds=0.3,
    write_seconds=0.5,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Running]:
    app = guarded_app(
        tmp_path_factory.mktemp("shop"), open_search=True, body_patience=0.5, address_rate=0
    )

    @app.get("/large")
    async def large() -> dict[str, str]:
        return {"x": "x" * 30_000_000}

    server = Running(app, LIMITS, lifespan="off")
    yield server
    server.stop()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side closes; fails where it never does."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def ask(running: Running, data: bytes) -> bytes:
    with running.connect() as connection:
        connection.sendall(data)
        return all_of(connection)


def alive(running: Running) -> bool:
    return b" 200 " in ask(running, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


HEAD = b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_what_was_sent_earns_no_long_silence(running):
    """A large body that rests just before its end would hold its bytes for minutes."""
    head = HEAD.replace(b"application/json", b"multipart/form-data; boundary=b")
    with running.connect() as connection:
        connection.sendall(head + b"Content-Length: 1000000\r\n\r\n" + b"x" * 950_000)
        answer = all_of(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"too-slow" in answer


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"\r\n\r\n",
    ],
)
def test_headers_that_do_not_come_close_the_connection(running, data):
    began = time.monotonic()
    assert ask(running, data) == b""
    assert time.monotonic() - began > 0.3


def test_a_dribble_of_headers_does_not_earn_time(running):
    """Slow loris: a header now and then, for ever."""
    with running.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(OSError):  # noqa: PT011, PT012 - a reset or a broken pipe
            for number in range(15):  # fewer than there may be of them
                connection.sendall(b"X-%d: y\r\n" % number)
                time.sleep(0.1)


def test_a_dribble_of_body_is_answered_and_closed(running):
    with running.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        connection.settimeout(0.05)
        answer = b""
        for _ in range(100):
            try:
                connection.sendall(b"[")
                if piece := connection.recv(65_536):
                    answer += piece
                else:
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"too-slow" in answer


def test_a_half_sent_body_leaves_nothing_behind(running):
    bodies = len(running.app.state.bodies)
    for _ in range(10):
        with running.connect() as connection:
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n[1,2,")
    wait_until(lambda: running.connections == 0)
    wait_until(lambda: len(running.server.server_state.tasks) == 0)
    assert len(running.app.state.bodies) == bodies
    assert alive(running)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 3000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 30 + b"\r\n",
        b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_long_headers_are_refused(running, data):
    answer = ask(running, data)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in answer
    assert b"headers-too-large" in answer


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\nX-Long: ",
        b"GET / HTTP/1.1\r\n",
        b"GET /",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
    ],
)
def test_what_has_no_end_takes_no_memory(running, start):
    with running.connect() as connection:
        connection.sendall(start)
        sent = 0
        with pytest.raises(OSError):  # noqa: PT011, PT012
            while sent < 100_000_000:
                sent += connection.send(b"y" * 65_536)
    assert sent < 8_000_000  # what the buffers of the system hold
    assert alive(running)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\x00/ HTTP/1.1\r\n\r\n",
        b"NONSENSE / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxx",
        HEAD + b"Content-Length: -5\r\n\r\nxxxxx",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxxxxx",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
        b"Sec-WebSocket-Key: x\r\n\r\n",
    ],
)
def test_what_is_hardly_http_breaks_nothing(running, data):
    answer = ask(running, data)
    assert b" 500 " not in answer[:30], answer
    assert alive(running)


def test_two_requests_at_once_are_answered_in_their_order(running):
    """Pipelining; and a body that smuggles a request is only a body."""
    inner = b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n"
    first = HEAD + b"Content-Length: %d\r\n\r\n" % len(inner) + inner
    answer = ask(running, first + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.index(b"HTTP/1.1 200") < answer.index(b"<p>hello")
    assert b" 500 " not in answer


def test_an_answered_request_need_not_be_sent_to_its_end(running):
    """A body after its 413 is swallowed for a moment only."""
    with running.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 999999999\r\n\r\n")
        assert b" 413 " in all_of(connection).splitlines()[0]


def test_a_client_that_does_not_read_is_dropped(running):
    with running.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: running.connections == 1)
        wait_until(lambda: running.connections == 0)


def test_connections_are_bounded(running):
    limits = replace(LIMITS, header_seconds=30)
    server = Running(running.app, limits, lifespan="off")
    held = [server.connect() for _ in range(40)]
    try:
        # The last of them are closed at once; the first may stay.
        assert [all_of(connection) for connection in held[limits.connections :]] == [b""] * 20
        assert server.connections == limits.connections
    finally:
        for connection in held:
            connection.close()
    wait_until(lambda: server.connections == 0)
    assert alive(server)
    server.stop()


def test_a_kept_connection_is_used_again_and_closed_when_idle(running):
    with running.connect() as connection:
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"<p>hello" in connection.recv(65_536)
            time.sleep(0.2)
        assert all_of(connection) == b""


def test_one_address_has_its_share_of_connections(tmp_path, monkeypatch):
    monkeypatch.setattr("findalike.server.connections._loopback", lambda address: False)
    limits = ConnectionLimits(per_address=3, header_seconds=30)
    server = Running(guarded_app(tmp_path), limits, lifespan="off")
    held = [server.connect() for _ in range(6)]
    try:
        assert [all_of(connection) for connection in held[3:]] == [b""] * 3
        assert server.connections == 3
    finally:
        for connection in held:
            connection.close()
    wait_until(lambda: not server.server.config.per_address)
    server.stop()
