"""Filters, sorting, and their place in the address of the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from findalike.index.filters import parse_filter
from page_stand_ins import PHONE, FakeService, Widget


def last(service: FakeService) -> str:
    return service.searches[-1].fields.get("where", "")


def test_fields_of_the_shop_are_asked_for(widget: Widget, service: FakeService):
    widget.show()
    assert service.searches[0].fields["facets"] == "category,price,colour,in_stock"
    assert "where" not in service.searches[0].fields


def test_category_tree(widget: Widget, service: FakeService):
    widget.show()
    tree = widget.page.locator("findalike-search .branch")
    assert [text.split("\n") for text in tree.all_inner_texts()] == [
        ["All"],
        ["Kitchen", "7"],
        ["Garden", "1"],
    ]
    widget.now("Kitchen").click()
    widget.settle(2)
    assert last(service) == "`category` under 'Kitchen'"
    widget.now("Bowls").click()
    widget.settle(3)
    assert last(service) == "`category` under 'Kitchen/Bowls'"
    assert widget.now("Bowls").get_attribute("aria-pressed") == "true"
    widget.now("All", exact=True).click()
    widget.settle(4)
    assert last(service) == ""


def test_price_range(widget: Widget, service: FakeService):
    widget.show()
    widget.page.get_by_label("From").fill("12")
    widget.page.get_by_label("To", exact=True).fill("15.5")
    widget.page.keyboard.press("Tab")
    widget.until(lambda: last(service) == "`price` >= 12 and `price` <= 15.5")


def test_values_of_one_field_are_either_or_and_of_several_all(widget: Widget, service: FakeService):
    widget.show()
    widget.page.get_by_label("red").check()
    widget.settle(2)
    widget.page.get_by_label("it's blue").check()
    widget.page.get_by_label("Yes").check()
    widget.until(lambda: last(service) == "`colour` in ('red', 'it''s blue') and `in_stock` = true")
    widget.now("Clear all").click()
    widget.until(lambda: last(service) == "")
    assert not widget.page.get_by_label("red").is_checked()


def test_focus_stays_on_the_filter_that_was_pressed(widget: Widget):
    widget.show()
    widget.page.get_by_label("red").focus()
    widget.page.keyboard.press("Space")
    widget.settle(2)
    focused = "document.querySelector('findalike-search').shadowRoot.activeElement.dataset.key"
    assert widget.page.evaluate(focused) == "colour red"


def test_values_that_a_filter_hides_can_still_be_chosen(widget: Widget, service: FakeService):
    widget.show()
    service.answer = {"facets": {"colour": [{"value": "red", "count": 6}]}}
    widget.page.get_by_label("red").check()
    widget.settle(2)
    assert widget.page.get_by_label("it's blue").is_visible()


def test_no_product_fits(widget: Widget, service: FakeService):
    widget.show()
    service.answer = {"products": [], "matches": 0, "facets": {}}
    widget.page.get_by_label("red").check()
    widget.page.get_by_role("heading", name="No product fits these filters").wait_for()
    service.answer = {}
    widget.notice.get_by_role("button", name="Clear all").click()
    widget.cards.first.wait_for()
    assert last(service) == ""


@pytest.mark.parametrize("order", ["price", "-price", "score"])
def test_sort(widget: Widget, service: FakeService, order: str):
    widget.show()
    select = widget.page.get_by_label("Sort by")
    select.select_option("price" if order != "price" else "-price")
    widget.settle(2)
    select.select_option(order)
    if order != "price" or service.searches[-1].fields["sort"] != "price":
        widget.until(lambda: service.searches[-1].fields["sort"] == order)


def test_filters_stand_in_the_address_and_come_back_from_it(
    open_page: Callable[..., Widget], service: FakeService
):
    widget = open_page().show()
    widget.now("Garden").click()
    widget.page.get_by_label("it's blue").check()
    widget.page.get_by_label("Sort by").select_option("price")
    widget.until(lambda: service.searches[-1].fields["sort"] == "price")
    address = widget.page.url.removeprefix(widget.url)
    again = open_page(address).show()
    assert (
        service.searches[-1].fields["where"]
        == "`category` under 'Garden' and `colour` in ('it''s blue')"
    )
    assert again.page.get_by_label("Sort by").input_value() == "price"
    assert again.page.get_by_label("it's blue").is_checked()


@pytest.mark.parametrize(
    "hash_", ["#f.colour=%7B%7D&n.price=a..b", "#f.=1&price=", "#%E0%A4%A", "#sort=worst"]
)
def test_broken_address_is_no_trouble(
    open_page: Callable[..., Widget], service: FakeService, hash_: str
):
    open_page("/" + hash_).show()
    assert "{" not in last(service)
    assert service.searches[0].fields["sort"] == "score"


def test_shops_own_condition_always_holds(widget: Widget, service: FakeService):
    widget.element.evaluate("e => e.setAttribute('where', 'in_stock')")
    widget.show()
    assert last(service) == "(in_stock)"
    widget.page.get_by_label("red").check()
    widget.settle(2)
    assert last(service) == "(in_stock) and `colour` in ('red')"


def test_facets_that_the_shop_names(widget: Widget, service: FakeService):
    widget.element.evaluate("e => e.setAttribute('facets', 'colour, price')")
    widget.show()
    assert service.searches[0].fields["facets"] == "colour,price"


def test_phone_has_its_filters_in_a_sheet(open_page: Callable[..., Widget], service: FakeService):
    phone = open_page(**PHONE).show()
    assert phone.page.get_by_label("red").is_hidden()
    phone.now("Filters").tap()
    phone.page.get_by_label("red").check()
    phone.settle(2)
    phone.now("Show products").tap()
    assert phone.page.get_by_role("dialog").count() == 0
    assert phone.now("Filters (1)").is_visible()
    assert last(service) == "`colour` in ('red')"


def test_links_to_places_of_the_page_leave_the_filters_alone(widget: Widget, service: FakeService):
    widget.show()
    widget.now("Garden").click()
    widget.settle(2)
    widget.page.locator("a.skip").focus()
    widget.page.keyboard.press("Enter")
    widget.until(lambda: widget.page.url.endswith("#search"))
    widget.page.evaluate("location.hash = 'imprint=1'")
    widget.page.wait_for_timeout(600)
    assert len(service.searches) == 2
    assert widget.now("Garden").get_attribute("aria-pressed") == "true"
    widget.page.go_back()
    widget.page.go_back()
    widget.until(lambda: widget.page.url.endswith("#category=Garden"))
    widget.now("Clear all").click()
    widget.until(lambda: last(service) == "")


def test_skip_link_does_not_leave_more_like_this(widget: Widget, service: FakeService):
    widget.show()
    widget.now("More like this: Mug number 3").click()
    widget.page.get_by_role("heading", name="More like “Mug number 3”").wait_for()
    widget.page.locator("a.skip").focus()
    widget.page.keyboard.press("Enter")
    widget.until(lambda: widget.page.url.endswith("#search"))
    widget.page.wait_for_timeout(300)
    assert widget.page.get_by_role("heading", name="More like “Mug number 3”").is_visible()


@pytest.fixture
def offering(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives the shop fields of further types, with their facets."""

    def offer(types: dict[str, str], facets: dict[str, Any]) -> None:
        told = service.shop()
        fields = told["fields"] | types
        monkeypatch.setattr(
            service, "shop", lambda: {**told, "fields": fields, "facets": list(fields)}
        )
        service.answer = {"facets": facets}

    return offer


