"""Where images are kept and searched: the engine interface and the filter language.

The engines are imported from their own modules, since they load their libraries:
``findalike.index.embedded`` keeps an index in a folder, on LanceDB.
"""

from findalike.index.base import Capabilities, Index, IndexVersion
from findalike.index.filter_tree import Filter
from findalike.index.filters import parse_filter

__all__ = ["Capabilities", "Filter", "Index", "IndexVersion", "parse_filter"]
