"""Public data sets, from the layout they are published in to the tables findalike works with."""

from findalike.data.datasets.entries import Entry, PublicDataset
from findalike.data.datasets.inshop import INSHOP
from findalike.data.datasets.products10k import PRODUCTS10K
from findalike.data.datasets.sop import SOP
from findalike.data.datasets.tables import DatasetReport, write_tables

__all__ = [
    "INSHOP",
    "PRODUCTS10K",
    "SOP",
    "DatasetReport",
    "Entry",
    "PublicDataset",
    "write_tables",
]
