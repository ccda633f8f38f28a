"""Requests that nobody should send to the shop of `benchmarks/soak.py`, and what they are answered.

Damaged photos and forms are those of `benchmarks/fuzz_uploads.py` and of the tests of the service;
they may be taken or refused, by no fault of the service. The others have one right answer each.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from service_process import form
from soak_caller import FORM, JSON, Caller, LostError, Soak

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from server.uploads import fuzzed_photos, malformed_forms

ADDRESS = "127.0.0.2"
"""Bad callers come from an address of their own, since it is made to wait after wrong keys."""


@dataclass(frozen=True)
class Bad:
    """A bad request, and the statuses that are right for it; none where any refusal will do."""

    kind: str
    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    right: tuple[int, ...] = ()


def bad_requests(photos: list[bytes], key: dict[str, str], seed: int) -> Iterator[Bad]:
    """Bad requests without end, the kinds in turn."""
    forms = malformed_forms(photos[0])
    while True:
        plain = _plain(photos[0], key)
        for number, (_, photo) in enumerate(fuzzed_photos(photos, seed=seed, n=200)):
            if number % 3 == 0:
                yield plain[number // 3 % len(plain)]
            elif number % 3 == 1:
                yield Bad("damaged photo", "POST", "/v1/search", form(photo), FORM)
            else:
                _, content_type, body = forms[number // 3 % len(forms)]
                headers = {"Content-Type": content_type}
                yield Bad("malformed form", "POST", "/v1/search", body, headers)
        seed += 1


def _plain(photo: bytes, key: dict[str, str]) -> list[Bad]:
    product = "/v1/products/bad-one"
    may = JSON | key
    pictures = ("../../etc/passwd", "/etc/passwd", "no-such.jpg", "http://127.0.0.1/a.jpg")
    pictures += ("http://169.254.169.254/latest", "file:///etc/passwd", "http://[::1]:80/a.jpg")

    def put(**values: object) -> bytes:
        return json.dumps({"images": [{"location": "no-such.jpg"}], **values}).encode()

    return [
        *(
            Bad(
                "picture that may not be",
                "PUT",
                product,
                put(images=[{"location": p}]),
                may,
                (422,),
            )
            for p in pictures
        ),
        Bad("price of no number", "PUT", product, put(price="dear"), may, (422,)),
        Bad(
            "attribute of another type",
            "PUT",
            product,
            put(attributes={"edition": "x"}),
            may,
            (422,),
        ),
        Bad("no images", "PUT", product, b"{}", may, (422,)),
        Bad("unknown field", "PUT", product, put(colour="red"), may, (422,)),
        Bad("picture that is none", "PUT", product, form(b"no picture"), FORM | key, (422,)),
        Bad("half JSON", "PUT", product, b'{"title": "a', may, (400, 422)),
        Bad("deep JSON", "PUT", product, b"[" * 100_000, may, (400, 413, 422)),
        Bad("no key", "PUT", product, put(), JSON, (401,)),
        Bad("wrong key", "PUT", product, put(), JSON | {"Authorization": "Bearer x"}, (401, 429)),
        Bad("patch of nothing", "PATCH", product, b'{"price": 1}', may, (404,)),
        Bad("delete of nothing", "DELETE", product, None, key, (404,)),
        Bad("long id", "GET", "/v1/products/" + "a" * 3000, None, key, (404, 414, 422)),
        Bad("cursor of nobody", "GET", "/v1/products?cursor=abc", None, key, (400, 422)),
        Bad("bad filter", "GET", "/v1/products?where=price+%3C%3C+2", None, key, (400,)),
        Bad("large k", "POST", "/v1/search", form(photo, k="100000"), FORM, (422,)),
        Bad("bad box", "POST", "/v1/search", form(photo, box="9999,0,1,1"), FORM, (422,)),
        Bad("filter of another", "POST", "/v1/search", form(photo, where="no = 1"), FORM, (400,)),
        Bad(
            "inner URL", "POST", "/v1/search", b'{"image_url": "http://127.0.0.1/a"}', JSON, (422,)
        ),
        Bad("no base64", "POST", "/v1/search", b'{"image_base64": "***"}', JSON, (400, 422)),
        Bad("no import", "GET", "/v1/imports/../../keys.json", None, key, (404, 422)),
        Bad("rollback", "POST", "/v1/shop:rollback", b'{"version": 1}', may, (403,)),
        Bad("no such path", "GET", "/v1/%2e%2e/%2e%2e/etc/passwd", None, {}, (404,)),
        Bad("wrong method", "PUT", "/v1/search", b"{}", JSON, (405,)),
        Bad("half sent", "POST", "/v1/search"),
    ]


class BadCaller(Caller):
    """Sends bad requests, and no more than some a second."""

    def __init__(self, soak: Soak, number: int) -> None:
        super().__init__(soak, number, ADDRESS)
        self._bad = bad_requests(soak.photos, self.key, soak.seed * 1000 + soak.epoch)

    def turn(self) -> None:
        bad = next(self._bad)
        if bad.kind == "half sent":
            self.half_sent()
            return
        try:
            answer = self.ask(f"bad: {bad.kind}", bad.method, bad.path, bad.body, bad.headers)
        except LostError:
            # The service may close on who goes on sending what was refused; but it must live.
            if self.soak.ending.is_set():
                raise
            self.ask("alive", "GET", "/healthz")
            return
        self.soak.checks["bad requests"] += 1
        if bad.right and answer.status not in (*bad.right, 503):
            self.soak.violation(f"not answered with {bad.right}", bad.kind, answer)
        time.sleep(0.05)

    def half_sent(self) -> None:
        """Begin a request and go."""
        try:
            with socket.create_connection(
                ("127.0.0.1", self.soak.service.port), 5, source_address=(ADDRESS, 0)
            ) as connection:
                head = b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"
                connection.sendall(head + b"Content-Type: image/jpeg\r\n\r\nabc")
                time.sleep(0.05)
        except OSError as error:
            raise LostError from error
