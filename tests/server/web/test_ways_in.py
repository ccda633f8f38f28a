"""Every way in: file, camera, paste, drop, web address, examples."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from page_stand_ins import PHONE, FakeService, Widget, photo_bytes

GIVE = """([bytes, kind, type]) => {
  const data = new DataTransfer();
  const raw = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
  if (raw.length) data.items.add(new File([raw], "a.jpg", { type: "image/jpeg" }));
  const target = document.querySelector("findalike-search");
  const event = type === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
  if (kind) data.setData("text/plain", kind);
  target.dispatchEvent(event);
}"""

SPY = """() => {
  window.made = [];
  window.drawn = [];
  const make = window.createImageBitmap;
  window.createImageBitmap = (source, options = {}) => {
    const { resizeWidth: width, resizeHeight: height } = options;
    made.push({ source: source.constructor.name, bytes: source.size, width, height });
    return make(source, options);
  };
  for (const context of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
    const draw = context.prototype.drawImage;
    context.prototype.drawImage = function (source, ...where) {
      drawn.push({ source: source.constructor.name, width: source.width, height: source.height });
      return draw.call(this, source, ...where);
    };
  }
}"""


def give(widget: Widget, how: str, photo: bytes = b"", text: str = "") -> None:
    widget.page.evaluate(GIVE, [base64.b64encode(photo).decode(), text, how])


def sent(service: FakeService) -> Image.Image:
    photo = service.searches[-1].photo
    assert photo is not None
    return Image.open(io.BytesIO(photo))


def test_file_is_made_small_before_it_is_sent(widget: Widget, service: FakeService):
    widget.show(photo_bytes(4000, 3000))
    image = sent(service)
    assert (image.format, image.size) == ("JPEG", (1280, 960))
    assert len(service.searches[-1].photo or b"") < 100_000
    assert len(widget.titles()) == 8


def test_small_photo_keeps_its_size(widget: Widget, service: FakeService):
    widget.show(photo_bytes(300, 200))
    assert sent(service).size == (300, 200)


@pytest.mark.parametrize(
    ("orientation", "red_corner"), [(3, (0.75, 0.5)), (6, (0.5, 0.25)), (8, (0.5, 0.75))]
)
def test_photo_is_turned_upright(
    widget: Widget, service: FakeService, orientation: int, red_corner: tuple[float, float]
):
    widget.show(photo_bytes(2000, 1500, orientation=orientation))
    image = sent(service)
    assert image.size == ((1280, 960) if orientation == 3 else (960, 1280))
    red, _, blue = image.getpixel((red_corner[0] * image.width, red_corner[1] * image.height))
    assert red > 200
    assert blue < 60


def test_what_the_camera_wrote_beside_the_photo_is_not_sent(widget: Widget, service: FakeService):
    widget.show(photo_bytes(orientation=1))
    assert b"Secret Camera Maker" not in (service.searches[-1].photo or b"")
    assert dict(sent(service).getexif()) == {}


def test_transparent_picture_is_sent_on_white(widget: Widget, service: FakeService):
    out = io.BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(out, "PNG")
    widget.show(out.getvalue())
    assert sent(service).getpixel((30, 30)) == (255, 255, 255)


def test_photo_is_prepared_without_blocking_the_page(widget: Widget):
    """Browsers decode a file for ``createImageBitmap`` in a thread of its own, and scale it there.

    Whatever else becomes pixels on a canvas is decoded and scaled by the page's own thread: there
    nothing may be drawn but the small picture that is ready.
    """
    widget.page.evaluate(SPY)
    photo = photo_bytes(4000, 3000)
    widget.show(photo)
    made, drawn = widget.page.evaluate("[made, drawn]")
    assert made == [{"source": "File", "bytes": len(photo), "width": 1280, "height": 960}]
    assert drawn == [{"source": "ImageBitmap", "width": 1280, "height": 960}]


def test_paste(widget: Widget, service: FakeService):
    give(widget, "paste", photo_bytes(500, 400))
    widget.settle()
    assert sent(service).size == (500, 400)


def test_pasted_address_is_fetched_by_the_service(widget: Widget, service: FakeService):
    widget.page.route(
        "https://pictures.example/**",
        lambda r: r.fulfill(body=photo_bytes(), content_type="image/jpeg"),
    )
    give(widget, "paste", text="https://pictures.example/mug.jpg")
    widget.settle()
    assert service.searches[-1].fields["image_url"] == "https://pictures.example/mug.jpg"
    assert service.searches[-1].fields["box"] == "auto"


def test_text_that_is_pasted_into_a_field_stays_there(widget: Widget, service: FakeService):
    widget.now("Paste a link").click()
    widget.page.locator("findalike-search input[type=url]").evaluate(
        """e => e.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, composed: true,
        cancelable: true, clipboardData: (() => { const d = new DataTransfer();
        d.setData("text/plain", "https://a.example/b.jpg"); return d; })() }))"""
    )
    widget.page.wait_for_timeout(100)
    assert service.searches == []


def test_drop(widget: Widget, service: FakeService):
    give(widget, "dragenter", photo_bytes())
    assert widget.page.get_by_text("Let go to search with this photo").is_visible()
    give(widget, "drop", photo_bytes(320, 200))
    widget.settle()
    assert sent(service).size == (320, 200)
    assert widget.page.get_by_text("Let go to search with this photo").is_hidden()


def test_web_address(widget: Widget, service: FakeService):
    widget.page.route(
        "https://pictures.example/**",
        lambda r: r.fulfill(body=photo_bytes(), content_type="image/jpeg"),
    )
    widget.now("Paste a link").click()
    field = widget.page.get_by_label("Web address of a picture")
    field.fill("mug.jpg")
    field.press("Enter")
    assert widget.page.get_by_text("https://").first.is_visible()
    assert service.searches == []
    field.fill("https://pictures.example/mug.jpg")
    field.press("Enter")
    widget.settle()
    assert service.searches[0].fields["image_url"] == "https://pictures.example/mug.jpg"
    widget.box.focus()
    widget.page.keyboard.press("ArrowLeft")
    widget.settle(2)
    assert len(service.searches[1].box) == 4


def test_address_whose_picture_the_page_may_not_show(widget: Widget, service: FakeService):
    widget.page.route("https://pictures.example/**", lambda route: route.abort())
    give(widget, "paste", text="https://pictures.example/hidden.jpg")
    widget.settle()
    assert widget.page.get_by_text("can't be shown here").is_visible()
    assert widget.box.count() == 0
    assert "proposals" not in service.searches[0].fields


def test_example(widget: Widget, service: FakeService):
    widget.now("Search with example photo 2").click()
    widget.settle()
    assert sent(service).size == (320, 320)


def test_shop_without_examples_shows_no_empty_list(
    open_page: Callable[..., Widget], service: FakeService
):
    service.examples = []
    widget = open_page()
    widget.until(lambda: len(service.of("/v1/shop")) == 1)
    assert widget.page.get_by_text("Or try one of these").is_hidden()


def test_live_camera(widget: Widget, service: FakeService):
    widget.now("Take a photo").click()
    shutter = widget.now("Take the photo")
    widget.until(shutter.is_enabled)
    shutter.click()
    widget.settle()
    assert sent(service).width >= 320
    assert widget.page.locator("findalike-search video").evaluate("v => v.srcObject") is None


def test_closing_the_camera_turns_it_off(widget: Widget):
    widget.now("Take a photo").click()
    widget.until(widget.now("Take the photo").is_enabled)
    widget.page.keyboard.press("Escape")
    video = widget.page.locator("findalike-search video")
    widget.until(lambda: video.evaluate("v => v.srcObject") is None)


def test_refused_camera_says_what_to_do(widget: Widget):
    widget.page.evaluate(
        """() => { navigator.mediaDevices.getUserMedia =
        () => Promise.reject(new DOMException("", "NotAllowedError")); }"""
    )
    widget.now("Take a photo").click()
    widget.page.get_by_text("choose a photo instead").wait_for()
    widget.now("Close").click()
    assert widget.now("Choose a photo").is_visible()


def test_phone_opens_its_own_camera(open_page: Callable[..., Widget]):
    phone = open_page(**PHONE)
    with phone.page.expect_file_chooser() as chooser:
        phone.now("Take a photo").tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    assert chooser.value.element.get_attribute("accept") == "image/*"


def test_file_that_is_no_picture(widget: Widget, service: FakeService):
    widget.show(b"not a picture", wait=False)
    widget.page.get_by_text("can't be read as a photo").wait_for()
    assert widget.page.get_by_text("Choose a JPEG").is_visible()
    assert service.searches == []


def test_another_photo_goes_back_to_the_start(widget: Widget, service: FakeService):
    widget.show()
    widget.now("New photo").click()
    assert widget.now("Choose a photo").is_visible()
    assert widget.page.evaluate(
        "document.querySelector('findalike-search').shadowRoot.activeElement !== null"
    )
    widget.show()
    assert len(service.searches) == 2


def test_unreadable_file_leaves_the_running_search_alone(widget: Widget, service: FakeService):
    service.hold = {"/v1/search"}
    widget.show(wait=False)
    widget.until(lambda: len(service.held) == 1)
    give(widget, "paste", b"not a picture")
    toast = widget.page.locator("findalike-search .toast")
    toast.get_by_text("can't be read as a photo").wait_for()
    assert "can't be read as a photo" in widget.status.inner_text()
    service.respond(*service.held[0])
    widget.settle()
    assert len(service.searches) == 1
    assert len(widget.titles()) == 8
    assert widget.notice.count() == 0


def test_unreadable_file_leaves_what_was_found(widget: Widget, service: FakeService):
    widget.show()
    give(widget, "drop", b"not a picture")
    widget.page.locator("findalike-search .toast").get_by_text("can't be read").wait_for()
    assert len(widget.titles()) == 8
    assert widget.page.locator("findalike-search .found").get_attribute("aria-busy") == "false"
    assert len(service.searches) == 1


def test_error_that_comes_late_says_nothing_of_a_newer_photo(widget: Widget, service: FakeService):
    held: list[Any] = []

    def hold(route: Any) -> None:  # playwright takes no method of a list
        held.append(route)

    widget.page.route("**/v1/examples/b.jpg", hold)
    widget.now("Search with example photo 2").click()
    widget.until(lambda: len(held) == 1)
    widget.show()
    held[0].fulfill(status=404, json={})
    widget.page.wait_for_timeout(300)
    assert len(widget.titles()) == 8
    assert widget.page.get_by_text("no longer here").count() == 0
    assert widget.page.locator("findalike-search .toast").is_hidden()


def test_slow_bad_file_says_nothing_of_a_newer_photo(widget: Widget, service: FakeService):
    """The decoding of the first is held until the second was searched with."""
    widget.page.evaluate(
        """() => { const make = window.createImageBitmap; let first = true;
        window.createImageBitmap = (...given) => {
          if (!first) return make(...given);
          first = false;
          return new Promise((done, failed) => { window.fail = () => failed(new Error("late")); });
        }; }"""
    )
    widget.show(wait=False)
    widget.until(lambda: widget.page.evaluate("!!window.fail"))
    widget.show(photo_bytes(320, 200))
    widget.page.evaluate("fail()")
    widget.page.wait_for_timeout(200)
    assert sent(service).size == (320, 200)
    assert widget.page.locator("findalike-search .toast").is_hidden()


PASTE = """(selector) => {
  const data = new DataTransfer();
  data.setData("text/plain", "https://pictures.example/mug.jpg");
  const event = new ClipboardEvent("paste",
    { clipboardData: data, bubbles: true, composed: true, cancelable: true });
  const target = document.querySelector(selector);
  if (target.tabIndex >= 0) target.focus();
  target.dispatchEvent(event);
  return event.defaultPrevented;
}"""


@pytest.fixture
def pictures(widget: Widget) -> Widget:
    """The page, with a picture at an address that may be pasted."""
    picture = {"body": photo_bytes(), "content_type": "image/jpeg"}
    widget.page.route("https://pictures.example/**", lambda route: route.fulfill(**picture))
    return widget


def test_paste_where_nothing_has_the_focus(pictures: Widget, service: FakeService):
    assert pictures.page.evaluate(PASTE, "body")
    pictures.settle()


@pytest.mark.parametrize(
    "other", ["<button id='other'>Menu</button>", "<p id='other' tabindex='0'>Text</p>"]
)
def test_paste_elsewhere_on_the_page_stays_there(
    pictures: Widget, service: FakeService, other: str
):
    pictures.page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", other)
    assert not pictures.page.evaluate(PASTE, "#other")
    pictures.page.wait_for_timeout(200)
    assert service.searches == []


@pytest.mark.parametrize(
    "before",
    [
        "document.querySelector('main').style.display = 'none'",
        "document.body.addEventListener('paste', (event) => event.preventDefault())",
    ],
    ids=["widget that cannot be seen", "page that takes it itself"],
)
def test_paste_is_left_alone(pictures: Widget, service: FakeService, before: str):
    pictures.page.evaluate(f"() => {{ {before}; }}")
    pictures.page.evaluate(PASTE, "body")
    pictures.page.wait_for_timeout(200)
    assert service.searches == []


def test_paste_is_taken_by_one_of_several_widgets(pictures: Widget, service: FakeService):
    pictures.page.evaluate(
        """() => { const other = document.createElement("findalike-search");
        other.id = "second"; document.body.append(other); }"""
    )
    working = """[...document.querySelectorAll("findalike-search")].map(
      (one) => !one.shadowRoot.querySelector(".work").hidden)"""
    pictures.page.evaluate(PASTE, "body")
    pictures.until(lambda: len(service.searches) == 1)
    assert pictures.page.evaluate(working) == [True, False]
    pictures.page.evaluate(PASTE, "#second")
    pictures.until(lambda: len(service.searches) == 2)
    assert pictures.page.evaluate(working) == [True, True]
    pictures.page.wait_for_timeout(200)
    assert len(service.searches) == 2
