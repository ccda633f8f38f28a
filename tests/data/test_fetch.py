from __future__ import annotations

import gzip
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import pytest

from findalike.data.addresses import is_allowed
from findalike.data.fetch import Fetcher
from findalike.errors import FetchError, ImageError, SettingError, UrlError

PHOTO = bytes(range(256)) * 40
LOOPBACK = ("127.0.0.1/32",)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path; ``counts`` says how often each was asked for."""

    protocol_version = "HTTP/1.1"
    counts: Counter[str]
    headers_seen: list[dict[str, str]]
    connections: set[tuple[str, int]]
    at_once: list[int]
    lock = threading.Lock()

    def do_GET(self):
        self.enter(1)
        try:
            self.route()
        finally:
            self.enter(-1)

    def enter(self, step):
        with self.lock:
            self.at_once.append(self.at_once[-1] + step)

    def route(self):
        path, _, argument = self.path.partition("?")
        self.counts[path] += 1
        self.headers_seen.append(dict(self.headers))
        self.connections.add(self.client_address)
        getattr(self, "answer_" + path.strip("/").split("/")[0].replace("-", "_"))(argument)

    def answer(self, status=200, body=PHOTO, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer_ok(self, argument):
        self.answer(Content_Type="text/plain")

    def answer_slow(self, argument):
        time.sleep(0.02)
        self.answer()

    def answer_status(self, argument):
        self.answer(int(argument), b"sorry")

    def answer_redirect(self, argument):
        self.answer(302, b"", Location=argument)

    def answer_chain(self, argument):
        left = int(argument)
        self.answer(307, b"", Location=f"/chain?{left - 1}" if left > 1 else "ok")

    def answer_nowhere(self, argument):
        self.answer(302, b"")

    def answer_busy(self, argument):
        """Fail as often as the argument says, then answer."""
        if self.counts["/busy"] <= int(argument):
            self.answer(503, b"busy")
        else:
            self.answer()

    def answer_patience(self, argument):
        if self.counts["/patience"] == 1:
            self.answer(429, b"", Retry_After=argument.replace("%20", " "))
        else:
            self.answer()

    def answer_large(self, argument):
        self.send_response(200)
        self.send_header("Content-Length", "9" * 12)
        self.end_headers()

    def answer_endless(self, argument):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1000\r\n" + bytes(4096) + b"\r\n")
        except OSError:
            self.close_connection = True

    def answer_drip(self, argument):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self._drip(b"x" * 1000)

    def answer_slow_headers(self, argument):
        self._drip(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: y\r\n" * 90)

    def _drip(self, data):
        try:
            for byte in data:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass
        self.close_connection = True

    def answer_short(self, argument):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PHOTO)))
        self.end_headers()
        if self.counts["/short"] <= int(argument):
            self.wfile.write(PHOTO[:100])
            self.close_connection = True
        else:
            self.wfile.write(PHOTO)

    def answer_silence(self, argument):
        self.close_connection = True

    def answer_nonsense(self, argument):
        self.wfile.write(b"\0\1\2 this is no HTTP\r\n\r\n")
        self.close_connection = True

    def answer_packed(self, argument):
        pack = {"gzip": gzip.compress, "deflate": zlib.compress, "x-gzip": gzip.compress}
        self.answer(body=pack.get(argument, gzip.compress)(PHOTO), Content_Encoding=argument)

    def answer_bomb(self, argument):
        self.answer(body=gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")

    def answer_bad_packing(self, argument):
        self.answer(body=b"not gzip at all", Content_Encoding="gzip")

    def answer_cut_packing(self, argument):
        self.answer(body=gzip.compress(PHOTO)[:-20], Content_Encoding="gzip")

    def log_message(self, *arguments):
        pass


class Server:
    def __init__(self, tls: ssl.SSLContext | None = None):
        self.handler = type(
            "Recorder",
            (Handler,),
            {"counts": Counter(), "headers_seen": [], "connections": set(), "at_once": [0]},
        )
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *arguments: None
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def fetcher():
    with Fetcher(allow_networks=LOOPBACK, timeout=10, backoff=0.01) as fetcher:
        yield fetcher


class TestContent:
    def test_the_bytes_come_back(self, server, fetcher):
        assert fetcher.fetch(f"{server.url}/ok") == PHOTO

    @pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
    def test_packed_bytes_are_unpacked(self, server, fetcher, coding):
        assert fetcher.fetch(f"{server.url}/packed?{coding}") == PHOTO

    def test_unknown_packing_is_an_error(self, server, fetcher):
        with pytest.raises(FetchError, match="sent packed as 'br', which was not asked for"):
            fetcher.fetch(f"{server.url}/packed?br")

    def test_wrong_packing_is_an_error(self, server, fetcher):
        with pytest.raises(FetchError, match="packed wrongly by the server"):
            fetcher.fetch(f"{server.url}/bad-packing")
        with pytest.raises(FetchError, match="its packed content was cut off"):
            fetcher.fetch(f"{server.url}/cut-packing")
        assert server.handler.counts["/cut-packing"] == 3

    def test_the_request_says_who_asks_and_names_the_host(self, server):
        with Fetcher(allow_networks=LOOPBACK, resolver=lambda *_: ["127.0.0.1"]) as fetcher:
            fetcher.fetch(f"http://shop.example:{server.port}/ok")
        headers = server.handler.headers_seen[0]
        assert headers["User-Agent"].startswith("findalike/")
        assert headers["Host"] == f"shop.example:{server.port}"
        assert headers["Accept-Encoding"] == "identity"
        assert "Cookie" not in headers

    def test_connections_are_used_again(self, server, fetcher):
        for _ in range(5):
            fetcher.fetch(f"{server.url}/ok")
        assert len(server.handler.connections) == 1

    def test_proxies_of_the_environment_are_not_used(self, server, fetcher, monkeypatch):
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert fetcher.fetch(f"{server.url}/ok") == PHOTO

    def test_many_threads_share_a_fetcher(self, server):
        with (
            Fetcher(allow_networks=LOOPBACK, connections=3) as fetcher,
            ThreadPoolExecutor(12) as pool,
        ):
            contents = list(pool.map(fetcher.fetch, [f"{server.url}/slow"] * 60))
        assert contents == [PHOTO] * 60
        assert max(server.handler.at_once) <= 3

    def test_a_closed_fetcher_connects_anew(self, server, fetcher):
        assert fetcher.fetch(f"{server.url}/ok") == PHOTO
        fetcher.close()
        assert fetcher.fetch(f"{server.url}/ok") == PHOTO


class TestBytes:
    @pytest.mark.parametrize("path", ["/large", "/endless", "/bomb", "/ok", "/packed?gzip"])
    def test_too_many_are_refused(self, server, path):
        small = Fetcher(allow_networks=LOOPBACK, max_bytes=len(PHOTO) - 1, timeout=10)
        with small, pytest.raises(ImageError, match=r"over 10,239 bytes, which is what is allowed"):
            small.fetch(server.url + path)
        assert server.handler.counts[path.partition("?")[0]] == 1

    @pytest.mark.parametrize("path", ["/ok", "/packed?gzip"])
    def test_exactly_the_limit_is_allowed(self, server, path):
        with Fetcher(allow_networks=LOOPBACK, max_bytes=len(PHOTO)) as fetcher:
            assert fetcher.fetch(server.url + path) == PHOTO


class TestTime:
    @pytest.mark.parametrize("path", ["/drip", "/slow-headers"])
    def test_a_server_that_drips_is_left(self, server, path):
        with Fetcher(allow_networks=LOOPBACK, timeout=0.5) as fetcher:
            started = time.monotonic()
            with pytest.raises(FetchError, match=r"no image within 0\.5 seconds"):
                fetcher.fetch(server.url + path)
            assert time.monotonic() - started < 2

    def test_a_resolver_that_hangs_is_left(self):
        done = threading.Event()
        with Fetcher(timeout=0.3, resolver=lambda *_: done.wait(20) and []) as fetcher:
            started = time.monotonic()
            with pytest.raises(FetchError, match=r"no image within 0\.3 seconds"):
                fetcher.fetch("http://slow.example/a.jpg")
            assert time.monotonic() - started < 2
        done.set()

    def test_a_server_that_never_answers_is_left(self):
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            Fetcher(allow_networks=LOOPBACK, timeout=0.3) as fetcher,
            pytest.raises(FetchError, match=r"no image within 0\.3 seconds"),
        ):
            fetcher.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/a.jpg")

    def test_a_server_may_not_ask_for_more_patience_than_there_is_time(self, server):
        with Fetcher(allow_networks=LOOPBACK, timeout=5) as fetcher:
            started = time.monotonic()
            with pytest.raises(FetchError, match=r"no image within 5 seconds .*answered 429"):
                fetcher.fetch(f"{server.url}/patience?3600")
            assert time.monotonic() - started < 2


class TestRetries:
    def test_a_busy_server_is_asked_again(self, server, fetcher):
        assert fetcher.fetch(f"{server.url}/busy?2") == PHOTO
        assert server.handler.counts["/busy"] == 3

    def test_not_for_ever(self, server, fetcher):
        with pytest.raises(FetchError, match="the server answered 503: try again later"):
            fetcher.fetch(f"{server.url}/busy?3")
        assert server.handler.counts["/busy"] == 3

    def test_no_retries_if_none_are_wanted(self, server):
        with Fetcher(allow_networks=LOOPBACK, retries=0) as fetcher, pytest.raises(FetchError):
            fetcher.fetch(f"{server.url}/busy?1")
        assert server.handler.counts["/busy"] == 1

    def test_the_pause_grows_and_the_server_may_lengthen_it(self, server, monkeypatch):
        pauses = []
        monkeypatch.setattr(time, "sleep", pauses.append)
        with Fetcher(allow_networks=LOOPBACK, backoff=0.25, retries=3) as fetcher:
            fetcher.fetch(f"{server.url}/busy?3")
            fetcher.fetch(f"{server.url}/patience?4")
        assert pauses == [0.25, 0.5, 1.0, 4.0]

    def test_the_server_may_name_the_time_to_come_back(self, server, monkeypatch):
        pauses = []
        monkeypatch.setattr(time, "sleep", pauses.append)
        when = formatdate(time.time() + 8, usegmt=True).replace(" ", "%20")
        with Fetcher(allow_networks=LOOPBACK, backoff=0.25) as fetcher:
            fetcher.fetch(f"{server.url}/patience?{when}")
            server.handler.counts.clear()
            fetcher.fetch(f"{server.url}/patience?soon")
        assert 6 < pauses[0] <= 8
        assert pauses[1] == 0.25

    def test_an_answer_that_was_cut_off_is_asked_for_again(self, server, fetcher):
        assert fetcher.fetch(f"{server.url}/short?1") == PHOTO

    @pytest.mark.parametrize("path", ["/short?9", "/silence", "/nonsense"])
    def test_an_answer_that_is_always_cut_off_is_an_error(self, server, fetcher, path):
        with pytest.raises(FetchError, match="try again later"):
            fetcher.fetch(server.url + path)
        assert server.handler.counts[path.partition("?")[0]] == 3

    def test_a_server_that_is_not_there(self, fetcher):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(FetchError, match="refused"):
            fetcher.fetch(f"http://127.0.0.1:{port}/a.jpg")

    def test_a_name_that_does_not_exist(self):
        def unknown(host, port):
            raise socket.gaierror(-2, "Name or service not known")

        with (
            Fetcher(resolver=unknown, backoff=0.01) as fetcher,
            pytest.raises(FetchError, match=r"the name nowhere\.example cannot be resolved"),
        ):
            fetcher.fetch("http://nowhere.example/a.jpg")

    @pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410])
    def test_other_statuses_are_final(self, server, fetcher, status):
        with pytest.raises(FetchError, match=f"the server answered {status}, not 200"):
            fetcher.fetch(f"{server.url}/status?{status}")
        assert server.handler.counts["/status"] == 1


class TestRedirects:
    def test_they_are_followed(self, server, fetcher):
        assert fetcher.fetch(f"{server.url}/chain?5") == PHOTO
        assert fetcher.fetch(f"{server.url}/redirect?{server.url}/ok") == PHOTO

    def test_not_without_end(self, server, fetcher):
        with pytest.raises(FetchError, match="redirected more than 5 times"):
            fetcher.fetch(f"{server.url}/chain?6")
        with (
            Fetcher(allow_networks=LOOPBACK, redirects=0) as strict,
            pytest.raises(FetchError, match="redirected more than 0 times"),
        ):
            strict.fetch(f"{server.url}/redirect?/ok")

    @pytest.mark.parametrize(
        ("place", "words"),
        [
            ("http://127.0.0.2/a.jpg", "leads to 127.0.0.2, which is not a public address"),
            ("http://169.254.169.254/latest/meta-data", "leads to 169.254.169.254"),
            ("http://[::1]/a.jpg", "leads to ::1"),
            ("//10.0.0.1/a.jpg", "leads to 10.0.0.1"),
            ("file:///etc/passwd", "starts with 'file'"),
            ("ftp://127.0.0.1/a.jpg", "starts with 'ftp'"),
            ("http://user:word@127.0.0.1/", "has a user or a password in it"),
            ("http://127.0.0.1:22/", "port 22: allowed are 80, 443, and 1024 to 65535"),
            ("http://[bad/", "names no server"),
        ],
    )
    def test_each_is_checked_like_the_first(self, server, fetcher, place, words):
        with pytest.raises(UrlError) as caught:
            fetcher.fetch(f"{server.url}/redirect?{place}")
        assert words in str(caught.value)
        assert server.handler.counts["/redirect"] == 1

    def test_one_that_leads_nowhere(self, server, fetcher):
        with pytest.raises(FetchError, match="redirected without saying where to"):
            fetcher.fetch(f"{server.url}/nowhere")


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("file:///etc/passwd", "starts with 'file': allowed are http:// and https://"),
            ("ftp://example.com/a.jpg", "starts with 'ftp'"),
            ("gopher://example.com/", "starts with 'gopher'"),
            ("example.com/a.jpg", "starts with ''"),
            ("http:///a.jpg", "names no server"),
            ("http://", "names no server"),
            ("http://example.com:25/", "port 25: allowed are 80, 443, and 1024 to 65535"),
            ("https://example.com:1023/", "port 1023"),
            ("http://example.com:99999/", "port 99999"),
            ("http://exa mple.com/", "names no server"),
            ("http://example.com/" + "a" * 9000, "9,019 characters, and 8,192 are allowed"),
            ("http://example.com/a\nb", "not a URL"),
        ],
    )
    def test_other_urls_are_refused(self, fetcher, url, words):
        with pytest.raises(UrlError) as caught:
            fetcher.fetch(url)
        assert words in str(caught.value)

    def test_a_password_is_refused_and_not_repeated(self, fetcher):
        with pytest.raises(UrlError) as caught:
            fetcher.fetch("https://admin:hunter2@example.com/a.jpg")
        assert "hunter2" not in str(caught.value)
        assert "has a user or a password in it: leave them out" in str(caught.value)

    def test_spaces_and_letters_of_any_alphabet_are_encoded(self, server, fetcher):
        assert fetcher.fetch(f"{server.url}/ok/größe 1.jpg#top") == PHOTO
        assert list(server.handler.counts) == ["/ok/gr%C3%B6%C3%9Fe%201.jpg"]


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fe80::1%eth0",
            "fec0::1",
            "ff02::1",
            "localhost",
            "",
        ],
    )
    def test_private_and_special_addresses_are_not_allowed(self, address):
        assert not is_allowed(address)

    @pytest.mark.parametrize(
        "address",
        [
            "8.8.8.8",
            "93.184.216.34",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700:4700::1111",
            "2a00:1450:4001:82a::200e",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ],
    )
    def test_public_addresses_are_allowed(self, address):
        assert is_allowed(address)

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1"],
    )
    def test_however_an_address_is_written(self, server, host):
        with Fetcher() as fetcher, pytest.raises(UrlError, match="not a public address"):
            fetcher.fetch(f"http://{host}:{server.port}/ok")
        assert not server.handler.counts

    @pytest.mark.parametrize("name", ["localhost", "LOCALHOST"])
    def test_names_of_this_machine(self, server, name):
        with Fetcher() as fetcher, pytest.raises(UrlError, match="not a public address"):
            fetcher.fetch(f"http://{name}:{server.port}/ok")
        assert not server.handler.counts

    def test_one_private_address_among_public_ones_is_enough(self, server):
        with (
            Fetcher(resolver=lambda *_: ["93.184.216.34", "10.0.0.1"]) as fetcher,
            pytest.raises(UrlError, match=r"shop\.example leads to 10\.0\.0\.1"),
        ):
            fetcher.fetch("http://shop.example/a.jpg")

    def test_a_name_is_resolved_once_and_that_address_is_connected_to(self, server):
        """DNS rebinding: the second answer for the name would lead elsewhere."""
        answers = iter([["127.0.0.1"], ["10.0.0.1"]])
        with Fetcher(
            allow_networks=LOOPBACK, resolver=lambda host, port: next(answers), retries=0
        ) as fetcher:
            assert fetcher.fetch(f"http://shop.example:{server.port}/ok") == PHOTO
            assert fetcher.fetch(f"http://shop.example:{server.port}/ok") == PHOTO
            fetcher.close()
            with pytest.raises(UrlError, match=r"leads to 10\.0\.0\.1"):
                fetcher.fetch(f"http://shop.example:{server.port}/ok")

    def test_the_next_address_is_tried_if_one_does_not_answer(self, server):
        asked = []

        def resolver(host, port):
            asked.append((host, port))
            return ["127.0.0.9", "127.0.0.1"]

        with Fetcher(allow_networks=["127.0.0.0/8"], resolver=resolver) as fetcher:
            assert fetcher.fetch(f"http://shop.example:{server.port}/ok") == PHOTO
        assert asked == [("shop.example", server.port)]

    def test_a_name_without_addresses(self):
        with (
            Fetcher(resolver=lambda *_: [], backoff=0.01) as fetcher,
            pytest.raises(FetchError, match=r"shop\.example has no address"),
        ):
            fetcher.fetch("http://shop.example/a.jpg")


class TestCertificates:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        if shutil.which("openssl") is None:
            pytest.skip("needs openssl to make a certificate")
        path = tmp_path / "server.pem"
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            "-subj /CN=shop.example -addext subjectAltName=DNS:shop.example "
            "-keyout server.pem -out cert.pem"
        )
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
        with path.open("ab") as file:
            file.write((tmp_path / "cert.pem").read_bytes())
        return path

    @pytest.fixture
    def secure(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = Server(context)
        yield server
        server.close()

    def options(self, **more):
        return {
            "allow_networks": LOOPBACK,
            "resolver": lambda *_: ["127.0.0.1"],
            "backoff": 0.01,
            **more,
        }

    def test_the_name_is_verified_and_not_the_address(self, secure, certificate):
        trusted = ssl.create_default_context(cafile=str(certificate))
        with Fetcher(**self.options(ssl_context=trusted)) as fetcher:
            assert fetcher.fetch(f"https://shop.example:{secure.port}/ok") == PHOTO
            with pytest.raises(FetchError, match=r"the certificate of \w+\.example is not valid"):
                fetcher.fetch(f"https://other.example:{secure.port}/ok")
        assert secure.handler.counts == {"/ok": 1}

    def test_an_unknown_certificate_is_refused_without_retries(self, secure):
        asked = []
        options = self.options(resolver=lambda *_: asked.append(1) or ["127.0.0.1"])
        with (
            Fetcher(**options) as fetcher,
            pytest.raises(FetchError, match=r"the certificate of \w+\.example is not valid"),
        ):
            fetcher.fetch(f"https://shop.example:{secure.port}/ok")
        assert len(asked) == 1
        assert not secure.handler.counts


class TestSettings:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"max_bytes": 0}, "max_bytes is 0: it must be above 0"),
            ({"timeout": -1.0}, "timeout is -1.0: it must be above 0"),
            ({"connections": 0}, "connections is 0: it must be above 0"),
            ({"redirects": -1}, "redirects is -1: it must be 0 or more"),
            ({"retries": -1}, "retries is -1: it must be 0 or more"),
            ({"backoff": -0.5}, "backoff is -0.5: it must be 0 or more"),
            ({"allow_networks": ["10.0.0.1/8"]}, "write it like 10.1.0.0/16"),
        ],
    )
    def test_values_out_of_range_are_refused(self, options, words):
        with pytest.raises(SettingError) as caught:
            Fetcher(**options)
        assert words in str(caught.value)
