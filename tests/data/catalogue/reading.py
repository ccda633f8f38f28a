"""A catalogue read to its end, with its rows and refusals apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from findalike.data.catalogue import Catalogue, open_catalogue
from findalike.types import CatalogueRow, Refusal


@dataclass
class Read:
    catalogue: Catalogue
    rows: list[CatalogueRow]
    refusals: list[Refusal]

    def product(self, product_id: str) -> CatalogueRow:
        (row,) = [row for row in self.rows if row.product.product_id == product_id]
        return row

    @property
    def ids(self) -> list[str]:
        return [row.product.product_id for row in self.rows]

    @property
    def locations(self) -> list[list[str]]:
        return [[image.location for image in row.images] for row in self.rows]


def read(source: Path, **options: Any) -> Read:
    catalogue = open_catalogue(source, **options)
    items = list(catalogue.rows())
    rows = [item for item in items if isinstance(item, CatalogueRow)]
    refusals = [item for item in items if isinstance(item, Refusal)]
    assert len(rows) + len(refusals) == len(items)
    return Read(catalogue, rows, refusals)


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path
