"""What the shopper sees of an answer, and what follows from a press on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from page_stand_ins import DESKTOP, PHONE, FakeService, Widget, photo_bytes, product

SHIFT = """() => { window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach(
  (e) => { window.shift += e.value; })).observe({ type: "layout-shift", buffered: true }); }"""
LISTEN = """(name) => {
  window.heard = [];
  const hear = (event) => heard.push(JSON.parse(JSON.stringify(event.detail)));
  document.querySelector("findalike-search").addEventListener(name, hear);
}"""


def test_card_says_title_price_and_likeness_in_words_and_number(widget: Widget):
    widget.show()
    first = [line for line in widget.cards.first.inner_text().split("\n") if line]
    assert first[:2] == ["Mug number 0", "€10.50"]
    assert "Looks the same" in first
    assert "0.91" in first
    words = widget.page.locator("findalike-search .like").all_inner_texts()
    assert (
        words
        == ["Looks the same"] * 2 + ["Very similar"] * 2 + ["Similar"] * 2 + ["Not much alike"] * 2
    )


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("EUR", "€1,234.50"), ("JPY", "¥1,235"), (None, "1,234.50"), ("Taler", "1,234.50 Taler")],
)
def test_price_is_written_as_its_currency_is(
    widget: Widget, service: FakeService, currency: str | None, shown: str
):
    service.products = [product(0, price=1234.5, currency=currency)]
    widget.show()
    assert widget.page.locator("findalike-search .price").inner_text() == shown


def test_product_without_price_title_or_picture_holds(widget: Widget, service: FakeService):
    empty = {"image_id": "x", "url": "", "box": None}
    service.products = [product(0, price=None, title=None, image=empty, likeness="odd")]
    widget.show()
    text = widget.cards.first.inner_text()
    assert "Product without a title" in text
    assert widget.page.locator("findalike-search .price").count() == 0
    assert widget.page.locator("findalike-search .missing").count() == 1


@pytest.mark.parametrize("screen", [DESKTOP, PHONE])
def test_long_titles_hold(open_page: Callable[..., Widget], service: FakeService, screen: dict):
    service.products = [
        product(0, title="Donaudampfschifffahrtsgesellschaft" * 9),
        product(1, title="word " * 90),
    ]
    widget = open_page(**screen).show()
    heights = [card.bounding_box()["height"] for card in widget.cards.all()]
    assert max(heights) < 520
    assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pictures_are_lazy_and_their_place_is_kept(widget: Widget):
    widget.show()
    picture = widget.cards.first.locator("img")
    assert picture.get_attribute("loading") == "lazy"
    assert (picture.get_attribute("width"), picture.get_attribute("height")) == ("320", "320")


@pytest.mark.parametrize("screen", [DESKTOP, PHONE])
def test_nothing_moves_when_the_products_come(
    open_page: Callable[..., Widget], service: FakeService, screen: dict
):
    service.hold = {"/v1/search"}
    widget = open_page(**screen)
    widget.page.wait_for_timeout(300)
    widget.page.evaluate(SHIFT)
    widget.show(wait=False)
    widget.until(lambda: len(service.held) == 1)
    assert widget.page.locator("findalike-search .ghost").count() == 12
    widget.page.wait_for_timeout(700)  # shifts soon after an input are not counted
    service.respond(*service.held[0])
    widget.settle()
    widget.page.wait_for_timeout(300)
    assert widget.page.evaluate("shift") < 0.005


def test_variants_are_folded_and_can_be_unfolded(widget: Widget, service: FakeService):
    image = {"image_id": "7", "url": "/v1/images/7", "box": None}
    variants = [{"product_id": "v1", "title": "Mug in green", "score": 0.7, "image": image}]
    service.products = [product(0, variants=variants)]
    widget.show()
    assert widget.page.get_by_text("Mug in green").is_hidden()
    widget.page.get_by_text("1 more variant").click()
    widget.page.evaluate(LISTEN, "select")
    widget.page.get_by_text("Mug in green").click()
    assert widget.page.evaluate("heard[0].product.product_id") == "v1"


def test_more_products_are_loaded_and_focus_goes_to_the_first(widget: Widget, service: FakeService):
    service.products = [product(i) for i in range(40)]
    widget.show()
    assert len(widget.titles()) == 24
    assert (
        widget.page.locator("findalike-search .bar").get_by_text("24 of 40 products").is_visible()
    )
    widget.now("Show more").click()
    widget.until(lambda: len(widget.titles()) == 40)
    assert service.searches[1].fields["offset"] == "24"
    assert service.searches[1].box == [160, 120, 200, 160]
    assert widget.now("Show more").count() == 0
    focused = "document.querySelector('findalike-search').shadowRoot.activeElement.textContent"
    assert widget.page.evaluate(focused) == "Mug number 24"


def test_search_event_tells_the_answer(widget: Widget):
    widget.page.evaluate(LISTEN, "search")
    widget.show()
    assert widget.page.evaluate("heard[0].products.length") == 8
    assert widget.page.evaluate("heard[0].query_id").startswith("q")


def test_press_on_a_product_tells_the_page_and_the_shop(widget: Widget, service: FakeService):
    widget.show()
    widget.page.evaluate(LISTEN, "select")
    widget.page.get_by_role("button", name="Mug number 1", exact=True).click()
    assert widget.page.evaluate("heard[0].product.product_id") == "p/1"
    widget.until(lambda: len(service.of("/v1/feedback")) == 1)
    fields = service.of("/v1/feedback")[0].fields
    assert (fields["event"], fields["product_id"], fields["rank"]) == ("click", "p/1", "2")
    assert service.of("/v1/feedback")[0].photo is None


def test_product_without_a_page_of_its_own_is_shown_in_a_dialog(widget: Widget):
    widget.show()
    widget.page.get_by_role("button", name="Mug number 1", exact=True).click()
    dialog = widget.page.get_by_role("dialog", name="Product")
    assert "Kitchen › Mugs" in dialog.inner_text()
    assert "red" in dialog.inner_text()
    widget.page.keyboard.press("Escape")
    assert dialog.count() == 0


def test_product_with_a_page_is_a_link_to_it(widget: Widget, service: FakeService):
    service.products = [
        product(0, url="https://shop.example/mug"),
        product(1, url="javascript:alert(1)"),
    ]
    widget.page.route("https://shop.example/**", lambda route: route.fulfill(body="the mug"))
    widget.show()
    assert widget.page.get_by_role("link", name="Mug number 1").count() == 0
    widget.page.get_by_role("link", name="Mug number 0").click()
    widget.page.wait_for_url("https://shop.example/mug")


def test_page_may_take_the_press_over(widget: Widget, service: FakeService):
    service.products = [product(0, url="https://shop.example/mug")]
    widget.show()
    widget.page.evaluate(
        """document.querySelector("findalike-search")
        .addEventListener("select", (event) => event.preventDefault())"""
    )
    widget.page.get_by_role("link", name="Mug number 0").click()
    widget.page.wait_for_timeout(200)
    assert widget.page.url.startswith(widget.url)
    assert widget.page.get_by_role("dialog").count() == 0


def test_this_is_wrong(widget: Widget, service: FakeService):
    widget.show()
    button = widget.now("Not what I meant: Mug number 2")
    button.click()
    widget.until(lambda: len(service.of("/v1/feedback")) == 1)
    assert service.of("/v1/feedback")[0].fields["event"] == "wrong"
    assert button.get_attribute("aria-pressed") == "true"
    assert "Thank you" in widget.status.inner_text()


@pytest.fixture
def keeping(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> FakeService:
    """A shop that keeps the photos of those who consent."""
    told = {**service.shop(), "keeps_photos": True}
    monkeypatch.setattr(service, "shop", lambda: told)
    return service


def test_photo_goes_with_feedback_only_after_consent(
    keeping: FakeService, widget: Widget, service: FakeService
):
    widget.show()
    widget.now("Not what I meant: Mug number 2").click()
    widget.page.get_by_label("I let the shop keep this photo").check()
    widget.now("Not what I meant: Mug number 3").click()
    widget.until(lambda: len(service.of("/v1/feedback")) == 2)
    without, with_photo = service.of("/v1/feedback")
    assert without.photo is None
    assert with_photo.photo == service.searches[0].photo
    assert (with_photo.fields["consent"], with_photo.fields["box"]) == ("true", "160,120,200,160")


def test_shop_that_keeps_no_photos_asks_nobody(widget: Widget):
    widget.show()
    assert widget.element.get_attribute("ask-consent") == ""
    assert widget.page.get_by_label("I let the shop keep this photo").is_hidden()


def test_page_that_does_not_ask_sends_no_photo(
    keeping: FakeService, widget: Widget, service: FakeService
):
    widget.element.evaluate("e => e.removeAttribute('ask-consent')")
    widget.show()
    assert widget.page.get_by_label("I let the shop keep this photo").count() == 0
    widget.now("Not what I meant: Mug number 2").click()
    widget.until(lambda: len(service.of("/v1/feedback")) == 1)
    assert service.of("/v1/feedback")[0].photo is None


SMALL = "the box is only 20 x 18 pixels: under 32 pixels a side there is little to recognise"


def test_what_the_service_says_of_the_photo_stands_by_it(widget: Widget, service: FakeService):
    hint = widget.page.locator("findalike-search .photo-hint")
    service.answer = {"warnings": [SMALL]}
    widget.show()
    assert hint.inner_text().lower() == SMALL
    assert hint.get_attribute("lang") == "en"
    assert SMALL in widget.status.inner_text()
    service.answer = {}
    widget.now("Bigger box").click()
    widget.settle(2)
    assert hint.inner_text() == "Drag the box around the thing you mean."
    assert hint.get_attribute("lang") is None


def test_warning_of_one_photo_is_not_told_of_the_next(widget: Widget, service: FakeService):
    service.answer = {"warnings": [SMALL]}
    widget.show()
    service.hold = {"/v1/search"}
    widget.show(wait=False)
    widget.until(lambda: len(service.held) == 1)
    assert widget.page.get_by_text("little to recognise").count() == 0


def test_more_like_this_and_back(widget: Widget, service: FakeService):
    widget.show()
    widget.now("More like this: Mug number 3").click()
    widget.page.get_by_role("heading", name="More like “Mug number 3”").wait_for()
    widget.until(lambda: len(service.of("/v1/products/p/3/similar")) == 1)
    assert (
        service.of("/v1/products/p/3/similar")[0].fields["facets"]
        == "category,price,colour,in_stock"
    )
    widget.page.go_back()
    widget.page.get_by_role("heading", name="Products", exact=True).wait_for()
    assert len(widget.titles()) == 8
    assert len(service.searches) == 1, "what was found before is still known"
    widget.page.go_forward()
    widget.page.get_by_role("heading", name="More like “Mug number 3”").wait_for()
    widget.now("Back to your photo").click()
    widget.page.get_by_role("heading", name="Products", exact=True).wait_for()


def test_more_like_this_can_be_linked_to(open_page: Callable[..., Widget], service: FakeService):
    widget = open_page("/#like=p%2F5&title=Blue%20mug")
    widget.page.get_by_role("heading", name="More like “Blue mug”").wait_for()
    widget.until(lambda: len(service.of("/v1/products/p/5/similar")) == 1)
    widget.now("Back to the start").click()
    assert widget.now("Choose a photo").is_visible()


def test_nothing_like_it_is_said(widget: Widget, service: FakeService):
    service.answer = {"nothing_like_it": True}
    widget.show()
    assert "Nothing like it here" in widget.notice.inner_text()
    assert "Nothing like it here" in widget.status.inner_text()
    assert len(widget.titles()) == 8


def test_shop_without_products(widget: Widget, service: FakeService):
    service.products = []
    widget.show(wait=False)
    widget.page.get_by_role("heading", name="There is nothing to find yet").wait_for()


def test_text_of_the_catalogue_is_never_markup(widget: Widget, service: FakeService):
    evil = '<img src=x onerror="window.hurt=1"><b>bold</b>'
    service.products = [product(0, title=evil, category=evil, attributes={evil: evil})]
    service.answer = {
        "facets": {
            "category": [{"value": evil, "count": 1}],
            "colour": [{"value": evil, "count": 1}, {"value": "b", "count": 1}],
        }
    }
    widget.show(photo_bytes())
    widget.page.get_by_role("button", name=evil, exact=True).click()
    widget.page.wait_for_timeout(100)
    assert widget.page.locator("findalike-search b").count() == 0
    assert widget.page.evaluate("window.hurt") is None


def test_more_goes_on_after_the_way_back(widget: Widget, service: FakeService):
    service.products = [product(place) for place in range(30)]
    widget.show()
    widget.now("More like this: Mug number 3").click()
    widget.page.get_by_role("heading", name="More like “Mug number 3”").wait_for()
    widget.now("Back to your photo").click()
    widget.page.get_by_role("heading", name="Products", exact=True).wait_for()
    widget.now("Show more").click()
    widget.until(lambda: len(widget.titles()) == 30)


SELECTED = """() => { window.selected = []; document.querySelector("findalike-search")
  .addEventListener("select", (event) => {
    selected.push(event.detail.product.product_id);
    event.preventDefault();
  }); }"""


@pytest.fixture
def linked(widget: Widget, service: FakeService) -> Widget:
    """Products with pages of their own, on a page that takes their selection over."""
    more = {"title": "Mug in green", "url": "https://shop.example/green"}
    variant = product(9, product_id="v1", **more)
    service.products = [product(0, url="https://shop.example/mug", variants=[variant])]
    widget.page.context.route("https://shop.example/**", lambda route: route.fulfill(body="mug"))
    widget.page.evaluate(SELECTED)
    return widget.show()


def test_right_button_opens_a_menu_and_nothing_else(linked: Widget, service: FakeService):
    linked.page.get_by_role("link", name="Mug number 0").click(button="right")
    linked.page.wait_for_timeout(200)
    assert linked.page.evaluate("selected") == []
    assert service.of("/v1/feedback") == []


@pytest.mark.parametrize(
    "how",
    [{"button": "middle"}, {"modifiers": ["Control"]}, {"modifiers": ["Shift"]}],
    ids=["middle button", "Ctrl", "Shift"],
)
def test_product_in_another_tab_leaves_this_page_alone(
    linked: Widget, service: FakeService, how: dict
):
    with linked.page.context.expect_page():
        linked.page.get_by_role("link", name="Mug number 0").click(**how)
    assert linked.page.url.startswith(linked.url)
    assert linked.page.evaluate("selected") == [], "only a plain press is the page's to take over"
    linked.until(lambda: len(service.of("/v1/feedback")) == 1)
    assert service.of("/v1/feedback")[0].fields["event"] == "click"


def test_variant_with_a_page_is_a_link_to_it(linked: Widget, service: FakeService):
    linked.page.get_by_text("1 more variant").click()
    linked.page.get_by_role("link", name="Mug in green").click()
    assert linked.page.evaluate("selected") == ["v1"]
    linked.page.evaluate("location.reload()")
    linked.show()
    linked.page.get_by_text("1 more variant").click()
    linked.page.get_by_role("link", name="Mug in green").click()
    linked.page.wait_for_url("https://shop.example/green")


LESS = "Less alike from here on"


def rows(widget: Widget) -> list[str]:
    """What stands in the grid, in its order: numbers of products, and the line."""
    texts = widget.page.locator("findalike-search .grid > li").all_inner_texts()
    return [LESS if LESS in text else text.split("\n")[0].split()[-1] for text in texts]


def test_line_stands_where_likeness_ends(widget: Widget, service: FakeService):
    widget.show()
    assert rows(widget) == ["0", "1", "2", "3", "4", "5", LESS, "6", "7"]
    line, card = (
        widget.page.locator(f"findalike-search {name}").last for name in (".less", ".grid")
    )
    assert line.bounding_box()["width"] == pytest.approx(card.bounding_box()["width"], abs=1)


def test_line_may_begin_the_next_page(widget: Widget, service: FakeService):
    service.products = [
        product(place, likeness="similar" if place < 3 else "unlike") for place in range(5)
    ]
    widget.element.evaluate("e => e.setAttribute('page-size', '3')")
    widget.show()
    assert rows(widget) == ["0", "1", "2"]
    widget.now("Show more").click()
    widget.until(lambda: len(widget.titles()) == 5)
    assert rows(widget) == ["0", "1", "2", LESS, "3", "4"]
    focused = "document.querySelector('findalike-search').shadowRoot.activeElement.textContent"
    assert widget.page.evaluate(focused) == "Mug number 3"


@pytest.mark.parametrize("likeness", [None, "unlike", "similar"])
def test_no_line_where_all_are_alike_unlike_or_unknown(
    widget: Widget, service: FakeService, likeness: str | None
):
    service.products = [product(place, likeness=likeness) for place in range(3)]
    widget.show()
    assert rows(widget) == ["0", "1", "2"]


def test_no_line_in_the_order_of_the_price(widget: Widget):
    widget.show()
    widget.page.get_by_label("Sort by").select_option("price")
    widget.settle(2)
    assert LESS not in rows(widget)
