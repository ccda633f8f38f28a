"""One who uses the shop of `benchmarks/soak.py`: asks, and holds each answer against the ledger.

A caller is a thread that goes on until its service is killed, and tells the soak of all that it
asked, was answered, and found wrong.
"""

from __future__ import annotations

import http.client
import io
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random

from PIL import Image
from service_process import BOUNDARY, Service, form
from soak_ledger import Ledger, Version, matches

FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
JSON = {"Content-Type": "application/json"}
SAME = 0.999
"""Least cosine of a photo with itself: embeddings of one photo differ a little by their batch."""

MEANT = {"deadline", "shop-locked"}
"""Problems with the status 503 that a sound service under load may answer."""

PATIENCE = 30.0


class LostError(Exception):
    """The connection broke before there was an answer."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    began: float
    ended: float

    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.body)
        return found

    @property
    def problem(self) -> str:
        """The kind of problem, empty if there is none."""
        try:
            return str(self.json().get("type", "")).rsplit(":", 1)[-1] if self.status >= 400 else ""
        except (ValueError, AttributeError):
            return "no problem details"


@dataclass
class Soak:
    """What all threads share.

    Attributes:
        photos: real photos, of which pictures are cut.
        files: paths below the shop's folder of images, for the feed.
        pictures: what the location of a picture ends with → its number.
        statuses: answers by what was asked and how it was answered.
        wrong: what should not have been, each with its evidence.
        ending: set just before the service is killed; connections may break from then on.
        stop: set when everybody is to end what was begun.
    """

    ledger: Ledger
    photos: list[bytes]
    root: Path
    files: list[str]
    service: Service
    seed: int
    pictures: dict[str, int] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    wrong: list[dict[str, object]] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    requests: int = 0
    epoch: int = 0
    started: float = 0.0
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, kind: str, answer: Answer) -> None:
        """Take note of an answer, and of what no answer may be."""
        with self.lock:
            self.requests += 1
            named = f"{answer.status} {answer.problem}".strip()
            self.statuses[f"{kind}: {named}"] += 1
        if answer.status >= 500 and not (answer.status == 503 and answer.problem in MEANT):
            self.violation("fault of the service", kind, answer=answer)

    def violation(
        self, what: str, request: str, answer: Answer | None = None, **more: object
    ) -> None:
        """Take note of something that should not have been."""
        now = time.monotonic()
        found: dict[str, object] = {
            "what": what, "request": request, "epoch": self.epoch,
            "s_since_start": round(now - self.started, 2), **more,
        }  # fmt: skip
        if answer is not None:
            found["answer"] = f"{answer.status} {answer.body[:1500].decode(errors='replace')}"
            found["took_s"] = round(answer.ended - answer.began, 3)
        with self.lock:
            self.wrong.append(found)

    def picture(self, number: int) -> bytes:
        """A picture of its own for each number: a part of a photo."""
        return cut(self.photos[number % len(self.photos)], number)

    def photo_of(self, end: str) -> bytes | None:
        """The picture whose location ends so, where it is known here."""
        if end in self.pictures:
            return self.picture(self.pictures[end])
        file = self.root / end
        return file.read_bytes() if file.is_file() else None


@lru_cache(512)
def cut(photo: bytes, number: int) -> bytes:
    """A part of a photo at random, turned or not."""
    rng = Random(number)
    image = Image.open(io.BytesIO(photo)).convert("RGB")
    width, height = (round(size * rng.uniform(0.55, 0.8)) for size in image.size)
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    part = image.crop((left, top, left + width, top + height))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    file = io.BytesIO()
    part.save(file, "JPEG", quality=88)
    return file.getvalue()


class Caller(threading.Thread):
    """One connection, asking until the service is gone."""

    def __init__(self, soak: Soak, number: int, address: str = "127.0.0.1") -> None:
        super().__init__(name=f"{type(self).__name__} {number}", daemon=True)
        self.soak, self.ledger, self.number = soak, soak.ledger, number
        self.rng = Random(f"{soak.seed} {soak.epoch} {self.name}")
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", soak.service.port, timeout=PATIENCE, source_address=(address, 0)
        )
        self.key = {"Authorization": f"Bearer {soak.service.key}"}

    def run(self) -> None:
        try:
            while not self.soak.stop.is_set():
                self.turn()
        except LostError as error:
            if not self.soak.ending.is_set():
                self.soak.violation("connection lost", self.name, error=repr(error.__cause__))
        except Exception as error:
            self.soak.violation("the soak itself failed", self.name, error=repr(error))
            raise
        finally:
            self._connection.close()

    def turn(self) -> None:
        """Ask once or a few times."""
        raise NotImplementedError

    def ask(
        self,
        kind: str,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask one thing.

        Raises:
            LostError: if there was no answer.
        """
        began = time.monotonic()
        try:
            self._connection.request(method, path, body, dict(headers or {}))
            response = self._connection.getresponse()
            answer = Answer(response.status, response.read(), began, time.monotonic())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise LostError from error
        self.soak.count(kind, answer)
        return answer

    def search(self, photo: bytes, kind: str = "search", **fields: str) -> Answer:
        """Search with a photo; each row of the answer is checked."""
        answer = self.ask(kind, "POST", "/v1/search", form(photo, k="10", **fields), FORM)
        self.check(answer, kind)
        return answer

    def check(self, answer: Answer, kind: str) -> None:
        """See that an answer names products as they are."""
        if answer.status != 200:
            return
        hits = answer.json()["products"]
        assert isinstance(hits, list)
        for hit in hits:
            wrong = self.ledger.wrong_hit(hit, answer.began, answer.ended)
            if wrong is not None:
                self.wrong(hit["product_id"], wrong, kind, answer)
        self.soak.checks["rows of answers"] += len(hits)

    def own_photo(self, product_id: str, end: str, kind: str, **fields: str) -> None:
        """Search with a product's own photo: it comes first, if it has not changed meanwhile.

        Args:
            end: what the location of the photo ends with.
        """
        photo = self.soak.photo_of(end)
        assert photo is not None
        answer = self.search(photo, kind, **fields)
        if answer.status != 200:
            return
        possible = self.ledger.possible(product_id, answer.began, answer.ended)
        shown = possible[0]
        if len(possible) != 1 or shown is None or end not in shown.images.values():
            return
        self.soak.checks["own photo first"] += 1
        hits = answer.json()["products"]
        assert isinstance(hits, list)
        if not hits or hits[0]["product_id"] != product_id or not hits[0]["score"] >= SAME:
            self.wrong(product_id, "its own photo does not find it first", kind, answer)

    def see(self, product_id: str, kind: str = "get") -> dict[str, object] | None:
        """The product as the catalogue has it, checked; None if there is none."""
        answer = self.ask(kind, "GET", f"/v1/products/{product_id}", None, self.key)
        if answer.status not in (200, 404):
            return None
        seen = answer.json() if answer.status == 200 else None
        wrong = self.ledger.wrong_product(product_id, seen, answer.began, answer.ended)
        self.soak.checks["products read"] += 1
        if wrong is not None:
            self.wrong(product_id, wrong, kind, answer)
        return seen

    def settle(self, product_id: str, seen: Mapping[str, object] | None) -> None:
        """Hold for true what is seen of a product, after changes without an answer."""
        now = time.monotonic()
        versions = self.ledger.possible(product_id, 0.0, now) if seen is not None else []
        found = [v for v in versions if v is not None and matches(product_id, v, seen or {})]
        self.ledger.settle(product_id, found[0] if found else None, now)

    def wrong(self, product_id: str, what: str, kind: str, answer: Answer) -> None:
        age = round(self.ledger.age(product_id, answer.began), 3)
        self.soak.violation(what, kind, answer, product=product_id, s_since_its_change=age)

    def change(
        self, product_id: str, version: Version | None, method: str, body: bytes | None, kind: str
    ) -> bool:
        """Send a change; returns whether it was carried out."""
        typed = FORM if method == "PUT" else JSON
        self.ledger.begin(product_id, version, time.monotonic())
        path = f"/v1/products/{product_id}"
        answer = self.ask(kind, method, path, body, {**self.key, **typed})
        if answer.status in (200, 201):
            self.ledger.answered(product_id, answer.ended)
            return True
        self.ledger.refused(product_id)
        if not (answer.status == 429 or (answer.status == 503 and answer.problem in MEANT)):
            self.wrong(product_id, "a good change is refused", kind, answer)
        return False
