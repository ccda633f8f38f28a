"""What an evaluation is about: gallery, queries and which of them belong together."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from findalike.data.catalogue import open_catalogue
from findalike.data.image_source import ImageSource
from findalike.data.queries import Query, read_queries
from findalike.errors import EvaluationError
from findalike.evaluation.judging import QueryTable
from findalike.evaluation.relevance import Relevance
from findalike.types import Box, CatalogueImage, Product, Refusal

WIDE_COLUMNS = frozenset({"title", "url", "description", "short_description"})
"""Columns with a value for each product, which make no slices."""


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Gallery, queries and truth.

    Attributes:
        gallery: images in the gallery's order; a ranking is made of positions in it.
        products: the product of each gallery image.
        queries: the shoppers' photos.
        columns: further cells by column name, one a query: those of the queries, then those of
            the product each shows.
        relevance: the right gallery positions of each query.
        truth: what makes an image right, in words.
        own: int64, one a query: the gallery position of the query's own picture, -1 where the
            gallery has not got it. It is neither ranked for that query nor right for it.
        source: reads the photos of both.
        refused: rows that could not be read; they are in neither gallery nor queries.
    """

    gallery: Sequence[CatalogueImage]
    products: Sequence[Product]
    queries: Sequence[Query]
    columns: Mapping[str, Sequence[str | None]]
    relevance: Relevance
    truth: str
    own: NDArray[np.int64]
    source: ImageSource
    refused: Sequence[Refusal]

    def only(self, rows: Sequence[int]) -> EvaluationSet:
        """The same gallery with only the queries at these positions."""
        return replace(
            self,
            queries=[self.queries[row] for row in rows],
            columns={name: [cells[row] for row in rows] for name, cells in self.columns.items()},
            relevance=Relevance.from_lists([self.relevance[row] for row in rows]),
            own=self.own[list(rows)],
        )

    @property
    def gallery_ids(self) -> list[str]:
        """Id of each gallery image, by position."""
        return [image.image_id for image in self.gallery]

    @property
    def query_table(self) -> QueryTable:
        """The queries as columns."""
        return QueryTable(
            ids=[query.image_id for query in self.queries],
            products=[query.product_id for query in self.queries],
            columns=self.columns,
        )


def read_evaluation_set(
    gallery: Path,
    queries: Path,
    *,
    root: Path | None = None,
    ground_truth: Path | None = None,
    where: Sequence[str] = (),
) -> EvaluationSet:
    """Read the gallery, the queries and their truth.

    A gallery image with the location and the box of a query is that query's own picture, as in
    protocols where each photo of a test set is searched for among all others (Stanford Online
    Products). It is left out for that query alone.

    Args:
        gallery: any catalogue; ``gallery.csv`` of the challenge for one.
        queries: ``queries.csv``, with image paths relative to the same root.
        root: folder of the photos; the gallery's own when None.
        ground_truth: CSV with ``user_img_id`` and ``seller_img_id`` or ``product_id``, one right
            answer a line; by default the product ids of gallery and queries are the truth.
        where: ``column=value``: only queries with that value; the column may be the queries' or
            their products'.

    Raises:
        CatalogueError: if a file cannot be read as a whole.
        EvaluationError: if there is nothing to evaluate, a column or id is unknown, or the
            gallery holds a query's own picture twice.
    """
    catalogue = open_catalogue(gallery, root=root)
    images: list[CatalogueImage] = []
    products: list[Product] = []
    refused: list[Refusal] = []
    for row in catalogue.rows():
        if isinstance(row, Refusal):
            refused.append(row)
            continue
        images += row.images
        products += [row.product] * len(row.images)
    found, refused_queries = read_queries(queries)
    refused += refused_queries
    if not images or not found:
        what = gallery if not images else queries
        raise EvaluationError(f"{what} has no usable row: see `findalike index --dry-run {what}`")
    by_product = {product.product_id: product for product in products}
    columns = _columns(found, by_product)
    kept = _matching(found, columns, where)
    found = [found[row] for row in kept]
    own = _own_pictures(found, images)
    relevance, truth = _relevance(found, images, products, own, ground_truth)
    return EvaluationSet(
        gallery=images,
        products=products,
        queries=found,
        columns={name: [cells[row] for row in kept] for name, cells in columns.items()},
        relevance=relevance,
        truth=truth,
        own=own,
        source=ImageSource(root or catalogue.default_root),
        refused=refused,
    )


