"""Everybody can use it: axe-core on every state, keyboard alone, other scripts, dark, small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from page_stand_ins import PHONE, FakeService, Widget, photo_bytes, product

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALL = "the box is only 20 x 18 pixels: under 32 pixels a side there is little to recognise"


@dataclass
class State:
    """What a state needs in order to be reached.

    Attributes:
        tell: what the shop says of itself, beside what it always says.
    """

    widget: Widget
    service: FakeService
    screen: str
    tell: dict[str, Any]


def start(at: State) -> None:
    at.widget.now("Search with example photo 1").wait_for()


def link_that_is_none(at: State) -> None:
    at.widget.now("Paste a link").click()
    at.widget.page.keyboard.press("Enter")
    at.widget.page.get_by_text("Give an address that begins").wait_for()


def unreadable_file(at: State) -> None:
    at.widget.show(b"not a picture", wait=False)
    at.widget.page.get_by_text("can't be read as a photo").wait_for()


def photo_over_the_page(at: State) -> None:
    at.widget.page.evaluate(
        """() => { const data = new DataTransfer(); data.setData("text/uri-list", "https://a.example");
        document.querySelector("findalike-search").dispatchEvent(
          new DragEvent("dragenter", { dataTransfer: data, bubbles: true })); }"""
    )
    at.widget.page.get_by_text("Let go to search").wait_for()


def key_that_is_wrong(at: State) -> None:
    at.service.key = "fa_right"
    at.widget.open()
    at.widget.page.get_by_label("Key", exact=True).fill("fa_wrong")
    at.widget.now("Open the search").click()
    at.widget.page.get_by_role("alert").get_by_text("This key is not valid").wait_for()


def camera(at: State) -> None:
    at.widget.now("Take a photo").click()
    at.widget.until(at.widget.now("Take the photo").is_enabled)


def camera_denied(at: State) -> None:
    at.widget.page.evaluate(
        """() => { navigator.mediaDevices.getUserMedia =
        () => Promise.reject(new DOMException("", "NotAllowedError")); }"""
    )
    at.widget.now("Take a photo").click()
    at.widget.page.get_by_text("choose a photo instead").wait_for()


def waiting(at: State) -> None:
    at.service.hold = {"/v1/search"}
    at.widget.show(wait=False)
    at.widget.until(lambda: len(at.service.held) == 1)


def results(at: State) -> None:
    """With dots, an open variant, and a filter that is chosen."""
    at.service.boxes = [[160, 120, 200, 160], [400, 300, 200, 150]]
    at.service.products = at.service.products * 4
    at.widget.show()
    at.widget.page.locator("findalike-search .dot:visible").wait_for()
    at.widget.page.locator("findalike-search summary").first.click()
    if at.screen == "desktop":
        at.widget.page.get_by_label("red").check()
        at.widget.settle(2)


def right_to_left(at: State) -> None:
    at.widget.page.evaluate(
        "document.documentElement.dir = 'rtl'; document.documentElement.lang = 'ar'"
    )
    results(at)


def filters(at: State) -> None:
    at.widget.show()
    at.widget.now("Filters").click()
    at.widget.page.get_by_label("red").check()
    at.widget.settle(2)


def product_dialog(at: State) -> None:
    at.widget.show()
    at.widget.page.get_by_role("button", name="Mug number 1", exact=True).click()


def more_like_this(at: State) -> None:
    at.widget.show()
    at.widget.now("More like this: Mug number 2", exact=True).click()
    at.widget.page.get_by_role("heading", name="More like “Mug number 2”").wait_for()
    at.widget.page.locator("findalike-search .found[aria-busy=false]").wait_for()


def consent_and_warning(at: State) -> None:
    at.service.answer = {"warnings": [SMALL]}
    at.tell["keeps_photos"] = True
    at.widget.open().show()
    at.widget.page.get_by_label("I let the shop keep this photo").check()


def toast(at: State) -> None:
    at.widget.show()
    at.widget.now("Not what I meant: Mug number 2").click()
    at.widget.page.locator("findalike-search .toast").wait_for()


def nothing_like_it(at: State) -> None:
    at.service.answer = {"nothing_like_it": True}
    at.widget.show()
    at.widget.notice.wait_for()


def no_product_fits(at: State) -> None:
    at.service.products = []
    at.widget.open("/?again#f.colour=%22red%22").show(wait=False)
    at.widget.page.get_by_role("heading", name="No product fits").wait_for()


def empty_shop(at: State) -> None:
    at.service.products = []
    at.widget.show(wait=False)
    at.widget.page.get_by_role("heading", name="There is nothing to find yet").wait_for()


def photo_that_cannot_be_shown(at: State) -> None:
    at.widget.page.route("https://pictures.example/**", lambda route: route.abort())
    at.widget.element.evaluate("e => { e.searchAddress('https://pictures.example/a.jpg'); }")
    at.widget.page.get_by_text("can't be shown here").wait_for()
    at.widget.settle()


def error(at: State) -> None:
    at.service.fail = {"/v1/search": (500, {}, {})}
    at.widget.show(wait=False)
    at.widget.now("Try again").wait_for()


def busy_service(at: State) -> None:
    at.service.fail = {"/v1/search": (429, {"Retry-After": "60"}, {})}
    at.widget.show(wait=False)
    at.widget.notice.wait_for()


def offline(at: State) -> None:
    at.widget.page.context.set_offline(True)
    at.widget.page.route("**/v1/search", lambda route: route.abort("internetdisconnected"))
    at.widget.show(wait=False)
    at.widget.page.get_by_role("heading", name="You are offline").wait_for()


EVERYWHERE = (
    *(start, link_that_is_none, unreadable_file, photo_over_the_page, key_that_is_wrong),
    *(waiting, results, right_to_left, product_dialog, more_like_this, consent_and_warning),
    *(toast, nothing_like_it, no_product_fits, empty_shop, photo_that_cannot_be_shown),
    *(error, busy_service, offline),
)
SCREENS: dict[str, tuple[dict[str, Any], tuple[Callable[[State], None], ...]]] = {
    # A phone takes photos with its own camera app, and has its filters in a sheet.
    "desktop": ({}, (*EVERYWHERE, camera, camera_denied)),
    "phone": (PHONE, (*EVERYWHERE, filters)),
}


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(
    open_page: Callable[..., Widget],
    service: FakeService,
    axe_source: str,
    monkeypatch: pytest.MonkeyPatch,
    screen: str,
):
    """Every state, light and dark, on one page: what is found is told of all of them at once."""
    options, states = SCREENS[screen]
    widget = open_page(**options)
    widget.page.add_init_script(axe_source)
    tell = FakeService().shop
    found: dict[str, list[str]] = {}
    for reach in states:
        vars(service).update(vars(FakeService()))
        at = State(widget, service, screen, {})
        monkeypatch.setattr(service, "shop", lambda at=at: {**tell(), **at.tell})
        image = {"image_id": "7", "url": "/v1/images/7", "box": None}
        variants = [{"product_id": "v1", "title": "Mug in green", "score": 0.7, "image": image}]
        service.products = [product(place, variants=variants) for place in range(8)]
        widget.open(f"/?{reach.__name__}")
        reach(at)
        for scheme in ("light", "dark"):
            widget.page.emulate_media(color_scheme=scheme)
            found[f"{reach.__name__}, {scheme}"] = violations(widget)
        # A page that is there when the network is back searches again: the next state's count.
        widget.page.goto("about:blank")
        widget.page.unroute_all()
        widget.page.context.set_offline(False)
    assert {state: told for state, told in found.items() if told} == {}
    assert len(found) == 2 * len(states)


def violations(widget: Widget) -> list[str]:
    found = widget.page.evaluate(
        "(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", TAGS
    )
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


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
    "file": "Produktfoto wählen",
    "found": {"one": "{n} Produkt", "other": "{n} Produkte"},
    "fields": {"colour": "Farbe"},
    "same": "Sieht gleich aus",
}


def test_other_words(widget: Widget, service: FakeService):
    service.products = [product(0, price=1234.5)]
    widget.element.evaluate("(e, words) => { e.lang = 'de'; e.words = words; }", GERMAN)
    # What is left out stays in the language, whose words come over the network.
    widget.now("Foto aufnehmen").wait_for()
    assert widget.now("Produktfoto wählen").is_visible()
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
    widget.now("Produktfoto wählen").wait_for()


def test_words_of_a_language_the_widget_does_not_speak(widget: Widget):
    widget.element.evaluate("e => { e.lang = 'sv'; e.words = { file: 'Välj ett foto' }; }")
    widget.now("Välj ett foto").wait_for()
    assert widget.now("Take a photo").is_visible(), "what is left out stays English"


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


@pytest.mark.parametrize("height", [844, 664], ids=["whole screen", "below the browser's bars"])
def test_photo_of_any_shape_leaves_the_first_products_on_the_screen_of_a_phone(
    open_page: Callable[..., Widget], height: int
):
    widget = open_page(**{**PHONE, "viewport": {"width": 390, "height": height}})
    for size in ((3000, 300), (400, 300), (300, 400), (300, 3000)):
        widget.show(photo_bytes(*size))
        mat = widget.page.locator("findalike-search .mat").bounding_box()
        assert mat["width"] <= 390
        assert mat["height"] <= height / 3
        price = widget.page.locator("findalike-search .price").first.bounding_box()
        assert price["y"] + price["height"] < height
        assert widget.page.evaluate("scrollY") == 0
        widget.now("New photo").click()


def test_phone_on_its_side_has_the_photo_beside_the_products(open_page: Callable[..., Widget]):
    widget = open_page(**{**PHONE, "viewport": {"width": 844, "height": 390}}).show()
    photo, card = widget.stage.bounding_box(), widget.cards.first.bounding_box()
    assert photo["x"] + photo["width"] < card["x"]
    assert card["y"] < 390 / 2


@pytest.mark.parametrize("width", [320, 390, 768])
def test_more_like_this_is_not_cut_off(open_page: Callable[..., Widget], width: int):
    widget = open_page(viewport={"width": width, "height": 900}).show()
    button = widget.now("More like this: Mug number 0")
    assert button.evaluate("e => e.scrollWidth <= e.clientWidth")
