"""Catalogues from anywhere: folders, tables, and the exports and feeds of shops."""

from findalike.data.catalogue.catalogue import Catalogue
from findalike.data.catalogue.fields import RESERVED_FIELDS
from findalike.data.catalogue.opening import FORMATS, open_catalogue

__all__ = ["FORMATS", "RESERVED_FIELDS", "Catalogue", "open_catalogue"]
