"""The files of the page and the widget, read once and ready to be sent."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
WIDGET = "findalike-search.js"
ADMIN = "admin.html"

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
        pages: what lies at paths of its own, and is asked for anew each time.
    """

    digest: str
    parts: Mapping[str, WebFile]
    pages: Mapping[str, WebFile]


@cache
def web_files() -> WebFiles:
    """Read and compress the files that come with the package; a few milliseconds, once."""
    folder = files("findalike.server").joinpath("web")
    found = {
        entry.name: entry.read_bytes()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.is_file() and _suffix(entry.name) in _TYPES
    }
    joined = hashlib.sha256(b"".join(name.encode() + body for name, body in found.items()))
    digest = joined.hexdigest()[:12]
    modules = [name for name in found if name.endswith(".js") and not name.startswith("admin")]
    page = _page(found.pop("index.html"), digest=digest, preloads=modules)
    own = [name for name in found if name.startswith("admin") and name.endswith(".js")]
    admin = _page(found.pop(ADMIN), digest=digest, preloads=[*own, *_SHARED])
    entry = f'export * from "./{digest}/element.js";\n'
    return WebFiles(
        digest=digest,
        parts={name: ready(name, body) for name, body in found.items()},
        pages={
            "index.html": ready("index.html", page),
            ADMIN: ready(ADMIN, admin),
            WIDGET: ready(WIDGET, entry.encode()),
            "icon.svg": ready("icon.svg", found["icon.svg"]),
        },
    )


def _page(template: bytes, *, digest: str, preloads: Sequence[str]) -> bytes:
    links = "\n".join(
        f'<link rel="modulepreload" href="/widget/{digest}/{name}">' for name in preloads
    )
    page = template.decode().replace("{{digest}}", digest).replace("{{preloads}}", links)
    return page.encode()


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
