"""Where products and photos come from, and what becomes of a photo on its way to the encoder."""

from findalike.data.catalogue import RESERVED_FIELDS, Catalogue, open_catalogue
from findalike.data.image_source import ImageSource
from findalike.data.images import ImageLimits, decode
from findalike.data.prepare import Prepared, prepare
from findalike.data.queries import Query, read_queries

__all__ = [
    "RESERVED_FIELDS",
    "Catalogue",
    "ImageLimits",
    "ImageSource",
    "Prepared",
    "Query",
    "decode",
    "open_catalogue",
    "prepare",
    "read_queries",
]
