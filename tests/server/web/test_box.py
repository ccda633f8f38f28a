"""The box: proposed, then moved, resized and redrawn by mouse, finger and keyboard."""

from __future__ import annotations

import pytest

from page_stand_ins import FakeService, Widget

PROPOSED = [0.25, 0.25, 0.3125, 0.3333]  # 160, 120, 200, 160 of a photo of 640 x 480


def close(shares: list[float], expected: list[float]) -> bool:
    return shares == pytest.approx(expected, abs=0.012)


def test_there_is_a_box_before_the_answer_and_the_proposed_one_after(
    widget: Widget, service: FakeService
):
    service.hold = {"/v1/search"}
    widget.show(wait=False)
    widget.until(lambda: len(service.held) == 1)
    assert close(widget.box_shares(), [0.1, 0.1, 0.8, 0.8])
    service.respond(*service.held[0])
    widget.settle()
    assert close(widget.box_shares(), PROPOSED)


def test_proposal_is_asked_for_where_the_search_had_none(widget: Widget, service: FakeService):
    service.answer = {"box_source": "whole", "box": [0, 0, 640, 480]}
    service.boxes = [[64, 48, 320, 240]]
    widget.show()
    widget.settle(2)
    assert service.searches[1].box == [64, 48, 320, 240]
    assert close(widget.box_shares(), [0.1, 0.1, 0.5, 0.5])
    # The photo went there with the question alone, and boxes were proposed once.
    assert [asked.path for asked in service.asked if asked.photo] == ["/v1/search"] * 2
    assert [asked.fields.get("proposals") for asked in service.searches] == ["5", None]


def test_without_proposals_the_whole_photo_is_the_box(widget: Widget, service: FakeService):
    service.answer = {"box_source": "whole", "box": [0, 0, 640, 480], "proposals": []}
    widget.show()
    assert close(widget.box_shares(), [0, 0, 1, 1])
    assert widget.notice.count() == 0


def test_box_of_the_shopper_is_not_overwritten_by_a_late_proposal(
    widget: Widget, service: FakeService
):
    service.hold = {"/v1/search"}
    widget.show(wait=False)
    widget.until(lambda: len(service.held) == 1)
    widget.drag(widget.at(0.5, 0.5), widget.at(0.45, 0.5))
    moved = widget.box_shares()
    widget.until(lambda: len(service.held) == 2)
    service.respond(*service.held[1])
    widget.settle(2)
    assert close(widget.box_shares(), moved)
    assert service.searches[1].fields["box"] != "auto"


def test_mouse_moves_the_box(widget: Widget, service: FakeService):
    widget.show()
    widget.drag(widget.at(0.4, 0.4), widget.at(0.6, 0.5))
    assert close(widget.box_shares(), [0.45, 0.35, 0.3125, 0.3333])
    widget.settle(2)
    assert service.searches[1].box == pytest.approx([288, 168, 200, 160], abs=8)


def test_box_stays_in_the_photo(widget: Widget):
    widget.show()
    widget.drag(widget.at(0.4, 0.4), widget.at(2, 2))
    x, y, w, h = widget.box_shares()
    assert (x + w, y + h) == pytest.approx((1, 1), abs=0.002)
    assert (w, h) == pytest.approx((0.3125, 0.3333), abs=0.002)


@pytest.mark.parametrize(
    ("side", "by", "expected"),
    [
        ("nw", (-0.1, -0.1), [0.15, 0.15, 0.4125, 0.4333]),
        ("n", (0.1, -0.1), [0.25, 0.15, 0.3125, 0.4333]),
        ("ne", (0.1, -0.1), [0.25, 0.15, 0.4125, 0.4333]),
        ("e", (0.1, 0.1), [0.25, 0.25, 0.4125, 0.3333]),
        ("se", (0.1, 0.1), [0.25, 0.25, 0.4125, 0.4333]),
        ("s", (0.1, 0.1), [0.25, 0.25, 0.3125, 0.4333]),
        ("sw", (-0.1, 0.1), [0.15, 0.25, 0.4125, 0.4333]),
        ("w", (-0.1, 0.1), [0.15, 0.25, 0.4125, 0.3333]),
    ],
)
def test_every_handle_resizes(
    widget: Widget, side: str, by: tuple[float, float], expected: list[float]
):
    widget.show()
    start = widget.middle(widget.page.locator(f"findalike-search .handle-{side}"))
    area = widget.stage.bounding_box()
    widget.drag(start, (start[0] + by[0] * area["width"], start[1] + by[1] * area["height"]))
    assert close(widget.box_shares(), expected)


