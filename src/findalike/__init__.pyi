"""What type checkers see of the names that ``__init__.py`` loads at first use."""

from findalike.models.encoder import Encoder
from findalike.shop.import_report import ImportReport
from findalike.shop.results import SearchResult
from findalike.shop.shop import Shop
from findalike.types import Box

__all__ = ["Box", "Encoder", "ImportReport", "SearchResult", "Shop", "__version__"]

__version__: str
