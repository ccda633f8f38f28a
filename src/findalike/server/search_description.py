"""What OpenAPI says of the requests that are read here without FastAPI's own reading of bodies."""

from __future__ import annotations

from typing import Any

from findalike.server.search_input import MAX_BATCH, ImageBody, PageFields, SearchBody

_BODY = SearchBody.model_json_schema()
_BODY["oneOf"] = [{"required": ["image_base64"]}, {"required": ["image_url"]}]
_FILE = {"type": "string", "format": "binary", "description": "The image file."}

_FORM_TEXTS: dict[str, Any] = {
    **PageFields.model_json_schema()["properties"],
    "facets": {
        "type": "string",
        "description": "Fields to count, with commas between.",
        "examples": ["category,price"],
    },
    "attributes": {
        "type": "string",
        "description": "Attributes to tell, with commas between; all if left out.",
        "examples": ["brand,colour"],
    },
    "box": {
        "type": "string",
        "description": "x,y,w,h in pixels of the upright image, or auto.",
        "pattern": r"^(auto|[0-9.]+,[0-9.]+,[0-9.]+,[0-9.]+)$",
        "examples": ["40,30,200,180"],
    },
}


def _request(form_image: dict[str, Any], body: dict[str, Any], example: Any) -> dict[str, Any]:
    form = {
        "type": "object",
        "properties": {"image": form_image} | _FORM_TEXTS,
        "required": ["image"],
        "additionalProperties": False,
    }
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form},
            "application/json": {"schema": body, "example": example},
        },
    }


_ASKED = {
    "image_url": "https://shop.example/photos/mug.jpg",
    "box": [40, 30, 200, 180],
    "k": 20,
    "where": "price < 20",
    "facets": ["category", "price"],
}

SEARCH_REQUEST = _request(_FILE, _BODY, _ASKED)

BATCH_REQUEST = _request(
    {"type": "array", "items": _FILE, "minItems": 1, "maxItems": MAX_BATCH},
    {"type": "array", "items": _BODY, "minItems": 1, "maxItems": MAX_BATCH},
    [_ASKED],
)


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema = dict(schema)
    description = schema.pop("description", "")
    return {"name": name, "in": "query", "description": description, "schema": schema}


PAGE_PARAMETERS = [
    _parameter(name, _FORM_TEXTS[name])
    for name in ("k", "offset", "where", "facets", "sort", "fold_variants", "attributes")
]

SEARCH_EXAMPLE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {
                "example": {
                    "query_id": "5f0c2a6e1b9d4c3e",
                    "shop_version": 12,
                    "image": {"width": 800, "height": 600},
                    "box": [40, 30, 200, 180],
                    "box_source": "given",
                    "products": [
                        {
                            "rank": 1,
                            "product_id": "mug-17",
                            "score": 0.913,
                            "likeness": "same",
                            "title": "Blue mug",
                            "category": "Kitchen/Mugs",
                            "price": 9.5,
                            "currency": "EUR",
                            "url": "https://shop.example/mug-17",
                            "image": {
                                "image_id": "mug-17/1.jpg",
                                "url": "/v1/images/mug-17%2F1.jpg/0a1b2c3d4e5f",
                                "box": None,
                            },
                            "attributes": {"brand": "Hansen"},
                            "variants": [],
                        }
                    ],
                    "matches": 200,
                    "facets": {
                        "category": [{"value": "Kitchen/Mugs", "count": 31}],
                        "price": {
                            "min": 2.5,
                            "max": 19.9,
                            "counts": [{"low": 0, "high": 5, "count": 12}],
                        },
                    },
                    "nothing_like_it": False,
                    "next_offset": 20,
                    "timings_ms": {"prepare": 6.1, "embed": 8.9, "search": 4.2, "total": 20.4},
                    "warnings": [],
                }
            }
        }
    }
}

BOXES_REQUEST = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"image": _FILE},
                "required": ["image"],
                "additionalProperties": False,
            }
        },
        "application/json": {
            "schema": ImageBody.model_json_schema() | {"oneOf": _BODY["oneOf"]},
            "example": {"image_url": "https://shop.example/photos/mug.jpg"},
        },
    },
}