SIZES = {"sizes": [{"value": "S", "count": 5}, {"value": "M's", "count": 4}]}


def test_lists_are_asked_for_any_of_the_entries(
    offering: Callable[..., None], open_page: Callable[..., Widget], service: FakeService
):
    offering({"sizes": "list"}, SIZES)
    widget = open_page().show()
    assert "sizes" in service.searches[-1].fields["facets"].split(",")
    sizes = widget.page.get_by_role("group", name="Sizes").get_by_role("checkbox")
    sizes.first.check()
    widget.until(lambda: last(service) == "`sizes` has 'S'")
    sizes.last.check()
    widget.until(lambda: last(service) == "(`sizes` has 'S' or `sizes` has 'M''s')")
    assert parse_filter(last(service), {"sizes": "list"})


def test_filter_of_an_address_waits_for_the_types_of_its_fields(
    offering: Callable[..., None], open_page: Callable[..., Widget], service: FakeService
):
    offering({"sizes": "list"}, SIZES)
    service.hold = {"/v1/shop"}
    widget = open_page("/#f.sizes=%22S%22").show(wait=False)
    widget.until(lambda: len(service.held) == 1)
    widget.page.wait_for_timeout(1800)
    assert service.searches == []
    service.respond(*service.held[0])
    widget.settle()
    assert last(service) == "`sizes` has 'S'"


WEIGHT = {"min": -2.5, "max": 7.5, "counts": [{"low": -5, "high": 10, "count": 8}]}


def test_numbers_are_ranges(
    offering: Callable[..., None], open_page: Callable[..., Widget], service: FakeService
):
    offering({"weight": "number"}, {"weight": WEIGHT})
    widget = open_page()
    widget.element.evaluate("e => e.setAttribute('facets', 'price,weight')")
    widget.show()
    group = widget.page.get_by_role("group", name="Weight")
    assert group.get_by_label("From").get_attribute("placeholder") == "-3"
    group.get_by_label("From").fill("-1.5")
    group.get_by_label("To", exact=True).fill("4")
    widget.page.keyboard.press("Tab")
    widget.until(lambda: last(service) == "`weight` >= -1.5 and `weight` <= 4")
    address = widget.page.url.removeprefix(widget.url)
    again = open_page(address)
    again.element.evaluate("e => e.setAttribute('facets', 'price,weight')")
    again.show()
    assert last(service) == "`weight` >= -1.5 and `weight` <= 4"
    group = again.page.get_by_role("group", name="Weight")
    assert group.get_by_label("From").input_value() == "-1.5"
    again.now("Clear all").click()
    again.until(lambda: last(service) == "")


def test_prices_below_zero_are_none(widget: Widget, service: FakeService):
    widget.show()
    widget.page.get_by_label("From").fill("-5")
    widget.page.keyboard.press("Tab")
    widget.until(lambda: last(service) == "`price` >= 0")
