"""The page as a shop wants it: what its file may say, and what the page becomes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from findalike.errors import SettingError
from findalike.server.app import create_app
from findalike.server.settings import ServerSettings
from findalike.server.shop_page import ShopPage, preferred_language, read_page, translations

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></svg>'
)
WHOLE = """
name: Müller & Söhne
logo: logo.svg
home: https://shop.example/
title: Finden Sie es <hier>
description: Alles & mehr
footer: Fotos vergessen wir.
links:
  - {text: Impressum, url: "https://shop.example/impressum"}
  - {text: Post, url: "mailto:post@shop.example"}
lang: de-CH
words: words.json
style: style.css
where: price < 100 and in_stock
facets: [category, colour]
page_size: 12
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "logo.svg").write_text(SVG)
    (tmp_path / "page" / "words.json").write_text('{"intro": "Was suchen Sie?"}')
    (tmp_path / "page" / "style.css").write_text(":root { --findalike-accent: #0a7d5a; }")
    return tmp_path / "page"


def read(folder: Path, text: str) -> ShopPage:
    (folder / "page.yml").write_text(text)
    return read_page(folder / "page.yml")


def client_of(shop: Path, page: ShopPage) -> TestClient:
    return TestClient(create_app(ServerSettings(shop=shop, open_search=True, page=page)))


def test_a_page_says_what_the_file_says(server_shop: Path, folder: Path):
    with client_of(server_shop, read(folder, WHOLE)) as client:
        answer = client.get("/", headers={"Accept-Language": "fr"})
        page = answer.text
        digest = re.search("/widget/([0-9a-f]{12})/page.css", page)
        assert digest
        at = f"/widget/{digest[1]}"
        style = client.get(f"{at}/shop-style.css")
        logo = client.get(f"{at}/shop-logo.svg")
        words = client.get(f"{at}/shop-words.json")
        assert style.text == ":root { --findalike-accent: #0a7d5a; }"
        assert (logo.text, logo.headers["content-type"]) == (SVG, "image/svg+xml")
        assert "default-src 'none'" in logo.headers["content-security-policy"]
        assert words.json() == {"intro": "Was suchen Sie?"}
        named = re.findall(r'(?:href|src|words)="(/widget/[^"]+)"', page)
        assert all(client.get(path).status_code == 200 for path in named)
    assert '<html lang="de-CH">' in page
    assert "<title>Finden Sie es &lt;hier&gt; – Müller &amp; Söhne</title>" in page
    assert '<meta name="description" content="Alles &amp; mehr">' in page
    assert f'<img src="{at}/shop-logo.svg" alt="Müller &amp; Söhne">' in page
    assert '<a class="brand" href="https://shop.example/">' in page
    assert "<footer><p>Fotos vergessen wir.</p>" in page
    assert '<li><a href="https://shop.example/impressum">Impressum</a></li>' in page
    assert page.index("page.css") < page.index("shop-style.css")
    element = re.search("<findalike-search[^>]*>", page.replace("price < 100", "price &lt; 100"))
    assert element
    for attribute in (
        'where="price &lt; 100 and in_stock"',
        'facets="category,colour"',
        'page-size="12"',
        f'words="{at}/shop-words.json"',
        "history ask-key ask-consent",
    ):
        assert attribute in element[0]
    assert "Accept-Language" not in answer.headers["vary"]


def test_without_a_file_the_page_speaks_the_language_of_the_browser(client: TestClient):
    german = client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"})
    english = client.get("/")
    assert '<html lang="de">' in german.text
    assert f"<h1>{translations()['de']['page']['title']}</h1>" in german.text
    assert "words-de.json" in german.text
    assert '<html lang="en">' in english.text
    assert "<h1>Search with a photo</h1>" in english.text
    assert "words-" not in english.text
    assert "Accept-Language" in german.headers["vary"]
    assert german.headers["etag"] != english.headers["etag"]
    arabic = client.get("/", headers={"Accept-Language": "ar"}).text
    assert '<html lang="ar" dir="rtl">' in arabic


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("PT-br", "pt"),
        ("xx, ja;q=0.3, de;q=0.7", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("de;q=0, it;q=0.1", "it"),
        ("*", "en"),
        ("de;q=much,nl", "nl"),
        (",;,q=1" * 500, "en"),
        ("xx," * 400 + "de", "en"),
    ],
)
def test_language_of_a_header(header: str, language: str):
    assert preferred_language(header) == language


