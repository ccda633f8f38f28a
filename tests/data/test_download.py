"""The bulk downloader against a real server that fails on purpose."""

from __future__ import annotations

import http.server
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from findalike.data.download import MOST_FAILURES, Downloader, Failure, Pace
from findalike.data.fetch import Fetcher
from findalike.errors import FetchError, ImageError, SettingError, StorageError

LOOPBACK = ("127.0.0.0/8",)
CONTENT = b"picture " * 100
QUICK = Pace(rate=1e6, backoff=0.01, retries=2, patience=5)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lock = threading.Lock()
    counts: Counter[str]
    times: list[float]
    busy: list[int]

    def do_GET(self):
        with self.lock:
            self.counts[self.path] += 1
            self.times.append(time.monotonic())
            self.busy.append(self.busy[-1] + 1)
        try:
            kind = self.path.strip("/").split("/")[0]
            getattr(self, f"answer_{kind}")(self.counts[self.path])
        finally:
            with self.lock:
                self.busy.append(self.busy[-1] - 1)

    def answer(self, status=200, body=CONTENT, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer_ok(self, count):
        self.answer(body=CONTENT + self.path.encode())

    def answer_rest(self, count):
        """429 with Retry-After the first time."""
        if count == 1:
            self.answer(429, b"", Retry_After="1")
        else:
            self.answer()

    def answer_forever(self, count):
        self.answer(429, b"", Retry_After="3600")

    def answer_twice(self, count):
        """500, 503, then the content."""
        self.answer(*{1: (500, b""), 2: (503, b"")}.get(count, (200, CONTENT)))

    def answer_down(self, count):
        self.answer(502, b"")

    def answer_gone(self, count):
        self.answer(404, b"not found")

    def answer_moved(self, count):
        self.answer(302, b"", Location="/ok/moved")

    def answer_cut(self, count):
        """The body cut off the first time."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:10] if count == 1 else CONTENT)
        self.close_connection = count == 1

    def answer_huge(self, count):
        self.send_response(200)
        self.send_header("Content-Length", "9" * 12)
        self.end_headers()
        self.close_connection = True

    def answer_slow(self, count):
        time.sleep(0.05)
        self.answer()

    def answer_never(self, count):
        time.sleep(2)
        self.close_connection = True

    def answer_inside(self, count):
        self.answer(302, b"", Location="http://10.0.0.1/secret.jpg")

    def log_message(self, *arguments):
        pass


class Server:
    def __init__(self) -> None:
        self.handler = type("H", (Handler,), {"counts": Counter(), "times": [], "busy": [0]})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def download(urls, *, pace=QUICK, save=len, fetcher=None, **limits):
    found: dict[int, object] = {}

    def take(number, outcome):
        assert number not in found
        assert threading.current_thread() is threading.main_thread()
        found[number] = outcome

    limits = {"max_bytes": 10_000, "timeout": 1.0, "allow_networks": LOOPBACK} | limits
    with Fetcher(**limits) as default:
        Downloader(fetcher or default, save=save, pace=pace).run(enumerate(urls), take)
    return [found[number] for number in range(len(urls))]


def test_everything_that_can_be_had_is_had(server):
    names = ["ok/1", "twice", "cut", "moved", "rest", "ok/2"]
    found = download([f"{server.url}/{name}" for name in names])
    assert found == [len(CONTENT) + 5, 800, 800, len(CONTENT) + 9, 800, len(CONTENT) + 5]
    assert server.handler.counts == Counter(
        {"/ok/1": 1, "/twice": 3, "/cut": 2, "/moved": 1, "/ok/moved": 1, "/rest": 2, "/ok/2": 1}
    )


@pytest.mark.parametrize(
    ("name", "final", "told", "tries"),
    [
        ("gone", True, "answered 404", 1),
        ("huge", True, "over 10,000 bytes", 1),
        ("inside", True, "10.0.0.1, which is not a public address", 1),
        ("down", False, "answered 502", 3),
        ("forever", False, "asks to wait 3600 seconds", 1),
    ],
)
def test_what_fails_says_whether_to_try_again(server, name, final, told, tries):
    bad, good = download([f"{server.url}/{name}", f"{server.url}/ok/after"])
    assert isinstance(bad, Failure)
    assert (bad.final, told in bad.reason) == (final, True), bad.reason
    assert server.handler.counts[f"/{name}"] == tries
    assert good == len(CONTENT) + 9


def test_a_server_that_does_not_answer_is_left(server):
    pace = Pace(rate=1e6, backoff=0.01, retries=1)
    (outcome,) = download([f"{server.url}/never"], pace=pace, timeout=0.2)
    assert outcome == Failure(outcome.reason, final=False)
    assert server.handler.counts["/never"] == 2


@pytest.mark.parametrize("url", ["ftp://a.example/x.jpg", "http://[", "http://user:pw@a.example/"])
def test_urls_that_may_not_be_fetched(url):
    (outcome,) = download([url])
    assert isinstance(outcome, Failure)
    assert outcome.final


def test_private_addresses_need_leave(server):
    (outcome,) = download([f"{server.url}/ok/1"], allow_networks=())
    assert isinstance(outcome, Failure)
    assert "not a public address" in outcome.reason
    assert not server.handler.counts


def test_a_busy_server_is_left_alone_by_all(server):
    """While it rests nothing is asked of it, and other downloads have waited too."""
    urls = [f"{server.url}/rest", *(f"{server.url}/slow/{n}" for n in range(30))]
    pace = Pace(connections=2, per_host=2, rate=1e6, backoff=0.01, patience=5)
    assert all(isinstance(outcome, int) for outcome in download(urls, pace=pace))
    gaps = [b - a for a, b in zip(server.handler.times, server.handler.times[1:], strict=False)]
    assert max(gaps) > 0.8
    # Few came in between: what was under way when the server said so.
    assert gaps.index(max(gaps)) <= 10


def test_no_more_at_once_than_allowed(server):
    urls = [f"{server.url}/slow/{n}" for n in range(12)]
    download(urls, pace=Pace(connections=8, per_host=3, rate=1e6))
    assert max(server.handler.busy) == 3
    server.handler.busy[:] = [0]
    download(urls, pace=Pace(connections=2, per_host=8, rate=1e6))
    assert max(server.handler.busy) == 2


def test_the_rate_is_kept(server):
    started = time.monotonic()
    download([f"{server.url}/ok/{n}" for n in range(11)], pace=Pace(rate=20))
    assert time.monotonic() - started >= 0.5


def test_retries_wait_longer_each_time(server):
    started = time.monotonic()
    download([f"{server.url}/down"], pace=Pace(rate=1e6, backoff=0.1, retries=2))
    assert 0.3 <= time.monotonic() - started < 10


def test_a_long_list_is_read_little_by_little(server):
    read = 0

    def urls():
        nonlocal read
        for number in range(300):
            read += 1
            yield number, f"{server.url}/ok/{number}"

    ahead: list[int] = []
    done: list[int] = []

    def take(number, outcome):
        done.append(number)
        ahead.append(read - len(done))

    with Fetcher(allow_networks=LOOPBACK) as fetcher:
        Downloader(fetcher, save=len, pace=Pace(connections=2, rate=1e6)).run(urls(), take)
    assert sorted(done) == list(range(300))
    assert max(ahead) <= 32


def test_a_network_that_is_gone_ends_the_run():
    taken: list[int] = []
    jobs = ((number, f"http://nowhere.example/{number}") for number in range(10_000))
    with Fetcher(resolver=lambda *_: []) as fetcher:
        downloader = Downloader(fetcher, save=len, pace=Pace(retries=0, rate=1e6))
        with pytest.raises(FetchError, match=r"the last 50 downloads failed.*run the same command"):
            downloader.run(jobs, lambda number, _: taken.append(number))
    assert MOST_FAILURES <= len(taken) < 1000


def test_content_of_no_use_is_final_and_a_full_disk_ends_the_run(server):
    def refuse(content):
        raise ImageError("no picture")

    (outcome,) = download([f"{server.url}/ok/1"], save=refuse)
    assert outcome == Failure("no picture", final=True)

    def full(content):
        raise StorageError("the disk is full")

    with pytest.raises(StorageError, match="the disk is full"):
        download([f"{server.url}/ok/{n}" for n in range(20)], save=full)


@pytest.mark.parametrize(
    ("name", "value"),
    [("connections", 0), ("per_host", 0), ("rate", 0), ("retries", -1), ("patience", -1)],
)
def test_settings_out_of_range(name, value):
    with pytest.raises(SettingError, match=name):
        Pace(**{name: value})
