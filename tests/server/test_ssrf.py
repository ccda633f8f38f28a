"""URLs that lead where no image is: none may be fetched, and none may tell what is there."""

from __future__ import annotations

import http.server
import socket
import threading
import time
import unicodedata

import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.keys import KeyStore
from findalike.server.settings import ServerSettings
from server.guarded_app import bearer

INSIDE = b"the secret of the inside"


class Inside(http.server.BaseHTTPRequestHandler):
    """A server of the inner network; it must not be reached unless its network is allowed."""

    protocol_version = "HTTP/1.1"
    reached: list[str]
    photo: bytes

    def do_GET(self):
        self.reached.append(self.path)
        kind = self.path.partition("?")[0].strip("/").split("/")[0]
        if kind == "photo":
            self.answer(self.photo)
        elif kind == "redirect":
            self.answer(b"", 302, Location=self.path.partition("?")[2])
        elif kind == "around":
            self.answer(b"", 302, Location="/around")
        elif kind == "huge":
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(10_000):
                    self.wfile.write(bytes(65_536))
            except OSError:
                self.close_connection = True
        elif kind == "slow":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            try:
                for _ in range(200):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True
        elif kind == "status":
            self.answer(INSIDE, int(self.path.split("/")[2]))
        else:
            self.answer(INSIDE)

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def inside(server_photos):
    Inside.reached = []
    Inside.photo = (server_photos / "3.jpg").read_bytes()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inside)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


NAMES = {
    "private.test": ["10.0.0.5"],
    "loop.test": ["127.0.0.1"],
    "both.test": ["93.184.216.34", "127.0.0.1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
}


def resolve(host: str, port: int) -> list[str]:
    if host in NAMES:
        return NAMES[host]
    # As the resolver of the C library reads numbers: octal, hexadecimal, short, decimal.
    try:
        return [socket.inet_ntoa(socket.inet_aton(host))]
    except OSError as error:
        raise OSError(f"{host} is not known") from error


@pytest.fixture(scope="module")
def outside(server_shop, inside):
    """The service as it is by default: only public addresses."""
    settings = ServerSettings(shop=server_shop, open_search=True, fetch_seconds=1.0)
    with TestClient(create_app(settings)) as client:
        for fetcher in (service := client.app.state.service).fetcher, service.photo_fetches.fetcher:
            fetcher._resolver = resolve
        yield client


@pytest.fixture(scope="module")
def allowing(server_shop, inside):
    """The service of a shop whose pictures lie on this machine."""
    settings = ServerSettings(
        shop=server_shop,
        open_search=True,
        fetch_seconds=1.0,
        allow_networks=("127.0.0.1/32",),
        max_image_bytes=1_000_000,
    )
    with TestClient(create_app(settings)) as client:
        for fetcher in (service := client.app.state.service).fetcher, service.photo_fetches.fetcher:
            fetcher._resolver = resolve
        yield client


def search(client, url):
    return client.post("/v1/search", json={"image_url": url})


HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "0.0.0.0",
    "0",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.170",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%25eth0]",
    "[::1%25lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[100::1]",
    "[5f00::1]",
    "localhost",
    "LOCALHOST.",
    "private.test",
    "loop.test",
    "both.test",
    "mapped.test",
    "metadata.test",
    "①②⑦.⓪.⓪.①",
    "127。0.0.1",
    "unknown.test",
]


