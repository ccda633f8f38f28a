"""A shopper before the page, and a service behind it whose answers each test chooses."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from PIL import Image

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}


def photo_bytes(width: int = 640, height: int = 480, *, orientation: int | None = None) -> bytes:
    """A JPEG: left half red, right half blue, as it is stored."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
        exif[0x010F] = "Secret Camera Maker"
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, exif=exif)
    return out.getvalue()


@dataclass
class Asked:
    """One request that reached the service."""

    path: str
    fields: dict[str, str]
    photo: bytes | None
    headers: dict[str, str]

    @property
    def box(self) -> list[int]:
        return [int(side) for side in self.fields["box"].strip("[]").split(",")]


def product(place: int, **more: Any) -> dict[str, Any]:
    """A product of an answer."""
    return {
        "rank": place + 1,
        "product_id": f"p/{place}",
        "score": 0.91 - 0.01 * place,
        "likeness": ["same", "very similar", "similar", "unlike"][min(3, place // 2)],
        "title": f"Mug number {place}",
        "category": "Kitchen/Mugs",
        "price": 10.5 + place,
        "currency": "EUR",
        "url": None,
        "image": {"image_id": str(place), "url": f"/v1/images/{place}", "box": None},
        "attributes": {"colour": "red", "in_stock": True},
        "variants": [],
        **more,
    }


@dataclass
class FakeService:
    """Answers what the page asks under ``/v1``, and remembers it.

    Attributes:
        hold: paths whose requests are kept in ``held`` until the test answers them.
        fail: path to the status, headers and body that are answered instead.
        key: what has to come with every question, unless it is empty.
    """

    asked: list[Asked] = field(default_factory=list)
    products: list[dict[str, Any]] = field(default_factory=lambda: [product(i) for i in range(8)])
    answer: dict[str, Any] = field(default_factory=dict)
    boxes: list[list[float]] = field(default_factory=lambda: [[160, 120, 200, 160]])
    examples: list[str] = field(
        default_factory=lambda: ["/v1/examples/a.jpg", "/v1/examples/b.jpg"]
    )
    hold: set[str] = field(default_factory=set)
    held: list[tuple[Any, Asked]] = field(default_factory=list)
    fail: dict[str, tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=dict)
    key: str = ""

    def of(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    @property
    def searches(self) -> list[Asked]:
        return self.of("/v1/search")

    def handle(self, route: Any) -> None:
        request = route.request
        path = unquote(urlsplit(request.url).path)
        if path.startswith(("/v1/images/", "/v1/examples/")):
            route.fulfill(body=photo_bytes(320, 320), content_type="image/jpeg")
            return
        asked = _asked(request, path)
        self.asked.append(asked)
        if path in self.hold:
            self.held.append((route, asked))
            return
        self.respond(route, asked)

    def respond(self, route: Any, asked: Asked, **more: Any) -> None:
        failure = self.fail.get(asked.path)
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            failure = (401, {}, {"title": "No valid key"})
        if failure:
            status, headers, body = failure
            headers = {"content-type": "application/problem+json", **headers}
            route.fulfill(status=status, headers=headers, body=json.dumps(body))
            return
        bodies: dict[str, Callable[[], Any]] = {
            "/v1/shop": self.shop,
            "/v1/feedback": lambda: {"stored": True, "photo": "none sent"},
        }
        body = bodies.get(asked.path, lambda: self.found(asked))()
        route.fulfill(json={**body, **more})

    def shop(self) -> dict[str, Any]:
        types = {"category": "text", "price": "number", "colour": "text", "in_stock": "boolean"}
        examples = [{"url": url} for url in self.examples]
        return {"name": "Shop", "fields": types, "facets": list(types), "examples": examples}

    def found(self, asked: Asked) -> dict[str, Any]:
        offset, k = int(asked.fields.get("offset") or 0), int(asked.fields.get("k") or 20)
        given = asked.fields.get("box", "auto")
        box = asked.box if given != "auto" else self.boxes[0]
        later = offset + k < len(self.products)
        proposed = [{"box": box, "score": 0.9} for box in self.boxes]
        return {
            "query_id": f"q{len(self.asked)}",
            "shop_version": 3,
            "image": {"width": 640, "height": 480},
            "box": box,
            "box_source": "given" if given != "auto" else "proposed",
            "proposals": proposed if int(asked.fields.get("proposals") or 0) else None,
            "products": self.products[offset : offset + k],
            "matches": len(self.products),
            "facets": {
                "category": [
                    {"value": "Kitchen/Mugs", "count": 5},
                    {"value": "Kitchen/Bowls", "count": 2},
                    {"value": "Garden", "count": 1},
                ],
                "price": {
                    "min": 10.5,
                    "max": 17.5,
                    "counts": [{"low": 10, "high": 20, "count": 8}],
                },
                "colour": [{"value": "red", "count": 6}, {"value": "it's blue", "count": 2}],
                "in_stock": [{"value": True, "count": 7}, {"value": False, "count": 1}],
            },
            "nothing_like_it": False,
            "next_offset": offset + k if later else None,
            "timings_ms": {},
            "warnings": [],
            **self.answer,
        }


def _asked(request: Any, path: str) -> Asked:
    raw = request.post_data_buffer or b""
    kind = request.headers.get("content-type", "")
    fields: dict[str, str] = dict(parse_qsl(urlsplit(request.url).query))
    photo = None
    if kind.startswith("application/json"):
        said = json.loads(raw)
        fields |= {
            key: ",".join(map(str, v)) if isinstance(v, list) else str(v) for key, v in said.items()
        }
    elif kind.startswith("multipart/form-data"):
        boundary = kind.split("boundary=")[1].encode()
        for part in raw.split(b"--" + boundary)[1:-1]:
            head, _, body = part.strip(b"\r\n").partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]+)"', head)
            assert name
            if b"filename=" in head:
                photo = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            else:
                fields[name[1].decode()] = body.decode()
    return Asked(path, fields, photo, request.headers)


class Widget:
    """The element on a page, as a shopper meets it."""

    def __init__(self, page: Any, url: str, service: FakeService) -> None:
        self.page = page
        self.url = url
        self.service = service
        self.element = page.locator("findalike-search")
        self.cards = page.locator("findalike-search .card:not(.ghost)")
        self.box = page.locator("findalike-search .box")
        self.stage = page.locator("findalike-search .stage")
        self.notice = page.locator("findalike-search .notice")
        self.status = page.locator("findalike-search [role=status]")

    def open(self, path: str = "/") -> Widget:
        self.page.goto(self.url + path)
        return self.defined()

    def defined(self) -> Widget:
        """Wait until the element is more than its tag."""
        there = "!!document.querySelector('findalike-search')?.shadowRoot"
        self.until(lambda: self.page.evaluate(there))
        return self

    def show(self, photo: bytes | None = None, *, wait: bool = True) -> Widget:
        """Choose a photo as a file."""
        file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo or photo_bytes()}
        self.page.locator("findalike-search input[type=file]").first.set_input_files(file)
        if wait:
            self.settle()
        return self

    def settle(self, searches: int = 1) -> None:
        """Wait until so many searches were asked, and the last one's products are there."""
        self.until(lambda: len(self.service.searches) >= searches)
        self.cards.first.wait_for()
        self.page.locator("findalike-search .found[aria-busy=false]").wait_for()

    def until(self, true: Callable[[], bool], seconds: float = 20) -> None:
        """Not ``wait_for_function``: it polls by ``eval``, which the page's policy forbids."""
        for _ in range(int(seconds / 0.02)):
            if true():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError("what was waited for did not come")

    def now(self, words: str, *, exact: bool = False) -> Any:
        return self.page.get_by_role("button", name=words, exact=exact)

    def titles(self) -> list[str]:
        return self.page.locator("findalike-search .card .title").all_inner_texts()

    def box_shares(self) -> list[float]:
        """Left, top, width and height of the box as shares of the photo."""
        return self.box.evaluate(
            "e => [...'xywh'].map(s => e.parentElement.style.getPropertyValue(`--${s}`) / 100)"
        )

    def middle(self, locator: Any) -> tuple[float, float]:
        area = locator.bounding_box()
        return area["x"] + area["width"] / 2, area["y"] + area["height"] / 2

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the photo, by shares of its sides, on the screen."""
        area = self.stage.bounding_box()
        return area["x"] + x * area["width"], area["y"] + y * area["height"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
        mouse.move(*end, steps=3)
        mouse.up()

    def swipe(
        self, start: tuple[float, float], end: tuple[float, float], *, hold_ms: int = 0
    ) -> None:
        """Drag one finger."""
        session = self.page.context.new_cdp_session(self.page)

        def touch(kind: str, *points: tuple[float, float]) -> None:
            at = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

        touch("touchStart", start)
        if hold_ms:
            self.page.wait_for_timeout(hold_ms)
        for step in range(1, 11):
            x = start[0] + (end[0] - start[0]) * step / 10
            touch("touchMove", (x, start[1] + (end[1] - start[1]) * step / 10))
            self.page.wait_for_timeout(16)
        touch("touchEnd")
        session.detach()