def test_another_page_is_another_version(server_shop: Path, folder: Path):
    def digest(text: str) -> str:
        app = create_app(ServerSettings(shop=server_shop, page=read(folder, text)))
        return app.state.web_files.digest

    first = digest("style: style.css")
    assert digest("style: style.css") == first
    assert digest("{style: style.css, name: A}") != first
    (folder / "style.css").write_text("body { color: red; }")
    assert digest("style: style.css") != first


def test_an_empty_file_is_the_page_as_it_comes(folder: Path):
    assert read(folder, "") == ShopPage()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("titel: A", "unknown key 'titel', did you mean 'title'?"),
        ("logo: other.svg", "logo: cannot read .*other.svg .No such file"),
        ("logo: ../secret.svg", "lies outside"),
        ("logo: /etc/passwd", "lies outside"),
        ("logo: style.css", "of another kind than .svg, .png"),
        ("logo: [a]", "give the name of a file"),
        ("style: large.css", "larger than 200,000 bytes"),
        ("words: broken.json", "the words are not JSON"),
        ("words: list.json", "no object of names and texts"),
        ("words: unknown.json", "no word 'intor': did you mean 'intro'?"),
        ("words: number.json", "the word 'intro' is no text"),
        ("home: javascript:alert(1)", "is no address"),
        ("home: //elsewhere.example", "is no address"),
        ("home: 'https:'", "is no address"),
        ("links: [{text: A, url: 'data:x'}]", "links.0.url: 'data:x' is no address"),
        ("links: [{text: A}]", "key 'links.0.url' is missing"),
        ("lang: de_CH!", "'de_CH!' is no language"),
        ("page_size: 0", "page_size"),
        ("page_size: twelve", "page_size"),
        ("name: ''", "name"),
        ("[a]", "holds no settings of a page"),
        ("a: b: c", "is not YAML"),
    ],
)
def test_what_cannot_be_used_is_said(folder: Path, text: str, said: str):
    (folder.parent / "secret.svg").write_text(SVG)
    (folder / "large.css").write_text("/**/" * 50_001)
    (folder / "broken.json").write_text("{")
    (folder / "list.json").write_text("[]")
    (folder / "unknown.json").write_text('{"intor": "A"}')
    (folder / "number.json").write_text('{"intro": 3}')
    with pytest.raises(SettingError, match=said) as refused:
        read(folder, text)
    assert "page.yml" in str(refused.value)


def test_a_link_out_of_the_folder_is_not_followed(folder: Path):
    (folder.parent / "secret.svg").write_text(SVG)
    (folder / "linked.svg").symlink_to(folder.parent / "secret.svg")
    with pytest.raises(SettingError, match="lies outside"):
        read(folder, "logo: linked.svg")


def test_the_page_in_the_guide_is_one(folder: Path):
    guide = (Path(__file__).parents[2] / "docs" / "shop-engineer.md").read_text("utf-8")
    shown = re.findall(r"^```yaml page\.yml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    assert len(shown) == 1
    page = read(folder, shown[0])
    assert page.title == "Finden Sie es mit einem Foto"
    assert all(f"{key}:" in shown[0] for key in re.findall(r"^(\w+):", WHOLE, re.MULTILINE))


def test_every_language_has_every_word():
    names = {frozenset(words) for words in translations().values()}
    assert len(names) == 1
    for words in translations().values():
        assert json.dumps(words)
        assert set(words["page"]) == {"title", "description", "skip", "noscript", "footer"}
