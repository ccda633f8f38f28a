"""Search a catalogue with a photo.

The names below are loaded when they are first used, so that ``import findalike`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Their types are in __init__.pyi: imports here, even for type checkers only, would let every part
# that asks for the version depend on the parts above it.
__all__ = ["Box", "Encoder", "ImportReport", "SearchResult", "Shop", "__version__"]

__version__ = "0.1.0"

_HOMES = {
    "Box": "findalike.types",
    "Encoder": "findalike.models.encoder",
    "ImportReport": "findalike.shop.import_report",
    "SearchResult": "findalike.shop.results",
    "Shop": "findalike.shop.shop",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
