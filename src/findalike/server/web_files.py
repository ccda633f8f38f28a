"""The files of the page and the widget, read once and ready to be sent."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader

from findalike.server.shop_page import ENGLISH, RIGHT_TO_LEFT, ShopPage, translations

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
WIDGET = "findalike-search.js"

_SHARED = ("api.js", "dom.js", "theme.js")
"""Modules of the widget that the catalogue page uses, too."""


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file as it is sent.

    Attributes:
        body: its bytes.
        zipped: the same, compressed by gzip.
        etag: names these bytes; quoted, as HTTP wants it.
    """

    body: bytes
    zipped: bytes
    content_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class WebFiles:
    """All files of one version.

    Attributes:
        digest: names this version. It stands in the paths of all files that others load, so that
            a browser may keep them for ever and never mixes two versions.
        parts: what lies below that path, by name.
        pages: the page by its language.
        admin: the page of the catalogue.
        widget: the module that other pages load.
        icon: of the pages.
    """

    digest: str
    parts: Mapping[str, WebFile]
    pages: Mapping[str, WebFile]
    admin: WebFile
    widget: WebFile
    icon: WebFile


def web_files(page: ShopPage) -> WebFiles:
    """All files of a shop's page; a few milliseconds, once."""
    found = {**_own_files(), **{file.served: file.body for file in page.files}}
    digest = _digest(found, page)
    modules = [name for name in found if name.endswith(".js") and not name.startswith("admin")]
    languages = [page.lang] if page.lang else ["en", *translations()]
    pages = {language: _page(page, language, digest, modules) for language in languages}
    own = [name for name in found if name.startswith("admin") and name.endswith(".js")]
    admin = _render("admin.html.j2", digest=digest, modules=[*own, *_SHARED])
    entry = f'export * from "./{digest}/element.js";\n'
    return WebFiles(
        digest=digest,
        parts={name: ready(name, body) for name, body in found.items()},
        pages={language: ready("index.html", body) for language, body in pages.items()},
        admin=ready("admin.html", admin),
        widget=ready(WIDGET, entry.encode()),
        icon=ready("icon.svg", found["icon.svg"]),
    )


@cache
def _own_files() -> Mapping[str, bytes]:
    """Those that come with the package."""
    folder = files("findalike.server").joinpath("web")
    return {
        entry.name: entry.read_bytes()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.is_file() and _suffix(entry.name) in _TYPES
    }


def _digest(found: Mapping[str, bytes], page: ShopPage) -> str:
    joined = hashlib.sha256(page.model_dump_json(exclude={"logo", "words", "style"}).encode())
    for name, body in found.items():
        joined.update(name.encode() + body)
    return joined.hexdigest()[:12]


def _page(page: ShopPage, language: str, digest: str, modules: list[str]) -> bytes:
    base = language.split("-", 1)[0].lower()
    known = translations().get(base)
    words = known["page"] if known is not None else ENGLISH
    return _render(
        "index.html.j2",
        page=page,
        lang=language,
        rtl=base in RIGHT_TO_LEFT,
        title=page.title or words["title"],
        words=words,
        translated=f"words-{base}.json" if known is not None else None,
        digest=digest,
        modules=modules,
    )


def _render(template: str, **values: Any) -> bytes:
    return _environment().get_template(template).render(**values).encode()


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("findalike.server", "templates"), autoescape=True)


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]


def ready(name: str, body: bytes) -> WebFile:
    """A file that is ready to be sent, compressed once."""
    return WebFile(
        body=body,
        zipped=gzip.compress(body, compresslevel=9, mtime=0),
        content_type=_TYPES[_suffix(name)],
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
    )
