"""What the kinds of problems are called by people, where the problem itself has no title."""

from __future__ import annotations

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "box": "The box cannot be used",
    "encoder": "The shop's encoder cannot be used",
    "engine": "The search engine failed",
    "failure": "The shop cannot be searched",
    "filter": "The filter cannot be read",
    "headers-too-large": "The headers are too large",
    "image": "The image cannot be read",
    "image-taken": "The image belongs to another product",
    "image-url": "The image's URL cannot be used",
    "image-url-failed": "The image could not be fetched",
    "internal": "Something failed in the service",
    "invalid-request": "The request is not as described",
    "media-type": "This kind of body is not taken",
    "method-not-allowed": "The path does not take this method",
    "no-http": "This is no HTTP request",
    "no-such-product": "No such product",
    "not-found": "There is nothing here",
    "not-ready": "The service is not ready",
    "old-query": "The answer is too old",
    "packed-body": "The body is packed",
    "product-changed": "The product has been changed meanwhile",
    "shop-gone": "The shop is gone",
    "shop-locked": "The shop is being written to",
    "storage": "The shop's disk failed",
    "too-many-images": "There are too many images",
    "too-slow": "The body came too slowly",
    "unknown-query": "The answer is not known",
    "url": "The feed's URL cannot be used",
}
"""Kind of a problem to its title; further kinds bring their own."""
