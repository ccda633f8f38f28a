"""What findalike's own errors are called over HTTP."""

from __future__ import annotations

import re
from typing import Any

from findalike.errors import (
    BoxError,
    BundleError,
    EncoderMismatchError,
    EngineError,
    FetchError,
    FilterError,
    FindalikeError,
    ImageError,
    LockedError,
    ShopNotFoundError,
    StorageError,
    UrlError,
    UserError,
)
from findalike.shop.changes import ImageTakenError
from findalike.shop.product_state import ProductChangedError

_KINDS: tuple[tuple[type[FindalikeError], int, str, str], ...] = (
    (ImageError, 422, "image", "send another photo, as JPEG, PNG or WebP"),
    (BoxError, 422, "box", "give a box that overlaps the photo, or none"),
    (UrlError, 422, "image-url", "give a public http or https URL, or send the image itself"),
    (FetchError, 422, "image-url-failed", "check the URL in a browser, or send the image itself"),
    (ImageTakenError, 409, "image-taken", "give the image another image_id, or remove the other"),
    (
        ProductChangedError,
        412,
        "product-changed",
        "get the product again, make your change to what it is now, and send it with its new etag; "
        "nothing was changed",
    ),
    (LockedError, 503, "shop-locked", "try again after 5 seconds; nothing was changed"),
    (StorageError, 503, "storage", "tell the shop; its disk is full or damaged"),
    (EngineError, 503, "engine", "try again; if it stays, tell the shop"),
    (ShopNotFoundError, 503, "shop-gone", "tell the shop; its data was moved or deleted"),
    (BundleError, 503, "encoder", "tell the shop; its encoder is damaged"),
    (EncoderMismatchError, 503, "encoder", "tell the shop; its encoder was exchanged"),
    (UserError, 422, "invalid-request", "correct the request and send it again"),
    (FindalikeError, 503, "failure", "try again; if it stays, tell the shop"),
)

_ADDRESS = re.compile(r" leads to \S+, which is not a public address")


def problem_parts(error: FindalikeError) -> tuple[int, str, str, str, dict[str, Any]]:
    """The status, the kind, the detail, the next step and further members for an error."""
    if isinstance(error, FilterError):
        message = str(error).split("\n", 1)[0]
        extra = {"expression": error.expression, "position": error.position}
        return 400, "filter", message, "correct the filter at that character", extra
    status, kind, step = next((s, k, n) for cls, s, k, n in _KINDS if isinstance(error, cls))
    if status == 503:
        # The error's own text names folders of this machine; it is for the log.
        return status, kind, "the shop cannot be read just now", step, {}
    # Where a name leads would map the inner network for whoever asks.
    return (
        status,
        kind,
        _ADDRESS.sub(" leads to an address that is not public", str(error)),
        step,
        {},
    )
