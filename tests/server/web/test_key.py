"""A service whose search is not open: the page asks for the key, and keeps it for the tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from findalike.server.keys import KeyStore
from page_stand_ins import FakeService, Widget

KEY = "fa_0123456789ab_secret"


@pytest.fixture
def closed(open_page: Callable[..., Widget], service: FakeService) -> Widget:
    """The page of a service that wants a key."""
    service.key = KEY
    widget = open_page()
    widget.page.get_by_role("heading", name="This search needs a key").wait_for()
    return widget


def field(widget: Widget) -> Any:
    return widget.page.get_by_label("Key", exact=True)


def give(widget: Widget, key: str) -> None:
    field(widget).fill(key)
    field(widget).press("Enter")


def test_page_asks_for_the_key_and_searches_with_it(closed: Widget, service: FakeService):
    assert closed.now("Choose a photo").is_hidden()
    assert field(closed).evaluate("e => e.getRootNode().activeElement === e")
    assert field(closed).get_attribute("type") == "password"
    give(closed, f" {KEY} ")
    closed.now("Choose a photo").wait_for()
    assert field(closed).count() == 0
    closed.now("Search with example photo 1").wait_for()
    closed.show()
    assert service.searches[0].headers["authorization"] == f"Bearer {KEY}"
    assert len(closed.titles()) == 8


@pytest.mark.parametrize(
    ("key", "said", "asked"),
    [
        ("", "Enter a key first", 0),
        ("two words", "no spaces", 0),
        ("ключ", "no special characters", 0),
        ("fa_wrong", "This key is not valid", 1),
    ],
)
def test_what_is_no_key_is_told(
    closed: Widget, service: FakeService, key: str, said: str, asked: int
):
    before = len(service.of("/v1/shop"))
    give(closed, key)
    closed.page.get_by_role("alert").get_by_text(said).wait_for()
    assert len(service.of("/v1/shop")) == before + asked
    give(closed, KEY)
    closed.now("Choose a photo").wait_for()


@pytest.mark.parametrize(
    ("status", "said"),
    [(403, "not for this page"), (429, "Wait a moment"), (503, "can't be reached")],
)
def test_key_that_cannot_be_tried_is_told(
    closed: Widget, service: FakeService, status: int, said: str
):
    service.key = ""
    service.fail = {"/v1/shop": (status, {}, {})}
    give(closed, KEY)
    closed.page.get_by_role("alert").get_by_text(said).wait_for()


def test_key_is_kept_in_the_tab_alone(closed: Widget, service: FakeService):
    give(closed, KEY)
    closed.now("Choose a photo").wait_for()
    page = closed.page
    page.reload()
    closed.now("Search with example photo 1").wait_for()
    assert field(closed).count() == 0
    assert page.evaluate("Object.values(localStorage)") == []
    assert page.context.cookies() == []
    assert KEY not in page.content() + page.url
    other = Widget(page.context.new_page(), closed.url, service).open()
    other.page.get_by_role("heading", name="This search needs a key").wait_for()


def test_key_that_ends_while_a_photo_is_searched_with_is_asked_for_again(
    closed: Widget, service: FakeService
):
    give(closed, KEY)
    closed.now("Choose a photo").wait_for()
    service.key = "fa_new"
    closed.show(wait=False)
    closed.page.get_by_role("alert").get_by_text("This key is not valid").wait_for()
    assert closed.notice.count() == 0
    give(closed, "fa_new")
    closed.settle(2)
    assert service.searches[-1].photo is not None
    assert len(closed.titles()) == 8


def test_widget_takes_a_key_as_property_and_asks_only_where_it_is_told(
    widget: Widget, service: FakeService
):
    service.key = KEY
    element = "document.querySelector('findalike-search')"
    widget.page.evaluate(f"{element}.removeAttribute('ask-key')")
    widget.show(wait=False)
    widget.notice.get_by_text("The shop has to set the key").wait_for()
    assert field(widget).count() == 0
    widget.page.evaluate(f"(key) => {{ {element}.key = key; }}", KEY)
    widget.settle(2)
    assert service.searches[-1].headers["authorization"] == f"Bearer {KEY}"
    assert widget.page.evaluate(f"{element}.key") == KEY
    assert KEY not in widget.page.content()


def test_key_that_was_asked_for_comes_before_one_that_was_refused(
    widget: Widget, service: FakeService
):
    service.key = KEY
    widget.page.evaluate("document.querySelector('findalike-search').setAttribute('key', 'fa_old')")
    widget.page.get_by_role("alert").get_by_text("This key is not valid").wait_for()
    give(widget, KEY)
    widget.now("Search with example photo 1").wait_for()
    widget.show()
    assert service.searches[0].headers["authorization"] == f"Bearer {KEY}"


def test_key_is_given_to_no_other_service(closed: Widget, service: FakeService):
    give(closed, KEY)
    closed.now("Choose a photo").wait_for()
    before = len(service.asked)
    service.key = ""
    closed.page.evaluate(
        """document.querySelector('findalike-search')
        .setAttribute('endpoint', location.origin + '/other')"""
    )
    closed.until(lambda: len(service.asked) > before)
    assert service.asked[-1].path == "/other/v1/shop"
    assert "authorization" not in service.asked[-1].headers


@pytest.mark.timeout(300)
def test_real_service_with_keys(chromium: Any, make_shop: Any, serve: Any, server_photos: Any):
    shop = make_shop()
    _, key = KeyStore(shop).create("search")
    with serve(shop) as server:
        page = chromium.new_page()
        widget = Widget(page, server.url, FakeService()).open()
        give(widget, key)
        widget.now("Choose a photo").wait_for()
        widget.page.locator("findalike-search input[type=file]").first.set_input_files(
            server_photos / "6.jpg"
        )
        widget.cards.first.wait_for()
        picture = widget.cards.first.locator("img").first
        widget.until(lambda: picture.evaluate("e => e.complete && e.naturalWidth > 0"))
        page.close()
