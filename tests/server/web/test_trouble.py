"""When something fails: what is said, and how it goes on."""

from __future__ import annotations

import pytest

from page_stand_ins import FakeService, Widget

LISTEN = """() => { window.heard = []; document.querySelector("findalike-search").addEventListener(
  "error", (event) => heard.push(event.detail)); }"""


@pytest.mark.parametrize(
    ("status", "said", "again"),
    [
        (401, "This search needs a key", False),
        (403, "This search needs a key", False),
        (413, "This photo is too large", False),
        (415, "This kind of file can't be searched with", False),
        (500, "Something went wrong here", True),
        (502, "Something went wrong here", True),
        (409, "The search was not understood", False),
    ],
)
def test_every_error_says_what_to_do(
    widget: Widget, service: FakeService, status: int, said: str, again: bool
):
    service.fail = {"/v1/search": (status, {}, {"title": "x", "detail": "y"})}
    widget.page.evaluate(LISTEN)
    widget.show(wait=False)
    widget.page.get_by_role("heading", name=said).wait_for()
    assert widget.now("Try again").count() == int(again)
    assert said in widget.status.inner_text()
    assert widget.page.evaluate("heard[0].status") == status
    assert widget.page.locator("findalike-search .ghost").count() == 0


def test_what_the_service_says_of_a_refused_search_is_shown(widget: Widget, service: FakeService):
    problem = {"detail": "The box lies outside of the photo.", "next_step": "Draw it anew."}
    service.fail = {"/v1/search": (422, {}, problem)}
    widget.show(wait=False)
    widget.notice.get_by_text("The box lies outside of the photo. Draw it anew.").wait_for()


def test_retry(widget: Widget, service: FakeService):
    service.fail = {"/v1/search": (500, {}, {})}
    widget.show(wait=False)
    widget.now("Try again").wait_for()
    service.fail = {}
    widget.now("Try again").click()
    widget.settle(2)
    assert widget.notice.count() == 0


@pytest.mark.parametrize("status", [429, 503])
def test_busy_service_is_asked_again_when_it_said(
    widget: Widget, service: FakeService, status: int
):
    service.fail = {"/v1/search": (status, {"Retry-After": "2"}, {})}
    widget.show(wait=False)
    button = widget.page.locator("findalike-search .retry")
    button.wait_for()
    assert button.inner_text() in ("Trying again in 2 seconds", "Trying again in 1 second")
    button.click(force=True)
    assert len(service.searches) == 1, "sooner it would be refused again"
    service.fail = {}
    widget.settle(2)
    assert widget.notice.count() == 0


def test_offline_is_said_and_the_search_goes_on_by_itself(widget: Widget, service: FakeService):
    widget.page.context.set_offline(True)
    widget.page.route("**/v1/search", lambda route: route.abort("internetdisconnected"))
    widget.show(wait=False)
    widget.page.get_by_role("heading", name="You are offline").wait_for()
    widget.page.unroute("**/v1/search")
    widget.page.context.set_offline(False)
    widget.settle()


def test_service_that_cannot_be_reached(widget: Widget):
    widget.page.route("**/v1/search", lambda route: route.abort("connectionrefused"))
    widget.show(wait=False)
    widget.page.get_by_role("heading", name="The search can't be reached").wait_for()
    assert widget.now("Try again").is_visible()


def test_slow_connection_is_said(widget: Widget, service: FakeService):
    service.hold = {"/v1/search"}
    widget.show(wait=False)
    widget.page.get_by_text("The connection seems to be slow").first.wait_for()
    service.respond(*service.held[0])
    widget.settle()
    assert widget.page.locator("findalike-search .found").get_by_text("slow").count() == 0


def test_search_over_a_slow_network(widget: Widget, service: FakeService):
    session = widget.page.context.new_cdp_session(widget.page)
    session.send("Network.enable")
    slow = {
        "offline": False,
        "latency": 400,
        "downloadThroughput": 50_000,
        "uploadThroughput": 30_000,
    }
    session.send("Network.emulateNetworkConditions", slow)
    widget.show()
    assert len(widget.titles()) == 8


def test_failed_example_says_so(widget: Widget, service: FakeService):
    widget.page.route("**/v1/examples/b.jpg", lambda route: route.fulfill(status=404, json={}))
    widget.now("Search with example photo 2").click()
    widget.until(lambda: widget.page.locator("findalike-search .hint").inner_text() != "")
    assert service.searches == []


def test_more_that_fails_leaves_what_was_found(widget: Widget, service: FakeService):
    service.products = service.products * 4
    service.products = [{**one, "product_id": str(i)} for i, one in enumerate(service.products)]
    widget.show()
    service.fail = {"/v1/search": (500, {}, {})}
    widget.now("Show more").click()
    widget.now("Try again").wait_for()
    assert len(widget.titles()) == 24
    service.fail = {}
    widget.now("Try again").click()
    widget.until(lambda: len(widget.titles()) == 32)
    assert widget.notice.count() == 0


def test_feedback_that_fails_bothers_nobody(widget: Widget, service: FakeService):
    service.fail = {"/v1/feedback": (503, {}, {})}
    widget.show()
    widget.now("Not what I meant: Mug number 2").click()
    widget.until(lambda: len(service.of("/v1/feedback")) == 1)
    assert widget.notice.count() == 0
