"""The page at ``/``, and the files of the widget that other pages load."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from findalike.server.headers import page_policy
from findalike.server.problems import Problem
from findalike.server.shop_page import preferred_language
from findalike.server.web_files import WIDGET, WebFile, WebFiles

router = APIRouter(include_in_schema=False)

_ASK_AGAIN = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"
# Modules of another origin are only run where that origin allows it; these hold no secret.
_FOR_EVERYONE = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}


@router.get("/")
def page(request: Request) -> Response:
    """The page on which a shopper searches."""
    pages = _files(request).pages
    if len(pages) == 1:
        return send_file(request, *pages.values(), caching=_ASK_AGAIN, headers={})
    language = preferred_language(request.headers.get("accept-language", ""))
    headers = {"Vary": "Accept-Language"}
    return send_file(request, pages[language], caching=_ASK_AGAIN, headers=headers)


@router.get("/admin")
def admin(request: Request) -> Response:
    """The page on which a merchandiser looks after the catalogue; it asks for the key itself."""
    # Nobody's page may show it in a frame: a click there can delete a product.
    framing = {
        "Content-Security-Policy": page_policy(("'none'",)),
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
    return send_file(request, _files(request).admin, caching=_ASK_AGAIN, headers=framing)


@router.get("/favicon.ico")
@router.get("/widget/icon.svg")
def icon(request: Request) -> Response:
    """The icon of the page; browsers ask for the first of its paths by themselves."""
    return send_file(request, _files(request).icon, caching=_ASK_AGAIN, headers={})


@router.get(f"/widget/{WIDGET}")
def widget(request: Request) -> Response:
    """The module that a shop's page loads: it names the widget's version of today."""
    return send_file(request, _files(request).widget, caching=_ASK_AGAIN, headers=_FOR_EVERYONE)


@router.get("/widget/{digest}/{name}")
def part(request: Request, digest: str, name: str) -> Response:
    """A file of one version of the page and the widget."""
    files = _files(request)
    if digest != files.digest or name not in files.parts:
        raise Problem(
            404,
            "not-found",
            f"the widget has no file {name!r} in a version {digest!r}",
            next_step=f"load /widget/{WIDGET}: it names the files of the version that runs",
        )
    return send_file(request, files.parts[name], caching=_FOR_EVER, headers=_FOR_EVERYONE)


def _files(request: Request) -> WebFiles:
    files: WebFiles = request.app.state.web_files
    return files


def send_file(
    request: Request, file: WebFile, *, caching: str = _ASK_AGAIN, headers: Mapping[str, str]
) -> Response:
    """A file as the client takes it: compressed or not, or not at all where it has it already."""
    zipped = "gzip" in request.headers.get("accept-encoding", "").lower()
    # Two codings of one file are two representations, and two names (RFC 9110, 8.8.3).
    etag = f'{file.etag[:-1]}-gzip"' if zipped else file.etag
    vary = ", ".join(filter(None, ("Accept-Encoding", headers.get("Vary"))))
    answered = {**headers, "ETag": etag, "Cache-Control": caching, "Vary": vary}
    known = [name.strip() for name in request.headers.get("if-none-match", "").split(",")]
    if "*" in known or etag in [name.removeprefix("W/") for name in known]:
        return Response(status_code=304, headers=answered)
    if zipped:
        answered["Content-Encoding"] = "gzip"
    body = file.zipped if zipped else file.body
    return Response(body, headers=answered, media_type=file.content_type)
