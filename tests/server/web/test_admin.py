"""The merchandiser's page, in a real browser before a real service."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from findalike.server.keys import KeyStore
from page_stand_ins import DESKTOP, PHONE, photo_bytes

FEED = """product_id,image,title,category,price,brand
n1,0.jpg,Green bowl,Kitchen/Bowls,12.50,A
n2,1.jpg,Blue bowl,Kitchen/Bowls,9.90,B
n3,missing.jpg,Lost bowl,Kitchen/Bowls,7.00,A
n4,2.jpg,Priced bowl,Kitchen/Bowls,cheap,A
"""


@dataclass(frozen=True)
class Stand:
    """A service with a shop of its own, and its keys."""

    url: str
    search_key: str
    catalogue_key: str
    admin_key: str

    def get(self, path: str) -> Any:
        asked = {"Authorization": f"Bearer {self.admin_key}"}
        return httpx.get(self.url + path, headers=asked, trust_env=False)


@pytest.fixture(scope="module")
def stand(make_shop: Callable[..., Path], serve: Callable[..., Any]) -> Iterator[Stand]:
    shop = make_shop()
    keys = [KeyStore(shop).create(role)[1] for role in ("search", "catalogue", "admin")]
    with serve(shop, "--address-rate", "0") as server:
        yield Stand(server.url, *keys)


@dataclass
class Admin:
    """The page, and what a merchandiser does with it."""

    page: Any
    stand: Stand

    def sign_in(self, key: str = "") -> Admin:
        self.page.get_by_label("Key", exact=True).fill(key or self.stand.admin_key)
        self.button("Open the catalogue").click()
        return self

    def button(self, name: str | re.Pattern[str]) -> Any:
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))

    def go(self, name: str) -> Admin:
        self.page.get_by_role("link", name=name, exact=True).click()
        return self

    def feed(self, text: str = FEED, name: str = "bowls.csv") -> Admin:
        file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
        self.page.locator("#feed-file").set_input_files(file)
        return self

    def titles(self) -> list[str]:
        self.page.locator(".list[aria-busy=false]").wait_for()
        return self.page.locator(".rows .open").all_inner_texts()

    def find(self, label: str, text: str) -> Admin:
        self.titles()
        with self.page.expect_response(lambda answer: "/v1/products?" in answer.url):
            self.page.get_by_label(label).fill(text)
        return self


@pytest.fixture
def open_admin(chromium: Any, stand: Stand) -> Iterator[Callable[..., Admin]]:
    contexts = []
    errors: list[str] = []

    def make(path: str = "/admin", **options: Any) -> Admin:
        context = chromium.new_context(**{**DESKTOP, "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if _bad(m) else None)
        page.goto(stand.url + path)
        return Admin(page, stand)

    yield make
    for context in contexts:
        context.close()
    assert errors == []


def _bad(message: Any) -> bool:
    return message.type == "error" and "Failed to load resource" not in message.text


@pytest.fixture
def admin(open_admin: Callable[..., Admin]) -> Admin:
    """The page on a desktop, signed in."""
    made = open_admin().sign_in()
    made.titles()
    return made


def test_page_is_guarded_and_asked_for_anew(stand: Stand):
    answer = httpx.get(f"{stand.url}/admin", trust_env=False)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-cache"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", answer.text)
    for path in re.findall(r'(?:href|src)="(/widget/[^"]+)"', answer.text):
        assert httpx.get(stand.url + path, trust_env=False).status_code == 200, path


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "Enter a key first"),
        ("ключ", "no special characters"),
        ("fa_000000000000_" + "0" * 64, "not valid"),
        ("search", "may not look after the catalogue"),
    ],
)
def test_keys_that_will_not_do_are_told(
    open_admin: Callable[..., Admin], stand: Stand, key: str, said: str
):
    admin = open_admin()
    admin.page.get_by_label("Key", exact=True).fill(stand.search_key if key == "search" else key)
    admin.button("Open the catalogue").click()
    admin.page.get_by_role("alert").filter(has_text=said).wait_for()
    assert admin.page.evaluate("sessionStorage.length") == 0


def test_key_is_kept_in_the_tab_and_nowhere_else(admin: Admin, stand: Stand):
    page = admin.page
    page.reload()
    assert admin.titles()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert stand.admin_key not in page.url
    admin.button("Sign out").click()
    page.get_by_label("Key", exact=True).wait_for()
    assert page.evaluate("sessionStorage.length") == 0
    assert not page.get_by_role("link", name="Products").is_visible()


def test_finds_by_title_id_category_and_expression(admin: Admin):
    assert "Product 3" in admin.titles()
    assert admin.find("Find", "PRODUCT 7").titles() == ["Product 7"]
    assert admin.find("Find", "p04").titles() == ["Product 4"]
    admin.find("Find", "").find("In the category", "Fruit > Pear")
    assert len(admin.titles()) == 6
    admin.page.get_by_text("Filter by an expression").click()
    assert admin.find("Expression", "price < 7").titles() == ["Product 6"]
    admin.find("Expression", "pric < 7")
    admin.page.get_by_role("alert").filter(has_text="price").wait_for()
    admin.find("Find", "o'no").find("Expression", "")
    admin.page.get_by_text("No product matches").wait_for()
    admin.button("Show all").click()
    admin.page.locator(".rows").wait_for()
    assert len(admin.titles()) >= 12


def test_import_is_checked_watched_and_reported(admin: Admin, stand: Stand):
    page = admin.page
    before = stand.get("/v1/shop").json()["products"]
    admin.go("Imports").feed()
    admin.button("Check first").click()
    page.get_by_role("heading", name="Checked: bowls.csv").wait_for(timeout=120_000)
    assert "2" in page.locator(".job .counts .some").inner_text()
    rows = page.get_by_role("region", name="Refusals").get_by_role("row").all_inner_texts()
    assert any("missing.jpg" in row for row in rows)
    assert any("cheap" in row for row in rows)
    assert stand.get("/v1/shop").json()["products"] == before
    admin.button("Import it now").click()
    page.get_by_role("heading", name="Imported: bowls.csv").wait_for(timeout=120_000)
    with page.expect_download() as download:
        admin.button("Download the report (CSV)").click()
    lines = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [line["outcome"] for line in lines].count("added") == 2
    page.get_by_role("link", name="See the products").click()
    assert admin.find("Find", "bowl").titles() == ["Green bowl", "Blue bowl"]


def test_past_imports_open_again(admin: Admin):
    page = admin.page
    admin.go("Imports").feed(name="past.csv")
    admin.button("Check first").click()
    page.get_by_role("heading", name="Checked: past.csv").wait_for(timeout=120_000)
    page.reload()
    page.get_by_role("heading", name="Checked: past.csv").wait_for()
    admin.go("Products").go("Imports")
    page.get_by_role("table").get_by_role("button", name="past.csv").first.click()
    page.get_by_role("region", name="Refusals").wait_for()


def test_feed_that_cannot_be_read_says_why(admin: Admin):
    page = admin.page
    admin.go("Imports")
    admin.button("Import").click()
    page.get_by_role("alert").filter(has_text="Choose a feed").wait_for()
    page.get_by_text("How to read it").click()
    page.get_by_label("Columns").fill("title: Name")
    admin.feed("a,b\n1,2\n", name="odd.csv")
    admin.button("Check first").click()
    page.get_by_role("alert").filter(has_text="has no sign =").wait_for()
    page.get_by_label("Columns").fill("")
    admin.button("Check first").click()
    page.get_by_role("heading", name="Failed: odd.csv").wait_for(timeout=120_000)
    assert page.locator(".job .told").inner_text()


def test_running_import_is_cancelled(admin: Admin):
    page, calls = admin.page, []
    running = {
        "job_id": "20261123T012500-1f2e3d4c", "state": "running", "name": "long.csv", "url": None,
        "dry_run": False, "strict": False, "created_at": "2026-11-23T01:25:00Z",
        "started_at": "2026-11-23T01:25:00Z", "finished_at": None, "rows": 1000, "rows_done": 250,
        "added": 250, "updated": 0, "unchanged": 0, "refused": 0, "shop_version": None,
        "detail": None, "next_step": None, "notes": [], "report_url": "",
    }  # fmt: skip

    def answer(route: Any) -> None:
        calls.append(route.request.method)
        if route.request.method == "DELETE":
            running.update(state="cancelled", detail="250 images were added and stay")
        if route.request.url.endswith("format=json"):
            route.fulfill(json={**running, "refusals": []})
        else:
            route.fulfill(json=running)

    page.route("**/v1/imports/2026*", answer)
    page.goto(f"{admin.stand.url}/admin#/imports/20261123T012500-1f2e3d4c")
    page.locator(".job .told").filter(has_text="250 of 1,000 rows").wait_for()
    assert page.get_by_label("Progress of the import").evaluate("e => e.value") == 0.25
    admin.button("Cancel the import").click()
    page.get_by_role("heading", name="Cancelled: long.csv").wait_for()
    assert "DELETE" in calls
    assert "250 images were added and stay" in page.locator(".job .told").inner_text()


def test_product_is_changed_field_by_field(admin: Admin, stand: Stand):
    page = admin.page
    before = stand.get("/v1/products/p05").json()
    admin.find("Find", "p05")
    admin.titles()
    page.get_by_role("button", name="Product 5").first.click()
    box = page.get_by_role("dialog")
    box.get_by_label("Title").fill("Fifth")
    box.get_by_label("Price").fill("3.25")
    box.get_by_label("brand").fill("")
    with page.expect_request(lambda r: r.method == "PATCH") as sent:
        box.get_by_role("button", name="Save").click()
    assert sent.value.post_data_json == {
        "title": "Fifth", "price": 3.25, "attributes": {"brand": None},
    }  # fmt: skip
    box.wait_for(state="detached")
    after = stand.get("/v1/products/p05").json()
    assert (after["title"], after["price"]) == ("Fifth", 3.25)
    assert "brand" not in after["attributes"]
    assert after["images"] == before["images"]


def test_closing_with_changes_asks_first(admin: Admin):
    page = admin.page
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Product 3").first.click()
    page.get_by_role("dialog").get_by_label("Title").fill("x")
    page.keyboard.press("Escape")
    assert "without saving" in asked[0]
    assert page.get_by_role("dialog").is_visible()


def test_product_is_added_with_photos(admin: Admin, stand: Stand):
    page = admin.page
    admin.button("Add a product").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Id", exact=True).fill("new/1 é")
    box.get_by_label("Title").fill("Striped thing")
    add = box.get_by_role("button", name="Add the product")
    add.click()
    box.get_by_role("alert").filter(has_text="at least one photo").wait_for()
    files = [
        {"name": f"{side}.jpg", "mimeType": "image/jpeg", "buffer": photo_bytes(side, 200)}
        for side in (300, 320)
    ]
    box.locator("#photo-files").set_input_files(files)
    box.get_by_role("button", name="Take photo 2 away").click()
    add.click()
    box.wait_for(state="detached")
    made = stand.get("/v1/products/new%2F1%20%C3%A9").json()
    assert (made["title"], len(made["images"])) == ("Striped thing", 1)
    admin.button("Add a product").click()
    box.get_by_label("Id", exact=True).fill("new/1 é")
    box.locator("#photo-files").set_input_files(files[:1])
    add.click()
    box.get_by_role("alert").filter(has_text="already").wait_for()


def test_nobody_writes_over_a_change_made_meanwhile(admin: Admin, stand: Stand):
    page = admin.page
    admin.find("Find", "p07")
    admin.titles()
    page.get_by_role("button", name="Product 7").first.click()
    box = page.get_by_role("dialog")
    box.get_by_label("Title").fill("Seventh")
    asked = {"Authorization": f"Bearer {stand.admin_key}"}
    url = f"{stand.url}/v1/products/p07"
    assert httpx.patch(url, json={"price": 7.75}, headers=asked, trust_env=False).is_success
    box.get_by_role("button", name="Save").click()
    box.get_by_role("alert").filter(has_text="changed meanwhile").wait_for()
    file = {"name": "new.jpg", "mimeType": "image/jpeg", "buffer": photo_bytes(300, 200)}
    box.locator("#photo-files").set_input_files(file)
    with page.expect_request(lambda request: request.method == "PUT"):
        box.get_by_role("button", name="Save").click()
    box.get_by_role("alert").filter(has_text="changed meanwhile").wait_for()
    after = stand.get("/v1/products/p07").json()
    assert (after["title"], after["price"]) == ("Product 7", 7.75)


def test_refused_values_are_told_in_the_dialog(admin: Admin):
    page = admin.page
    page.get_by_role("button", name="Product 2").first.click()
    box = page.get_by_role("dialog")
    box.get_by_label("Price").fill("-1")
    box.get_by_role("button", name="Save").click()
    box.get_by_role("alert").filter(has_text="price").wait_for()
    assert box.is_visible()


def test_deletion_is_confirmed_and_undone(admin: Admin, stand: Stand):
    page = admin.page
    before = stand.get("/v1/products/p08").json()
    admin.find("Find", "p08")
    admin.titles()
    admin.button("Delete Product 8").click()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert stand.get("/v1/products/p08").status_code == 200
    admin.button("Delete Product 8").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("No product matches").wait_for()
    assert stand.get("/v1/products/p08").status_code == 404
    admin.button("Undo").click()
    page.get_by_role("button", name="Product 8", exact=True).wait_for()
    assert stand.get("/v1/products/p08").json() == before


def test_shop_is_told_and_rolled_back_by_admins_only(
    open_admin: Callable[..., Admin], stand: Stand
):
    admin = open_admin("/admin#/shop").sign_in(stand.catalogue_key)
    page = admin.page
    tiles = page.locator(".facts")
    tiles.get_by_text("ready", exact=True).wait_for()
    assert "tiny" in tiles.inner_text()
    page.get_by_role("button", name=re.compile("Go back to version")).last.click()
    page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    page.get_by_role("alert").filter(has_text="'admin'").wait_for()
    admin.button("Sign out").click()
    admin.sign_in()
    version = stand.get("/v1/shop/versions").json()["versions"][0]["version"]
    page.get_by_role("button", name=re.compile("Go back to version")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    page.get_by_text(re.compile("The shop is as it was in version")).first.wait_for()
    assert stand.get("/v1/shop/versions").json()["versions"][0]["version"] > version


def test_pages_are_turned(admin: Admin):
    page = admin.page
    page.route("**/v1/products?*", _two_pages)
    admin.find("Find", "any")
    assert admin.titles() == ["First"]
    admin.button("Next").click()
    page.get_by_role("button", name="Second", exact=True).wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Second"
    assert admin.button("Next").is_disabled()
    admin.button("Previous").click()
    page.get_by_role("button", name="First", exact=True).wait_for()


def _two_pages(route: Any) -> None:
    second = "cursor=on" in route.request.url
    product = {
        "product_id": "x", "title": "Second" if second else "First", "category": None,
        "variant_of": None, "price": None, "currency": None, "url": None, "attributes": {},
        "images": [],
    }  # fmt: skip
    cursor = None if second else "on"
    route.fulfill(json={"products": [product], "next_cursor": cursor, "shop_version": 1})


def test_errors_offer_another_try(admin: Admin):
    page = admin.page
    page.route("**/v1/products?*", lambda route: route.abort())
    admin.page.get_by_label("Find").fill("pear")
    page.get_by_role("alert").filter(has_text="cannot be reached").wait_for()
    page.unroute("**/v1/products?*")
    page.get_by_label("Find").fill("p01")
    page.get_by_role("button", name="Product 1", exact=True).wait_for()


def test_revoked_key_leads_back_to_the_door(admin: Admin):
    page = admin.page
    refused = {"type": "x", "title": "No valid key", "status": 401, "detail": "no such key"}
    page.route("**/v1/products?*", lambda route: route.fulfill(status=401, json=refused))
    page.get_by_label("Find").fill("x")
    page.get_by_role("alert").filter(has_text="not valid").wait_for()
    page.get_by_label("Key", exact=True).wait_for()


def test_keyboard_alone_opens_changes_and_leaves(admin: Admin):
    page = admin.page
    page.keyboard.press("Tab")
    page.locator(".rows .open").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.className") == "open"


VIEWS = ["#/products", "#/imports", "#/shop"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everybody_can_use_it(
    open_admin: Callable[..., Admin], axe_source: str, screen: dict[str, Any], scheme: str
):
    admin = open_admin(**screen, color_scheme=scheme)
    page = admin.page
    faults = {"door": _faults(page, axe_source)}
    admin.sign_in().titles()
    page.get_by_role("button", name="Product 3").first.click()
    page.get_by_role("dialog").wait_for()
    faults["editor"] = _faults(page, axe_source)
    page.keyboard.press("Escape")
    for view in VIEWS:
        page.goto(f"{admin.stand.url}/admin{view}")
        page.locator("main h1").wait_for()
        page.locator("main .loading").first.wait_for(state="detached")
        faults[view] = _faults(page, axe_source)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{view} is {wide} px wider than the screen"
    assert {view: found for view, found in faults.items() if found} == {}


def _faults(page: Any, axe_source: str) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe_source)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run({runOnly: tags})", tags)
    return [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found["violations"]]
