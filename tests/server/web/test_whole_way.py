"""The page before the real service: from a photo to products, with nothing in between replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from page_stand_ins import PHONE, FakeService, Widget


@pytest.fixture
def real(chromium: Any, live_server: Any) -> Iterator[Callable[..., Widget]]:
    contexts = []
    errors: list[str] = []

    def make(**options: Any) -> Widget:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        return Widget(page, live_server.url, FakeService()).open()

    yield make
    for context in contexts:
        context.close()
    assert errors == [], "among them would be whatever the policy refused"


def search(widget: Widget, photo: Path) -> None:
    widget.page.locator("findalike-search input[type=file]").first.set_input_files(photo)
    widget.cards.first.wait_for()
    widget.page.locator("findalike-search .found[aria-busy=false]").wait_for()


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_photo_to_products(real: Callable[..., Widget], server_photos: Path, screen: dict):
    widget = real(**screen)
    search(widget, server_photos / "6.jpg")
    count = len(widget.titles())
    assert count > 3
    picture = widget.cards.first.locator("img").first
    widget.until(lambda: picture.evaluate("e => e.complete && e.naturalWidth > 0"))
    if not screen:
        widget.now("Apple").click()
        widget.until(lambda: 0 < len(widget.titles()) < count)
    widget.page.get_by_role("button", name="More like this").first.click()
    widget.page.get_by_role("heading", name="More like").wait_for()
    widget.page.locator("findalike-search .found[aria-busy=false]").wait_for()
    assert len(widget.titles()) > 0
    assert widget.notice.count() == 0


def test_feedback_is_taken(real: Callable[..., Widget], server_photos: Path):
    widget = real()
    search(widget, server_photos / "6.jpg")
    with widget.page.expect_response("**/v1/feedback") as answer:
        widget.page.get_by_role("button", name="Not what I meant").first.click()
    assert answer.value.status == 202


def test_box_that_is_drawn_is_searched_with(real: Callable[..., Widget], server_photos: Path):
    widget = real()
    search(widget, server_photos / "6.jpg")
    widget.page.wait_for_timeout(500)
    with widget.page.expect_response("**/v1/search") as answer:
        widget.drag(widget.at(0.05, 0.05), widget.at(0.6, 0.6))
    body = answer.value.json()
    assert body["box_source"] == "given"
    assert len(body["products"]) > 0
