"""The widget in a page of another origin, in two lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from page_stand_ins import FakeService, Widget

SHOP = "https://shop.example"
POLICY = "default-src 'none'; script-src {0}; connect-src {0}; img-src {0} blob: data:"


@pytest.fixture
def embed(
    open_page: Callable[..., Widget], service: FakeService, live_server: Any
) -> Callable[..., Widget]:
    """A shop's own page with the widget, under a strict policy of its own."""
    widget = open_page()

    def make(element: str = "<findalike-search></findalike-search>") -> Widget:
        html = (
            '<!doctype html><html lang="en"><title>Shop</title>'
            f'<script type="module" src="{live_server.url}/widget/findalike-search.js"></script>'
            f"{element}"
        )
        headers = {
            "content-type": "text/html",
            "content-security-policy": POLICY.format(live_server.url),
        }
        widget.page.route(f"{SHOP}/**", lambda route: route.fulfill(body=html, headers=headers))
        widget.page.goto(f"{SHOP}/page")
        return widget.defined()

    return make


@pytest.fixture(autouse=True)
def allow_other_origins(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``findalike serve --cors`` does; tested where that is."""
    allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
    handle = service.handle

    class Allowed:
        def __init__(self, route: Any) -> None:
            self.route, self.request = route, route.request

        def fulfill(self, **answer: Any) -> None:
            if "json" in answer:
                self.route.fulfill(headers=allowed, json=answer["json"])
            else:
                self.route.fulfill(
                    headers=allowed, **{k: v for k, v in answer.items() if k != "headers"}
                )

    monkeypatch.setattr(service, "handle", lambda route: handle(Allowed(route)))


def test_two_lines_are_enough(embed: Callable[..., Widget], service: FakeService):
    widget = embed().show()
    assert len(widget.titles()) == 8
    assert widget.page.evaluate("location.href") == f"{SHOP}/page"


def test_key_goes_with_every_question(embed: Callable[..., Widget], service: FakeService):
    widget = embed('<findalike-search key="fa_secret" page-size="3"></findalike-search>').show()
    assert service.searches[0].headers["authorization"] == "Bearer fa_secret"
    assert len(widget.titles()) == 3


def test_address_of_the_shops_page_is_left_alone(embed: Callable[..., Widget]):
    widget = embed().show()
    widget.page.get_by_label("red").check()
    widget.now("More like this: Mug number 3").click()
    widget.page.get_by_role("heading", name="More like “Mug number 3”").wait_for()
    assert widget.page.url == f"{SHOP}/page"
    widget.now("Back to your photo").click()
    widget.page.get_by_role("heading", name="Products", exact=True).wait_for()


def test_slots_parts_and_properties(embed: Callable[..., Widget], service: FakeService):
    service.answer = {"nothing_like_it": True}
    widget = embed(
        '<findalike-search><h2 slot="intro">Find your mug</h2>'
        '<a slot="nothing" href="/ask">Ask us</a></findalike-search>'
    )
    assert widget.page.get_by_role("heading", name="Find your mug").is_visible()
    assert widget.page.get_by_text("Show us what you are looking for").is_hidden()
    widget.page.evaluate(
        """() => { const sheet = new CSSStyleSheet();
        sheet.replaceSync(`findalike-search { --findalike-accent: rgb(1, 2, 3); }
          findalike-search::part(card) { border-top-width: 7px; }`);
        document.adoptedStyleSheets = [sheet]; }"""
    )
    primary = widget.now("Take a photo")
    assert primary.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(1, 2, 3)"
    widget.show()
    assert widget.cards.first.evaluate("e => getComputedStyle(e).borderTopWidth") == "7px"
    assert widget.page.get_by_role("link", name="Ask us").is_visible()


def test_removed_widget_leaves_nothing_behind(embed: Callable[..., Widget], service: FakeService):
    widget = embed().show()
    element = widget.page.evaluate_handle("document.querySelector('findalike-search')")
    element.evaluate("e => e.remove()")
    widget.page.evaluate("document.dispatchEvent(new ClipboardEvent('paste'))")
    element.evaluate("e => document.body.append(e)")
    widget.now("Choose a photo").wait_for()


def test_page_can_start_a_search(embed: Callable[..., Widget], service: FakeService):
    widget = embed()
    widget.page.evaluate(
        """async () => { const canvas = new OffscreenCanvas(2560, 1920); canvas.getContext("2d");
        const blob = await canvas.convertToBlob();
        const search = document.querySelector("findalike-search");
        await search.searchPhoto(blob, { box: [200, 100, 400, 600] }); }"""
    )
    widget.settle()
    assert service.searches[0].box == [100, 50, 200, 300]
