"""The page in the shopper's language, and as the page of a shop of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from findalike.server.shop_page import translations
from page_stand_ins import PHONE, FakeService, Widget

COMPARED = """async (given) => {
  const { addressOfWords, ENGLISH, Words } = await import(given.module);
  const address = addressOfWords(given.language + "-XX");
  const words = await (await fetch(address)).json();
  delete words.page;
  const forms = (said) => (typeof said === "object" ? Object.values(said) : [said]);
  const holes = (said) => {
    const found = forms(said).flatMap((text) => text.match(/\\{\\w+\\}/g) ?? []);
    return String([...new Set(found)].sort());
  };
  const wanted = new Intl.PluralRules(given.language).resolvedOptions().pluralCategories.sort();
  const wrong = [];
  for (const name of new Set([...Object.keys(ENGLISH), ...Object.keys(words)])) {
    const [english, other] = [ENGLISH[name], words[name]];
    if (other === undefined || english === undefined) wrong.push(`${name}: in one only`);
    else if (name === "fields") continue;
    else if (typeof english !== typeof other) wrong.push(`${name}: of another kind`);
    else if (holes(english) !== holes(other)) wrong.push(`${name}: ${holes(other)}`);
    else if (forms(other).some((text) => !text.trim())) wrong.push(`${name}: empty`);
    else if (typeof other === "object" && String(Object.keys(other).sort()) !== String(wanted))
      wrong.push(`${name}: ${Object.keys(other)}`);
  }
  const said = new Words(given.language, words);
  return { wrong, several: said.say("found", { n: 5 }), one: said.say("found", { n: 1 }) };
}"""


def module_of(widget: Widget) -> str:
    loaded = widget.page.locator("script[type=module]").get_attribute("src")
    assert loaded
    return loaded.replace("element.js", "words.js")


def test_every_language_says_every_word_in_its_own_forms(widget: Widget):
    found = {
        language: widget.page.evaluate(
            COMPARED, {"module": module_of(widget), "language": language}
        )
        for language in translations()
    }
    assert len(found) == 10
    assert [f"{language}: {one}" for language, said in found.items() for one in said["wrong"]] == []
    assert found["de"]["several"].startswith("5 ")


@pytest.mark.parametrize("language", ["de", "ar"])
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_the_page_speaks_the_language_of_the_browser(
    open_page: Callable[..., Widget],
    service: FakeService,
    axe_source: str,
    language: str,
    screen: dict[str, Any],
):
    widget = open_page(locale=language, **screen)
    words = translations()[language]
    widget.page.get_by_text(words["intro"]).wait_for()
    assert widget.page.title() == words["page"]["title"]
    direction = "rtl" if language == "ar" else "ltr"
    assert widget.element.evaluate("e => getComputedStyle(e).direction") == direction
    widget.show()
    assert (
        widget.page.get_by_text(words["same"]).count()
        + widget.page.get_by_text(words["scoreAlone"].replace("{score}", "")).count()
    )
    widget.page.evaluate(axe_source)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = widget.page.evaluate("tags => axe.run({ runOnly: tags })", tags)
    assert [one["id"] for one in found["violations"]] == []
    width = widget.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0


def test_words_that_never_come_leave_english(open_page: Callable[..., Widget]):
    widget = open_page(locale="en")
    widget.page.route("**/words-de.json", lambda route: route.abort())
    widget.element.evaluate("e => (e.lang = 'de', e.words = {})")
    widget.page.get_by_text("Show us what you are looking for").wait_for()
    assert widget.element.evaluate("e => e.shadowRoot.firstElementChild.checkVisibility()")


def test_own_words_stand_over_those_of_the_language(open_page: Callable[..., Widget]):
    widget = open_page(locale="de")
    widget.element.evaluate("e => (e.words = { intro: 'Was darf es sein?' })")
    widget.page.get_by_text("Was darf es sein?").wait_for()
    widget.now(translations()["de"]["file"]).wait_for()


def test_a_page_of_the_shop_s_own(
    chromium: Any, serve: Callable[..., Any], server_shop: Path, tmp_path: Path, axe_source: str
):
    (tmp_path / "logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="90" '
        'height="30" fill="#0a7d5a"/></svg>'
    )
    (tmp_path / "words.json").write_text('{"file": "Bild vom Gerät"}')
    (tmp_path / "style.css").write_text(
        ":root { --findalike-accent: #0a7d5a; color-scheme: light; }"
    )
    (tmp_path / "page.yml").write_text(
        "name: Laden\nlogo: logo.svg\nlang: de\nwords: words.json\nstyle: style.css\n"
        "links: [{text: Impressum, url: /impressum}]\n"
    )
    errors: list[str] = []
    with serve(server_shop, "--open-search", "--page", str(tmp_path / "page.yml")) as server:
        page = chromium.new_page(locale="en")
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(server.url)
        page.get_by_role("button", name="Bild vom Gerät").wait_for()
        page.get_by_text(translations()["de"]["intro"]).wait_for()
        logo = page.get_by_alt_text("Laden")
        assert logo.evaluate("e => e.complete && e.naturalWidth") == 90
        button = page.locator("findalike-search .primary").first
        assert button.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(10, 125, 90)"
        assert page.get_by_role("link", name="Impressum").get_attribute("href") == "/impressum"
        page.evaluate(axe_source)
        assert page.evaluate("axe.run()")["violations"] == []
        page.close()
    assert errors == []
