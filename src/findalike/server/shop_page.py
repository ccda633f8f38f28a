"""The page at ``/`` as a shop wants it: its name, logo, language, looks and links, from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from findalike.server.yaml_settings import read_yaml_settings

MAX_BYTES = 200_000
"""Of a file that the page shows or uses."""

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

ENGLISH = {
    "title": "Search with a photo",
    "description": "Show this shop a photo, and see the products that look like it.",
    "skip": "Skip to the search",
    "noscript": "This search works with JavaScript only. Turn it on in your browser, and load the "
    "page again.",
    "footer": "Photos are searched with and then forgotten. None is kept without your consent.",
}
"""What the page says around the widget."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the shop's that the page uses.

    Attributes:
        served: its name in the version's path.
        body: its bytes.
    """

    served: str
    body: bytes


def _beside(
    served: str, suffixes: tuple[str, ...], check: Callable[[bytes], None] = lambda _: None
) -> BeforeValidator:
    """Have a value name a file beside the page's own, which is read."""

    def read(value: Any, info: ValidationInfo[Path]) -> PageFile:
        if not isinstance(value, str):
            raise ValueError(f"give the name of a file ({', '.join(suffixes)})")
        folder = info.context.resolve()
        path = (folder / value).resolve()
        if not path.is_relative_to(folder):
            raise ValueError(f"{value} lies outside {folder}: put it beside the file of the page")
        if path.suffix.lower() not in suffixes:
            raise ValueError(f"{value} is of another kind than {', '.join(suffixes)}")
        try:
            with path.open("rb") as file:
                body = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ValueError(f"cannot read {path} ({error.strerror})") from None
        if len(body) > MAX_BYTES:
            raise ValueError(f"{value} is larger than {MAX_BYTES:,} bytes")
        check(body)
        return PageFile(served + path.suffix.lower(), body)

    return BeforeValidator(read)


def _check_words(body: bytes) -> None:
    try:
        words = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the words are not JSON: {error}") from None
    if not isinstance(words, dict):
        raise ValueError("the words are no object of names and texts")
    known = translations()["de"]
    for name, said in words.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "docs/widget.md says where they stand"
            raise ValueError(f"there is no word {name!r}: {hint}")
        texts = said.values() if isinstance(said, dict) else (said,)
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"the word {name!r} is no text")


def _check_link(url: str) -> str:
    parts = urlsplit(url)
    local = not parts.scheme and url.startswith("/") and not url.startswith(("//", "/\\"))
    known = parts.scheme == "mailto" or (parts.scheme in {"http", "https"} and parts.netloc)
    if not (local or known):
        raise ValueError(f"{url!r} is no address: write https://…, mailto:… or a path from /")
    return url


def _check_language(tag: str) -> str:
    if not (tag.isascii() and all(part.isalnum() for part in tag.split("-"))):
        raise ValueError(f"{tag!r} is no language: write it as de or pt-BR")
    return tag


Text = Annotated[str, Field(min_length=1, max_length=300)]
Address = Annotated[str, Field(max_length=2000), AfterValidator(_check_link)]
_PICTURES = (".svg", ".png", ".webp", ".jpg", ".jpeg")


class Link(BaseModel):
    """A link at the foot of the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Text
    url: Address


class ShopPage(BaseModel):
    """What a shop says of its page; all of it may be left out.

    Attributes:
        name: of the shop, at the top and in the title of the window.
        logo: a picture beside the file, shown instead of the name.
        home: where name and logo lead.
        title: what the page is called, instead of "Search with a photo".
        description: what search engines show of it.
        footer: the sentence at its foot.
        links: below that: imprint, privacy.
        lang: its language; without one it speaks that of the browser, where it knows it.
        words: a JSON file beside this one with words of the widget that differ.
        style: a CSS file beside this one: colours, type, anything of the page.
        where: a condition that the products shown always meet.
        facets: fields to filter by.
        page_size: products a page.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text | None = None
    logo: Annotated[PageFile | None, _beside("shop-logo", _PICTURES)] = None
    home: Address = "/"
    title: Text | None = None
    description: Text | None = None
    footer: Text | None = None
    links: Annotated[list[Link], Field(max_length=20)] = []
    lang: Annotated[str, Field(max_length=35), AfterValidator(_check_language)] | None = None
    words: Annotated[PageFile | None, _beside("shop-words", (".json",), _check_words)] = None
    style: Annotated[PageFile | None, _beside("shop-style", (".css",))] = None
    where: Text | None = None
    facets: Annotated[list[Text], Field(max_length=50)] = []
    page_size: Annotated[int, Field(ge=1, le=100)] | None = None

    @property
    def files(self) -> tuple[PageFile, ...]:
        """Those that are served with it."""
        return tuple(file for file in (self.logo, self.words, self.style) if file is not None)


def read_page(path: Path) -> ShopPage:
    """Read a shop's page, and the files it names, from a YAML file.

    Raises:
        SettingError: if something of it cannot be read or used; the message names it.
    """
    return read_yaml_settings(
        path, ShopPage, what="settings of a page", example="name: My shop", context=path.parent
    )


@cache
def translations() -> Mapping[str, Mapping[str, Any]]:
    """Language → the words of the widget, and under ``page`` those around it; without English."""
    folder = files("findalike.server").joinpath("web")
    return {
        entry.name[len("words-") : -len(".json")]: json.loads(entry.read_bytes())
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.startswith("words-") and entry.name.endswith(".json")
    }


def preferred_language(header: str) -> str:
    """The language of an ``Accept-Language`` that the page speaks; English where it speaks none.

    >>> preferred_language("de-AT,de;q=0.9,en;q=0.8")
    'de'
    """
    wanted: list[tuple[float, str]] = []
    for entry in header[:1000].split(","):
        tag, _, weight = entry.partition(";")
        share = weight.strip().removeprefix("q=")
        try:
            wanted.append((float(share) if share else 1.0, tag.strip().lower()))
        except ValueError:
            continue
    for weighs, tag in sorted(wanted, key=lambda one: -one[0]):
        if weighs > 0 and (language := tag.split("-", 1)[0]) in {"en", *translations()}:
            return language
    return "en"
