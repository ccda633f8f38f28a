"""Everybody can use it: axe-core on every state, keyboard alone, other scripts, dark, small."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from page_stand_ins import PHONE, FakeService, Widget, photo_bytes, product

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(widget: Widget, axe: str) -> list[str]:
    widget.page.evaluate(axe)
    found = widget.page.evaluate(
        "(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", TAGS
    )
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(
    open_page: Callable[..., Widget],
    service: FakeService,
    axe_source: str,
    screen: dict,
    scheme: str,
):
    service.boxes = [[160, 120, 200, 160], [400, 300, 200, 150]]
    service.answer = {"nothing_like_it": True}
    image = {"image_id": "7", "url": "/v1/images/7", "box": None}
    variants = [{"product_id": "v1", "title": "Mug in green", "score": 0.7, "image": image}]
    service.products = [product(i, variants=variants) for i in range(30)]
    widget = open_page(**screen, color_scheme=scheme)
    widget.now("Search with example photo 1").wait_for()
    assert violations(widget, axe_source) == [], "start"
    widget.show()
    widget.page.locator("findalike-search .dot:visible").wait_for()
    widget.page.locator("findalike-search summary").first.click()
    assert violations(widget, axe_source) == [], "results"
    if screen:
        widget.now("Filters").click()
        assert violations(widget, axe_source) == [], "filters"
        widget.page.keyboard.press("Escape")
    widget.page.get_by_role("button", name="Mug number 1", exact=True).click()
    assert violations(widget, axe_source) == [], "product"
    widget.page.keyboard.press("Escape")
    widget.now("More like this: Mug number 2", exact=True).click()
    widget.page.get_by_role("heading", name="More like “Mug number 2”").wait_for()
    assert violations(widget, axe_source) == [], "more like this"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_it_waits_or_fails(
    open_page: Callable[..., Widget], service: FakeService, axe_source: str, scheme: str
):
    service.hold = {"/v1/search"}
    widget = open_page(color_scheme=scheme)
    widget.now("Paste a link").click()
    widget.page.keyboard.press("Enter")
    assert violations(widget, axe_source) == [], "link"
    widget.now("Take a photo").click()
    widget.until(widget.now("Take the photo").is_enabled)
    assert violations(widget, axe_source) == [], "camera"
    widget.now("Close").click()
    widget.show(wait=False)
    widget.until(lambda: len(service.held) == 1)
    assert violations(widget, axe_source) == [], "waiting"
    service.fail = {"/v1/search": (429, {"Retry-After": "60"}, {})}
    service.respond(*service.held[0])
    widget.notice.wait_for()
    assert violations(widget, axe_source) == [], "busy"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_where_the_key_is_asked_for(
    open_page: Callable[..., Widget],
    service: FakeService,
    axe_source: str,
    screen: dict,
    scheme: str,
):
    service.key = "fa_right"
    widget = open_page(**screen, color_scheme=scheme)
    widget.page.get_by_label("Key", exact=True).fill("fa_wrong")
    widget.now("Open the search").click()
    widget.page.get_by_role("alert").get_by_text("This key is not valid").wait_for()
    assert violations(widget, axe_source) == []


def test_keyboard_alone(widget: Widget, service: FakeService):
    keys = widget.page.keyboard

    def press_until(name: str, key: str = "Tab", most: int = 60) -> None:
        focused = """() => { let e = document.activeElement;
          while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
          return e ? (e.getAttribute("aria-label") || e.textContent) : ""; }"""
        for _ in range(most):
            keys.press(key)
            if name in widget.page.evaluate(focused):
                return
        raise AssertionError(f"{name} cannot be reached")

    press_until("Skip to the search", most=1)
    press_until("Search with example photo 1")
    keys.press("Enter")
    widget.settle()
    press_until("Box around what you mean", "Shift+Tab", most=30)
    keys.press("ArrowRight")
    widget.settle(2)
    press_until("Garden")
    keys.press("Enter")
    widget.settle(3)
    press_until("More like this: Mug number 0")
    keys.press("Enter")
    widget.page.get_by_role("heading", name="More like “Mug number 0”").wait_for()
    press_until("Back to your photo", "Shift+Tab", most=40)
    keys.press("Enter")
    widget.page.get_by_role("heading", name="Products", exact=True).wait_for()
    press_until("Mug number 0")
    keys.press("Enter")
    assert widget.page.get_by_role("dialog", name="Product").is_visible()


def test_focus_can_be_seen(widget: Widget):
    widget.show()
    seen = "e => getComputedStyle(e).outlineStyle"
    widget.page.keyboard.press("Tab")
    focused = widget.page.locator("findalike-search :focus")
    assert focused.evaluate(seen) == "solid"
    widget.box.focus()
    assert widget.box.evaluate(seen) == "solid"


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_targets_are_24_pixels_or_more(open_page: Callable[..., Widget], screen: dict):
    widget = open_page(**screen).show()
    small = widget.page.evaluate(
        """() => [...document.querySelector("findalike-search").shadowRoot.querySelectorAll(
          ":not(.title) > button, :not(.title) > a, select, summary, input, .handle")]
          .filter((e) => e.checkVisibility() && e.type !== "checkbox")
          .map((e) => [e.className || e.tagName, e.getBoundingClientRect()])
          .filter(([, r]) => r.width && Math.min(r.width, r.height) < 24)
          .map(([n, r]) => [n, r.width, r.height])"""
    )
    assert small == []


GERMAN = {
    "file": "Foto wählen",
    "found": {"one": "{n} Produkt", "other": "{n} Produkte"},
    "fields": {"colour": "Farbe"},
    "same": "Sieht gleich aus",
}


def test_other_words(widget: Widget, service: FakeService):
    service.products = [product(0, price=1234.5)]
    widget.element.evaluate("(e, words) => { e.lang = 'de'; e.words = words; }", GERMAN)
    assert widget.now("Foto wählen").is_visible()
    assert widget.now("Take a photo").is_visible(), "what is left out stays English"
    widget.show()
    assert "1 Produkt" in widget.status.inner_text()
    card = widget.cards.first.inner_text()
    assert "1.234,50\u00a0€" in card
    assert "0,91" in card
    assert "Sieht gleich aus" in card
    assert widget.page.get_by_role("group", name="Farbe").is_visible()


def test_words_by_address(widget: Widget):
    widget.page.route("**/words-de.json", lambda route: route.fulfill(json=GERMAN))
    widget.element.evaluate("e => e.setAttribute('words', '/words-de.json')")
    widget.now("Foto wählen").wait_for()


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_right_to_left(open_page: Callable[..., Widget], service: FakeService, screen: dict):
    widget = open_page(**screen)
    widget.page.evaluate(
        "document.documentElement.dir = 'rtl'; document.documentElement.lang = 'ar'"
    )
    widget.show()
    assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    left, right = widget.cards.nth(1).bounding_box(), widget.cards.nth(0).bounding_box()
    assert left["x"] < right["x"]
    assert widget.box_shares() == pytest.approx([0.25, 0.25, 0.3125, 0.3333], abs=0.01)
    box = widget.box.bounding_box()
    stage = widget.stage.bounding_box()
    assert box["x"] - stage["x"] == pytest.approx(0.25 * stage["width"], abs=2)
    widget.drag(widget.at(0.4, 0.4), widget.at(0.5, 0.4))
    assert widget.box_shares()[0] == pytest.approx(0.35, abs=0.01)


@pytest.mark.parametrize("width", [320, 360, 768, 1440])
def test_no_sideways_scrolling(open_page: Callable[..., Widget], width: int):
    widget = open_page(viewport={"width": width, "height": 800}).show()
    assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def luminance(colour: str) -> float:
    return sum(float(part) for part in colour.strip("rgba()").split(",")[:3])


def test_dark_is_dark_and_a_page_may_keep_it_light(open_page: Callable[..., Widget]):
    widget = open_page(color_scheme="dark")
    drop = widget.page.locator("findalike-search .drop")
    background = "e => getComputedStyle(e).backgroundColor"
    assert luminance(drop.evaluate(background)) < 150
    widget.element.evaluate("e => { e.style.colorScheme = 'light'; }")
    assert luminance(drop.evaluate(background)) > 700


def test_no_motion_for_those_who_want_none(open_page: Callable[..., Widget], service: FakeService):
    service.hold = {"/v1/search"}
    animated = "() => document.getAnimations({ subtree: true }).length"
    widget = open_page(reduced_motion="reduce").show(wait=False)
    widget.page.locator("findalike-search .ghost").first.wait_for()
    still = widget.page.evaluate(animated)
    other = open_page(reduced_motion="no-preference").show(wait=False)
    other.page.locator("findalike-search .ghost").first.wait_for()
    assert (
        still
        == 0
        < other.page.evaluate(
            "() => document.querySelector('findalike-search').shadowRoot.getAnimations().length"
        )
    )


def test_large_photo_of_any_shape_fits_the_screen(open_page: Callable[..., Widget]):
    widget = open_page(**PHONE)
    for size in ((3000, 300), (300, 3000)):
        widget.show(photo_bytes(*size))
        area = widget.stage.bounding_box()
        assert area["width"] <= 390
        assert area["height"] <= 844 * 0.6
        widget.now("New photo").click()
