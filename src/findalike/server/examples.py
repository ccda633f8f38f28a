"""An example of the request and of the answer of every operation, for its OpenAPI description.

All of them are of one small shop that sells mugs, so that one can be read after the other. A file
in a form is written as its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

_JOB = "20261123T012500-1f2e3d4c"
_MUG = "mug-17"
_STATE = '"0a1b2c3d4e5f60718293a4b5c6d7e8f9"'
_QUERY = "6922f1c3-5f0c2a6e1b9d4c3e-0123456789abcdef"
_FILE = "photo.jpg"


@dataclass(frozen=True, slots=True)
class Example:
    """The example of one operation.

    Attributes:
        parameters: values of the parameters that it is asked with.
        json: its JSON body.
        form: its multipart body, with names of files for the files.
        answer: the JSON of its good answer.
        created: the same where something was made (201).
    """

    parameters: Mapping[str, Any] | None = None
    json: Any = None
    form: Mapping[str, Any] | None = None
    answer: Any = None
    created: Any = None


_IMAGE = {"image_id": "mug-17/1.jpg", "url": "/v1/images/mug-17%2F1.jpg/0a1b2c3d4e5f", "box": None}
_ASKED = {
    "image_url": "https://shop.example/photos/mug.jpg",
    "box": [40, 30, 200, 180],
    "k": 20,
    "where": "price < 20",
    "facets": ["category", "price"],
    "proposals": 1,
}
_FORM = {
    "image": _FILE,
    "box": "40,30,200,180",
    "k": 20,
    "where": "price < 20",
    "facets": "category,price",
    "proposals": 1,
}
_ROW = {
    "rank": 1,
    "product_id": _MUG,
    "score": 0.913,
    "likeness": "same",
    "title": "Blue mug",
    "category": "Kitchen/Mugs",
    "price": 9.5,
    "currency": "EUR",
    "url": "https://shop.example/mug-17",
    "image": _IMAGE,
    "attributes": {"brand": "Hansen"},
    "variants": [],
}
_FOUND = {
    "query_id": _QUERY,
    "shop_version": 12,
    "image": {"width": 800, "height": 600},
    "box": [40, 30, 200, 180],
    "box_source": "given",
    "proposals": [{"box": [38, 28, 206, 190], "score": 0.81}],
    "products": [_ROW],
    "matches": 200,
    "facets": {
        "category": [{"value": "Kitchen/Mugs", "count": 31}],
        "price": {"min": 2.5, "max": 19.9, "counts": [{"low": 0, "high": 5, "count": 12}]},
    },
    "nothing_like_it": False,
    "next_offset": 20,
    "timings_ms": {"prepare": 6.1, "embed": 8.9, "search": 4.2, "total": 20.4},
    "warnings": [],
}
_ALIKE = {
    **_FOUND,
    "image": None,
    "box": None,
    "box_source": None,
    "proposals": None,
    "products": [{**_ROW, "product_id": "mug-21", "likeness": "similar"}],
    "facets": {},
    "timings_ms": {"search": 4.2},
}
_REFUSED = {
    "type": "urn:findalike:problem:image",
    "title": "The image cannot be read",
    "status": 422,
    "detail": "the photo is damaged or no image",
    "next_step": "send another photo, as JPEG, PNG or WebP",
    "request_id": "5f0c2a6e1b9d4c3e",
}
_PUT = {
    "title": "Blue mug",
    "category": "Kitchen/Mugs",
    "price": 9.5,
    "currency": "EUR",
    "url": "https://shop.example/mug-17",
    "attributes": {"brand": "Hansen", "dishwasher_safe": True},
    "images": [{"location": "https://shop.example/photos/mug.jpg"}],
}
_PRODUCT = {
    "product_id": _MUG,
    "etag": _STATE,
    "title": "Blue mug",
    "category": "Kitchen/Mugs",
    "variant_of": None,
    "price": 9.5,
    "currency": "EUR",
    "url": "https://shop.example/mug-17",
    "attributes": {"brand": "Hansen", "dishwasher_safe": True},
    "images": [{**_IMAGE, "location": "https://shop.example/photos/mug.jpg"}],
}
_WRITTEN = {"outcome": "updated", "images_written": 1, "shop_version": 13, "product": _PRODUCT}
_IMPORT = {
    "job_id": _JOB,
    "state": "running",
    "name": "google.xml",
    "url": "https://shop.example/feeds/google.xml",
    "dry_run": False,
    "strict": False,
    "created_at": "2026-11-23T01:25:00Z",
    "started_at": "2026-11-23T01:25:01Z",
    "finished_at": None,
    "rows": 1200,
    "rows_done": 300,
    "added": 120,
    "updated": 4,
    "unchanged": 175,
    "refused": 1,
    "shop_version": None,
    "detail": None,
    "next_step": None,
    "notes": ["columns: product_id ← g:id, image ← g:image_link"],
    "report_url": f"/v1/imports/{_JOB}/report",
}
_CANCELLED = {
    **_IMPORT,
    "state": "cancelled",
    "finished_at": "2026-11-23T01:25:09Z",
    "detail": "it was cancelled; 120 images were added and 4 updated",
}
_EVENT = {"query_id": _QUERY, "product_id": _MUG, "event": "click", "rank": 1}

EXAMPLES: Mapping[tuple[str, str], Example] = {
    ("get", "/healthz"): Example(answer={"status": "ok"}),
    ("get", "/readyz"): Example(answer={"status": "ok"}),
    ("get", "/metrics"): Example(),
    ("post", "/v1/search"): Example(json=_ASKED, form=_FORM, answer=_FOUND),
    ("post", "/v1/search:batch"): Example(
        json=[_ASKED, {"image_url": "https://shop.example/photos/no-photo.txt"}],
        form={"image": [_FILE, "second.jpg"], "k": 20},
        answer={"answers": [_FOUND, _REFUSED]},
    ),
    ("get", "/v1/products/{product_id}/similar"): Example({"product_id": _MUG}, answer=_ALIKE),
    ("post", "/v1/boxes"): Example(
        json={"image_url": "https://shop.example/photos/mug.jpg"},
        form={"image": _FILE},
        answer={
            "image": {"width": 640, "height": 480},
            "boxes": [
                {"box": [207, 141, 137, 132], "score": 0.81},
                {"box": [0, 0, 640, 480], "score": 0.22},
            ],
        },
    ),
    ("get", "/v1/products"): Example(
        {"limit": 50, "where": "category under 'Kitchen'"},
        answer={"products": [_PRODUCT], "next_cursor": None, "shop_version": 12},
    ),
    ("get", "/v1/products/{product_id}"): Example({"product_id": _MUG}, answer=_PRODUCT),
    ("put", "/v1/products/{product_id}"): Example(
        {"product_id": _MUG},
        json=_PUT,
        form={
            "product": '{"title": "Blue mug", "price": 9.5, "images": [{"file": 0}]}',
            "image": [_FILE],
        },
        answer=_WRITTEN,
        created={**_WRITTEN, "outcome": "added"},
    ),
    ("patch", "/v1/products/{product_id}"): Example(
        {"product_id": _MUG, "If-Match": _STATE},
        json={"price": 9.5, "attributes": {"colour": None}},
        answer=_WRITTEN,
    ),
    ("delete", "/v1/products/{product_id}"): Example(
        {"product_id": _MUG, "If-Match": _STATE},
        answer={"outcome": "removed", "images_written": 1, "shop_version": 14, "product": None},
    ),
    ("get", "/v1/images/{image_id}"): Example({"image_id": "mug-17/1.jpg", "width": 320}),
    ("get", "/v1/images/{image_id}/{version}"): Example(
        {"image_id": "mug-17/1.jpg", "version": "0a1b2c3d4e5f", "width": 320}
    ),
    ("get", "/v1/examples/{name}"): Example({"name": "mug.jpg", "width": 640}),
    ("post", "/v1/imports"): Example(
        json={"url": "https://shop.example/feeds/google.xml", "dry_run": True},
        form={"file": "products.csv", "dry_run": True, "columns": '{"title": "Name"}'},
        answer={**_IMPORT, "state": "queued", "started_at": None, "rows": None},
    ),
    ("get", "/v1/imports"): Example({"limit": 20}, answer={"imports": [_IMPORT]}),
    ("get", "/v1/imports/{job_id}"): Example({"job_id": _JOB}, answer=_IMPORT),
    ("delete", "/v1/imports/{job_id}"): Example({"job_id": _JOB}, answer=_CANCELLED),
    ("get", "/v1/imports/{job_id}/report"): Example(
        {"job_id": _JOB, "format": "json"},
        answer={
            **_IMPORT,
            "refusals": [
                {
                    "outcome": "refused",
                    "file": "google.xml",
                    "row": "17",
                    "product_id": "mug-9",
                    "item": "",
                    "location": "",
                    "column": "price",
                    "value": "free",
                    "reason": "no number",
                    "allowed": "a price such as 8.99",
                }
            ],
        },
    ),
    ("get", "/v1/shop"): Example(
        answer={
            "name": "mugs",
            "version": 12,
            "products": 1200,
            "images": 3400,
            "created_at": "2026-11-20T09:00:00Z",
            "updated_at": "2026-11-23T01:25:09Z",
            "encoder": {
                "name": "findalike-lite0",
                "fingerprint": "f23f9d3c",
                "embedding_size": 512,
            },
            "fields": {"price": "number", "category": "text", "brand": "text"},
            "facets": ["brand", "category", "price"],
            "examples": [{"url": "/v1/examples/mug.jpg"}],
            "keeps_photos": False,
        }
    ),
    ("get", "/v1/shop/versions"): Example(
        {"limit": 100},
        answer={
            "versions": [
                {
                    "version": 12,
                    "created_at": "2026-11-23T01:25:09Z",
                    "images": 3400,
                    "what": "import of google.xml: 120 added, 4 updated, 1 refused",
                }
            ]
        },
    ),
    ("post", "/v1/shop:rollback"): Example(
        json={"version": 12}, answer={"version": 15, "rolled_back_to": 12}
    ),
    ("post", "/v1/feedback"): Example(
        json=_EVENT,
        form={**_EVENT, "event": "cart", "consent": True, "photo": _FILE, "box": "40,30,200,180"},
        answer={"stored": True, "photo": "none sent"},
    ),
}


def describe_examples(app: FastAPI) -> None:
    """Have the description of an app show the examples of its operations."""
    described: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        api = described()
        for path, operations in api["paths"].items():
            for method, operation in operations.items():
                _show(operation, EXAMPLES.get((method, path), Example()))
        return api

    app.openapi = openapi  # type: ignore[method-assign]


def _show(operation: dict[str, Any], example: Example) -> None:
    given = example.parameters or {}
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in given:
            parameter["example"] = given[parameter["name"]]
    bodies = operation.get("requestBody", {}).get("content", {})
    for kind, body in (("application/json", example.json), ("multipart/form-data", example.form)):
        if body is not None:
            bodies[kind]["example"] = body
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if status.startswith("2") and "application/json" in content:
            content["application/json"]["example"] = (
                example.created if status == "201" else example.answer
            )
