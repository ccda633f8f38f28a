"""What OpenAPI says of the requests that are read here without FastAPI's own reading of bodies."""

from __future__ import annotations

from typing import Any

from findalike.server.search_input import MAX_BATCH, ImageBody, PageFields, SearchBody, SearchFields

_BODY = SearchBody.model_json_schema()
_BODY["oneOf"] = [{"required": ["image_base64"]}, {"required": ["image_url"]}]
_FILE = {"type": "string", "format": "binary", "description": "The image file."}

_FORM_TEXTS: dict[str, Any] = {
    **PageFields.model_json_schema()["properties"],
    "proposals": SearchFields.model_json_schema()["properties"]["proposals"],
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


def _request(form_image: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
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
            "application/json": {"schema": body},
        },
    }


SEARCH_REQUEST = _request(_FILE, _BODY)

BATCH_REQUEST = _request(
    {"type": "array", "items": _FILE, "minItems": 1, "maxItems": MAX_BATCH},
    {"type": "array", "items": _BODY, "minItems": 1, "maxItems": MAX_BATCH},
)


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema = dict(schema)
    description = schema.pop("description", "")
    return {"name": name, "in": "query", "description": description, "schema": schema}


PAGE_PARAMETERS = [
    _parameter(name, _FORM_TEXTS[name])
    for name in ("k", "offset", "where", "facets", "sort", "fold_variants", "attributes")
]

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
        },
    },
}