def test_handles_are_large_enough_for_a_finger(phone: Widget):
    phone.show()
    for side in ("nw", "se"):
        area = phone.page.locator(f"findalike-search .handle-{side}").bounding_box()
        assert min(area["width"], area["height"]) >= 44


def test_box_cannot_be_made_too_small_to_grasp(widget: Widget):
    widget.show()
    start = widget.middle(widget.page.locator("findalike-search .handle-se"))
    widget.drag(start, widget.at(0, 0))
    area = widget.box.bounding_box()
    assert min(area["width"], area["height"]) >= 23


def test_dragging_outside_draws_another_box(widget: Widget, service: FakeService):
    widget.show()
    widget.drag(widget.at(0.95, 0.95), widget.at(0.7, 0.65))
    assert close(widget.box_shares(), [0.7, 0.65, 0.25, 0.3])
    widget.settle(2)
    assert service.searches[1].box == pytest.approx([448, 312, 160, 144], abs=8)


def test_tap_outside_brings_the_box_there(widget: Widget):
    widget.show()
    widget.page.mouse.click(*widget.at(0.75, 0.75))
    x, y, w, h = widget.box_shares()
    assert (x + w / 2, y + h / 2) == pytest.approx((0.75, 0.75), abs=0.01)


def test_other_things_in_the_photo_are_one_press_away(widget: Widget, service: FakeService):
    service.boxes = [[160, 120, 200, 160], [400, 300, 200, 150], [404, 300, 200, 150]]
    widget.show()
    dots = widget.page.locator("findalike-search .dot:visible")
    widget.until(lambda: dots.count() == 1)
    area = dots.first.bounding_box()
    assert min(area["width"], area["height"]) >= 24
    dots.first.click()
    widget.settle(2)
    assert service.searches[1].box == [400, 300, 200, 150]


def test_no_dot_stands_in_the_middle_of_the_box(widget: Widget, service: FakeService):
    """The second is a part of the first, in its middle; the third lies beside."""
    service.boxes = [[160, 120, 200, 160], [230, 170, 60, 50], [400, 300, 200, 150]]
    widget.show()
    dots = widget.page.locator("findalike-search .dot:visible")
    widget.until(lambda: dots.count() == 1)
    assert dots.first.get_attribute("aria-label") == "Search for thing 3 in the photo"
    dots.first.click()
    widget.until(lambda: dots.count() == 2)
    widget.settle(2)
    widget.now("Whole photo").click()
    widget.until(lambda: dots.count() == 3)


def test_finger_moves_the_box_and_the_page_stays(phone: Widget):
    phone.show()
    before = phone.box_shares()
    phone.swipe(phone.at(0.4, 0.4), phone.at(0.4, 0.55))
    assert close(phone.box_shares(), [before[0], before[1] + 0.15, *before[2:]])
    assert phone.page.evaluate("scrollY") == 0


def test_finger_that_goes_sideways_draws(phone: Widget):
    phone.show()
    phone.swipe(phone.at(0.7, 0.7), phone.at(0.95, 0.82))
    assert close(phone.box_shares(), [0.7, 0.7, 0.25, 0.12])


def test_finger_that_goes_up_scrolls_the_page(phone: Widget):
    phone.show()
    before = phone.box_shares()
    phone.swipe(phone.at(0.85, 0.9), (phone.at(0.85, 0.9)[0], 20))
    phone.until(lambda: phone.page.evaluate("scrollY") > 50)
    assert phone.box_shares() == before


