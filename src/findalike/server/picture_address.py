"""Where the service gives the pictures of the shop."""

from __future__ import annotations

from urllib.parse import quote

from findalike.server.signatures import Signatures
from findalike.shop.results import FoundImage

_INSIDE = "picture"


def image_url(image: FoundImage) -> str:
    """The address of a picture: another one once it changes, so that browsers may keep it."""
    return f"/v1/images/{quote(image.image_id, safe='')}/{image_version(image)}"


def image_version(image: FoundImage) -> str:
    """The version of a picture in its address: the beginning of the SHA-256 of its file."""
    return image.sha256[:12]


def inside_url(image: FoundImage, signatures: Signatures) -> str:
    """The address of a picture that is good for products the public does not see, too."""
    version = image_version(image)
    return f"{image_url(image)}.{signatures.of(_INSIDE, image.image_id, version)}"


def is_inside(image_id: str, version: str | None, signatures: Signatures) -> bool:
    """Whether the last part of an address was made by ``inside_url`` for this image."""
    name, _, mark = (version or "").partition(".")
    return bool(mark) and signatures.is_right(mark, _INSIDE, image_id, name)