@pytest.mark.parametrize("host", HOSTS)
def test_what_is_not_public_is_not_reached(outside, inside, host):
    Inside.reached.clear()
    answer = search(outside, f"http://{host}:{inside.server_port}/secret")
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["type"].endswith(("image-url", "image-url-failed"))
    assert Inside.reached == []
    # Of a name it is not said where it leads.
    for address in ("10.0.0.5", "127.0.0.1", "169.254.169.254"):
        assert f"leads to {address}" not in answer.text
        assert (
            address in unicodedata.normalize("NFKC", host).replace("。", ".")
            or address not in answer.text
        )


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "ftp://93.184.216.34/x.jpg",
        "gopher://127.0.0.1:6379/_INFO",
        "dict://127.0.0.1:11211/stats",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "jar:http://x!/y",
        "http:",
        "http://",
        "http:///etc/passwd",
        "//127.0.0.1/x",
        "/etc/passwd",
        "127.0.0.1",
        "http://user:pass@93.184.216.34/x.jpg",
        "http://93.184.216.34@127.0.0.1/x.jpg",
        "http://127.0.0.1#@93.184.216.34/",
        "http://93.184.216.34:22/x.jpg",
        "http://93.184.216.34:25/x.jpg",
        "http://93.184.216.34:0/x.jpg",
        "http://93.184.216.34:99999/x.jpg",
        "http://93.184.216.34:-1/x.jpg",
        "http://a\nb/x.jpg",
        "http://a/\r\nHost: b",
        "http://[::1/x.jpg",
        "http://\x00/",
        "http://" + "a" * 300 + "/",
        "http://a/" + "b" * 9000,
        "http://%31%32%37.0.0.1/",
        "http://xn--/",
        "http://\ud800/",
        " http://127.0.0.1/",
        "http:\\\\127.0.0.1\\x",
        "",
    ],
)
def test_what_is_no_url_of_an_image_is_refused(outside, inside, url):
    Inside.reached.clear()
    body = b'{"image_url": %s}' % __import__("json").dumps(url).encode()
    answer = outside.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "pass@" not in answer.text
    assert Inside.reached == []


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:{port}/secret",
        "http://loop2.test:{port}/secret",
        "file:///etc/passwd",
        "http://user:pass@127.0.0.1:{port}/secret",
        "//10.0.0.1/",
        "http://127.0.0.1:22/",
        "",
        "http://[/",
    ],
)
def test_redirects_are_checked_like_urls(allowing, inside, target):
    Inside.reached.clear()
    target = target.format(port=inside.server_port)
    answer = search(allowing, f"http://127.0.0.1:{inside.server_port}/redirect?{target}")
    assert answer.status_code == 422, answer.text
    assert [path for path in Inside.reached if path.startswith("/secret")] == []


def test_an_allowed_network_is_reached(allowing, inside):
    answer = search(allowing, f"http://127.0.0.1:{inside.server_port}/photo")
    assert answer.status_code == 200
    assert answer.json()["products"][0]["product_id"] == "p01"
    answer = search(allowing, f"http://127.0.0.1:{inside.server_port}/redirect?/photo")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "statuses"),
    [("around", {422}), ("huge", {413, 422}), ("slow", {422, 503}), ("secret", {415, 422})],
)
def test_servers_that_mean_no_good(allowing, inside, path, statuses):
    began = time.monotonic()
    answer = search(allowing, f"http://127.0.0.1:{inside.server_port}/{path}")
    assert answer.status_code in statuses, answer.text
    assert INSIDE.decode() not in answer.text
    assert INSIDE[:8].hex(" ") not in answer.text
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [204, 301, 304, 401, 403, 404, 418, 500, 503])
def test_what_a_server_answers_is_not_passed_on(allowing, inside, status):
    answer = search(allowing, f"http://127.0.0.1:{inside.server_port}/status/{status}")
    assert answer.status_code == 422
    assert INSIDE.decode() not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_feeds_are_fetched_by_the_same_rules(make_shop, inside, host):
    shop = make_shop()
    _, key = KeyStore(shop).create("catalogue")
    Inside.reached.clear()
    with TestClient(create_app(ServerSettings(shop=shop)), headers=bearer(key)) as client:
        url = f"http://{host}:{inside.server_port}/secret"
        made = client.post("/v1/imports", json={"url": url})
        assert made.status_code == 202, made.text
        place = made.headers["location"]
        deadline = time.monotonic() + 40
        while (told := client.get(place).json())["state"] in ("queued", "running"):
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
    assert told["state"] == "failed"
    assert "public" in str(told)
    assert Inside.reached == []
