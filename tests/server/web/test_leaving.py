"""A widget that leaves the page, or is drawn anew, lets go of what it had."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from page_stand_ins import FakeService, Widget

ELEMENT = 'document.querySelector("findalike-search")'
SPY = """() => { window.tracks = [];
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (window.before) await window.before;
    const stream = await ask(wanted);
    tracks.push(...stream.getTracks());
    return stream;
  }; }"""
STATES = "tracks.map((track) => track.readyState)"
AWAY = {
    "removed": f"{ELEMENT}.remove()",
    "other words": f"{ELEMENT}.words = {{ file: 'Foto' }}",
    "other language": f"{ELEMENT}.setAttribute('lang', 'de')",
}


@pytest.mark.parametrize("away", AWAY.values(), ids=AWAY)
def test_camera_goes_off(widget: Widget, away: str):
    widget.page.evaluate(SPY)
    widget.now("Take a photo").click()
    widget.until(widget.now("Take the photo").is_enabled)
    assert widget.page.evaluate(STATES) == ["live"]
    widget.page.evaluate(away)
    widget.until(lambda: widget.page.evaluate(STATES) == ["ended"])
    assert widget.page.get_by_role("dialog").count() == 0


def test_camera_that_comes_after_the_widget_has_gone_is_turned_off(widget: Widget):
    widget.page.evaluate(SPY)
    widget.page.evaluate("() => { window.before = new Promise((go) => { window.go = go; }); }")
    widget.now("Take a photo").click()
    widget.page.evaluate(AWAY["removed"])
    widget.page.evaluate("go()")
    widget.until(lambda: widget.page.evaluate(STATES) == ["ended"])


def test_countdown_ends_with_the_widget(widget: Widget, service: FakeService):
    service.fail = {"/v1/search": (429, {"Retry-After": "1"}, {})}
    widget.show(wait=False)
    widget.notice.wait_for()
    widget.page.evaluate(AWAY["removed"])
    widget.page.wait_for_timeout(2300)
    assert len(service.searches) == 1


def test_countdown_of_what_was_drawn_before_searches_no_more(widget: Widget, service: FakeService):
    service.fail = {"/v1/search": (429, {"Retry-After": "1"}, {})}
    widget.show(wait=False)
    widget.notice.wait_for()
    service.fail = {}
    widget.page.evaluate(AWAY["other words"])
    widget.settle(2)
    widget.page.wait_for_timeout(2300)
    assert len(service.searches) == 2, "the one of the element drawn anew"


def test_nothing_is_searched_or_said_after_it_has_gone(widget: Widget, service: FakeService):
    widget.show()
    service.hold = {"/v1/search"}
    widget.drag(widget.at(0.4, 0.4), widget.at(0.5, 0.5))
    widget.until(lambda: len(service.held) == 1)
    widget.now("Bigger box").click()
    status = widget.page.evaluate_handle(f"{ELEMENT}.shadowRoot.querySelector('[role=status]')")
    widget.page.evaluate(AWAY["removed"])
    said = status.evaluate("e => e.textContent")
    # Longer than the box takes to settle, and until a search is called slow.
    widget.page.wait_for_timeout(4500)
    assert len(service.searches) == 2
    assert status.evaluate("e => e.textContent") == said


@pytest.mark.parametrize("words", [None, "/words-de.json"])
def test_shop_is_asked_once(
    open_page: Callable[..., Widget], service: FakeService, words: str | None
):
    widget = open_page()
    page = widget.page
    page.route("**/words-de.json", lambda route: route.fulfill(json={"file": "Foto wählen"}))
    before = len(service.of("/v1/shop"))
    page.evaluate(
        """(words) => { const element = document.createElement("findalike-search");
        if (words) element.setAttribute("words", words);
        document.querySelector("findalike-search").replaceWith(element); }""",
        words,
    )
    widget.now("Foto wählen" if words else "Choose a photo").wait_for()
    widget.now("Search with example photo 1").wait_for()
    page.wait_for_timeout(200)
    assert len(service.of("/v1/shop")) - before == 1


def test_another_key_asks_the_shop_again(widget: Widget, service: FakeService):
    widget.now("Search with example photo 1").wait_for()
    widget.page.evaluate(f"{ELEMENT}.key = 'fa_other'")
    widget.until(lambda: len(service.of("/v1/shop")) == 2)
    assert service.of("/v1/shop")[1].headers["authorization"] == "Bearer fa_other"
    widget.now("Search with example photo 1").wait_for()


def test_shop_that_did_not_answer_is_asked_again(
    open_page: Callable[..., Widget], service: FakeService
):
    service.fail = {"/v1/shop": (503, {}, {})}
    widget = open_page()
    widget.until(lambda: len(service.of("/v1/shop")) == 1)
    widget.page.wait_for_timeout(200)
    service.fail = {}
    widget.page.evaluate(AWAY["other words"])
    widget.now("Search with example photo 1").wait_for()
