"""Where images are: paths under a root, or http(s) URLs, one or several in a cell."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from findalike.data.catalogue.base import BadValue, RawValue, shown, words
from findalike.data.catalogue.fields import json_list
from findalike.data.catalogue.values import is_clean, text_of

IMAGE_SUFFIXES = frozenset(words(".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif .tiff .avif"))
"""Endings of files that are taken for images."""

MAX_LOCATION_CHARACTERS = 2048
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_ALLOWED = "a path under the root of the images, or an http(s) URL"


def is_url(location: str) -> bool:
    """Whether a location is fetched rather than read from the root."""
    return location.lower().startswith(("http://", "https://"))


def looks_like_image(text: str) -> bool:
    """Whether a text is a URL, or a path that ends as images do."""
    return is_url(text) or PurePosixPath(text.lower()).suffix in IMAGE_SUFFIXES


def split_images(value: RawValue) -> list[str]:
    """The image locations of one cell: a JSON list, or parts between line breaks, "|", ";" or ",".

    Commas and semicolons can be part of a file name or URL, so they separate only where every
    part is a location by itself.

    >>> split_images("a.jpg;b.png"), split_images("red, round.jpg")
    (['a.jpg', 'b.png'], ['red, round.jpg'])
    """
    if isinstance(value, list):
        return [text for item in value if (text := text_of(item)) is not None]
    text = text_of(value)
    if text is None or not (text := text.strip("|;, ")):
        return []
    if (listed := json_list(text)) is not None:
        return listed
    for pattern in (r"[\n|]", ";", ","):
        parts = [part for piece in re.split(pattern, text) if (part := piece.strip())]
        if len(parts) > 1 and (pattern == r"[\n|]" or _are_locations(parts)):
            return [image for part in parts for image in split_images(part)]
    return [text]


def _are_locations(parts: list[str]) -> bool:
    if is_url(parts[0]):
        return all(is_url(part) for part in parts)
    return all(looks_like_image(part) and not is_url(part) for part in parts)


def checked_location(value: RawValue) -> str:
    r"""A location as it is used: forward slashes, no leading "./", "https:" before "//host".

    Paths that leave the root are left to the one who reads them, who knows the root.

    >>> checked_location(r".\img\a.jpg")
    'img/a.jpg'

    Raises:
        BadValue: if it is empty, too long, has control characters or another scheme than http(s).
    """
    text = text_of(value)
    if text is None:
        raise BadValue("image", value, reason="no image is named", allowed=_ALLOWED)
    if text.startswith("//"):
        text = f"https:{text}"
    scheme = _SCHEME.match(text)
    if (scheme and scheme[1].lower() not in ("http", "https")) or text.lower().startswith("data:"):
        start = shown(text.partition(":")[0])
        raise BadValue("image", text, reason=f"{start}: cannot be fetched", allowed=_ALLOWED)
    if len(text) > MAX_LOCATION_CHARACTERS:
        raise BadValue(
            "image",
            text,
            reason=f"location of {len(text):,} characters",
            allowed=f"at most {MAX_LOCATION_CHARACTERS:,} characters",
        )
    if not is_clean(text):
        raise BadValue(
            "image", text, reason="control character in a location", allowed="printable characters"
        )
    if scheme:
        return text
    return re.sub(r"^(?:\./+)+", "", text.replace("\\", "/"))
