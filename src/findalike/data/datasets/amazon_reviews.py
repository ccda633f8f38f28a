"""Amazon Reviews: sellers' pictures in the metadata, buyers' photos in the reviews.

The releases of 2018 (Ni et al., EMNLP 2019) and 2023 (Hou et al., arXiv 2403.03952), which name
their fields differently:

=================  ==================================  =======================================
what               2018                                2023
=================  ==================================  =======================================
product            ``asin``                            ``parent_asin``
seller's pictures  ``imageURLHighRes``, ``imageURL``   ``images``: ``hi_res``, ``large``, …
buyer's photos     ``image``                           ``images``: ``large_image_url``, …
=================  ==================================  =======================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from findalike.data.catalogue.locations import is_url
from findalike.data.catalogue.values import is_clean
from findalike.data.datasets.json_lines import JsonObject

TERMS = (
    "Metadata and reviews by category are from the McAuley Lab of UC San Diego: the 2023 release "
    "at https://amazon-reviews-2023.github.io, the one of 2018 at "
    "https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2. They were collected for research and "
    "carry no licence for anything else; the pictures are Amazon's, its sellers' and its buyers', "
    "and are fetched from Amazon's servers by you."
)

_SELLER_SIZES = ("hi_res", "large", "thumb")
_USER_SIZES = ("large_image_url", "medium_image_url", "small_image_url")
# https://m.media-amazon.com/images/I/71eG75FTJJL._SY88.jpg: after the first dot, the size wanted.
_SIZED = re.compile(
    r"(https?://(?:[\w-]+\.)*(?:media-amazon|ssl-images-amazon|images-amazon)\.com/images/I/[^./]+)"
    r"(?:\.[^/]*)?(\.(?:jpe?g|png|gif|webp))",
    re.IGNORECASE,
)


def product_of(record: JsonObject) -> str | None:
    """The product of a line of either file; variants of one product share the 2023 release's."""
    for name in ("parent_asin", "asin"):
        value = record.get(name)
        if isinstance(value, str) and value.strip() and is_clean(value.strip()):
            return value.strip()
    return None


def seller_pictures(metadata: JsonObject) -> list[str]:
    """URLs of a product's pictures, the largest size of each."""
    for name in ("imageURLHighRes", "imageURL", "images", "image"):
        if urls := _urls(metadata.get(name), _SELLER_SIZES):
            return urls
    return []


def buyer_photos(review: JsonObject) -> list[str]:
    """URLs of the photos of a review, the largest size of each."""
    for name in ("images", "image"):
        if urls := _urls(review.get(name), _USER_SIZES):
            return urls
    return []


def sized(url: str, side: int) -> str:
    """The URL of a picture on Amazon's image servers with its longer side at most ``side`` pixels.

    Reviews of 2018 name thumbnails of 88 pixels, metadata pictures of 1,500. The size is asked for
    in the file name. Other URLs stay as they are, and so do all with a side of 0.

    >>> sized("https://images-na.ssl-images-amazon.com/images/I/71eG75FTJJL._SY88.jpg", 800)
    'https://images-na.ssl-images-amazon.com/images/I/71eG75FTJJL._SL800_.jpg'
    """
    match = _SIZED.fullmatch(url)
    if match is None or side == 0:
        return url
    return f"{match[1]}._SL{side}_{match[2]}"


def _urls(value: Any, sizes: Iterable[str]) -> list[str]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return []
    found: list[str] = []
    for item in value:
        named: object = item
        if isinstance(item, dict):
            named = next((item[size] for size in sizes if item.get(size)), None)
        # JSON can hold halves of characters, which no table and no request can.
        if isinstance(named, str) and is_url(named) and is_clean(named):
            found.append(named)
    return list(dict.fromkeys(found))