def test_finger_that_rests_first_draws_upwards_too(phone: Widget):
    phone.show()
    phone.swipe(phone.at(0.7, 0.95), phone.at(0.9, 0.65), hold_ms=300)
    assert close(phone.box_shares(), [0.7, 0.65, 0.2, 0.3])
    assert phone.page.evaluate("scrollY") == 0


def test_keyboard_moves_resizes_and_scales(widget: Widget, service: FakeService):
    widget.show()
    widget.box.focus()
    x, y, w, h = widget.box_shares()
    keys = widget.page.keyboard
    keys.press("ArrowRight")
    keys.press("ArrowDown")
    assert close(widget.box_shares(), [x + 0.02, y + 0.0267, w, h])
    keys.press("Shift+ArrowRight")
    keys.press("Shift+ArrowUp")
    assert close(widget.box_shares(), [x + 0.02, y + 0.0267, w + 0.02, h - 0.0267])
    wide = widget.box_shares()[2]
    keys.press("+")
    assert widget.box_shares()[2] > wide * 1.05
    keys.press("-")
    assert close([widget.box_shares()[2]], [wide])
    widget.settle(2)
    assert len(service.searches) < 5, "not one search for each of the six keys"


def test_keyboard_says_where_the_box_is(widget: Widget):
    widget.show()
    widget.box.focus()
    widget.page.keyboard.press("ArrowRight")
    widget.until(
        lambda: (
            "27 % from the left" in widget.status.inner_text()
            or "8 products" in widget.status.inner_text()
        )
    )
    assert "Arrow keys" in widget.box.get_attribute("aria-description")


def test_buttons_do_what_dragging_does(widget: Widget, service: FakeService):
    widget.show()
    before = widget.box_shares()
    widget.now("Bigger box").click()
    assert widget.box_shares()[2] > before[2]
    widget.now("Smaller box").click()
    assert close(widget.box_shares(), before)
    widget.now("Whole photo").click()
    widget.until(lambda: service.searches[-1].fields["box"] == "0,0,640,480")


def test_no_search_while_the_box_is_held(widget: Widget, service: FakeService):
    widget.show()
    widget.page.mouse.move(*widget.at(0.4, 0.4))
    widget.page.mouse.down()
    widget.page.mouse.move(*widget.at(0.5, 0.5), steps=5)
    widget.page.wait_for_timeout(600)
    assert len(service.searches) == 1
    widget.page.mouse.up()
    widget.settle(2)


def test_stale_answer_never_overwrites_a_newer_one(widget: Widget, service: FakeService):
    widget.show()
    service.hold = {"/v1/search"}
    widget.drag(widget.at(0.4, 0.4), widget.at(0.5, 0.4))
    widget.until(lambda: len(service.held) == 1)
    widget.drag(widget.at(0.5, 0.4), widget.at(0.6, 0.4))
    widget.until(lambda: len(service.held) == 2)
    new = [{**service.products[0], "title": "The newer answer"}]
    service.respond(*service.held[1], products=new)
    widget.page.get_by_text("The newer answer").wait_for()
    try:
        service.respond(*service.held[0], products=[{**service.products[0], "title": "The older"}])
    except Exception as error:  # the browser gave that request up, as it should
        print(error)
    widget.page.wait_for_timeout(300)
    assert widget.titles() == ["The newer answer"]


def test_requests_that_became_stale_are_given_up(widget: Widget, service: FakeService):
    widget.show()
    given_up: list[str] = []
    widget.page.on("requestfailed", lambda request: given_up.append(request.url))
    service.hold = {"/v1/search"}
    widget.drag(widget.at(0.4, 0.4), widget.at(0.5, 0.4))
    widget.until(lambda: len(service.held) == 1)
    widget.drag(widget.at(0.5, 0.4), widget.at(0.6, 0.4))
    widget.until(lambda: len(given_up) == 1)
    assert given_up[0].endswith("/v1/search")