def _columns(
    queries: Sequence[Query], products: Mapping[str, Product]
) -> dict[str, list[str | None]]:
    rows: list[dict[str, str | None]] = []
    for query in queries:
        product = products.get(query.product_id or "")
        said: dict[str, object] = {}
        if product is not None:
            said = {"category": product.category, "price": product.price, **product.attributes}
        cells = {name: _cell(value) for name, value in said.items() if name not in WIDE_COLUMNS}
        rows.append(cells | dict(query.attributes))
    names = sorted({name for row in rows for name in row})
    return {name: [row.get(name) for row in rows] for name in names}


def _cell(value: object) -> str | None:
    if isinstance(value, tuple):
        return "/".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)


def _matching(
    queries: Sequence[Query],
    columns: Mapping[str, Sequence[str | None]],
    where: Sequence[str],
) -> list[int]:
    """The rows of the queries that have all the wanted values."""
    rows = list(range(len(queries)))
    for condition in where:
        name, equals, value = condition.partition("=")
        if not equals or name not in columns:
            near = get_close_matches(name, columns, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise EvaluationError(
                f"--where {condition!r}: {hint}write column=value with one of the columns "
                f"{', '.join(columns) or '(there is none)'}"
            )
        left = [row for row in rows if columns[name][row] == value]
        if not left:
            values = sorted({cell for row in rows if (cell := columns[name][row]) is not None})
            raise EvaluationError(
                f"--where {condition!r}: no query has that value; there are "
                f"{', '.join(values[:12])}"
            )
        rows = left
    return rows


def _own_pictures(queries: Sequence[Query], images: Sequence[CatalogueImage]) -> NDArray[np.int64]:
    """The gallery position of each query's own picture, -1 for none.

    Raises:
        EvaluationError: if the gallery has it twice: only one can be left out.
    """
    wanted = {(query.location, query.box): query for query in queries}
    places: dict[tuple[str, Box | None], int] = {}
    for position, image in enumerate(images):
        key = (image.location, image.box)
        if key not in wanted:
            continue
        if key in places:
            raise EvaluationError(
                f"the gallery images {images[places[key]].image_id!r} and {image.image_id!r} are "
                f"both {image.location}, the picture of query {wanted[key].image_id!r}: list it "
                f"once, so that it can be left out of that query's ranking"
            )
        places[key] = position
    return np.array([places.get((query.location, query.box), -1) for query in queries], np.int64)


def _relevance(
    queries: Sequence[Query],
    images: Sequence[CatalogueImage],
    products: Sequence[Product],
    own: NDArray[np.int64],
    ground_truth: Path | None,
) -> tuple[Relevance, str]:
    left_out = int((own >= 0).sum())
    besides = f" other than the query's own picture ({left_out:,} of them)" if left_out else ""
    if ground_truth is None:
        truth = Relevance.from_products(
            [query.product_id for query in queries],
            [product.product_id for product in products],
            exclude=own if left_out else None,
        )
        return truth, f"a gallery image of the same product_id{besides}"
    right = _read_ground_truth(ground_truth, images, products)
    unknown = [query.image_id for query in queries if query.image_id not in right]
    if len(unknown) == len(queries):
        raise EvaluationError(
            f"{ground_truth} names none of the queries, such as {unknown[0]!r}: its user_img_id "
            f"must be those of the queries"
        )
    truth = Relevance.from_lists(
        [position for position in right.get(query.image_id, ()) if position != itself]
        for query, itself in zip(queries, own.tolist(), strict=True)
    )
    return truth, f"the gallery images that {ground_truth.name} names{besides}"


def _read_ground_truth(
    path: Path, images: Sequence[CatalogueImage], products: Sequence[Product]
) -> dict[str, list[int]]:
    by_image = {image.image_id: [position] for position, image in enumerate(images)}
    by_product: dict[str, list[int]] = {}
    for position, product in enumerate(products):
        by_product.setdefault(product.product_id, []).append(position)
    right: dict[str, list[int]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = rows.fieldnames or ()
            key = next((n for n in ("seller_img_id", "product_id") if n in names), None)
            if "user_img_id" not in names or key is None:
                raise EvaluationError(
                    f"{path} has the columns {', '.join(names) or '(none)'}: it needs user_img_id, "
                    f"and seller_img_id or product_id"
                )
            positions = by_image if key == "seller_img_id" else by_product
            for row in rows:
                if row[key] not in positions:
                    raise EvaluationError(
                        f"{path}, line {rows.line_num}: {key} {row[key]!r} is not in the gallery"
                    )
                right.setdefault(row["user_img_id"], []).extend(positions[row[key]])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path} cannot be read as a CSV file: {error}") from error
    return right
