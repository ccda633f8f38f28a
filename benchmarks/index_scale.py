"""How fast and how right the embedded index is at a given size.

    python benchmarks/index_scale.py --rows 10000 100000 --sizes 512 1280

Vectors are clustered as those of products are: a common direction, a category, a product and an
image part, each spread over all dimensions with a falling spectrum; queries are further views of
products, with more noise. ``--vectors FILE.npy`` perturbs given embeddings, shape (n, d) float32,
towards their neighbours instead, and takes its queries from rows it holds out. Recall is against
the exact search. Times are milliseconds of ``Index.search`` with ten columns of the row, one query
a call; a filter keeps about the share of rows it is named after, ``category`` one of 200.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from findalike.index.embedded import EmbeddedIndex
from findalike.index.filters import Filter, parse_filter
from findalike.index.schema import image_rows
from findalike.types import Embeddings, Hit

ATTRIBUTES = {"brand": "text", "colour": "text", "material": "text", "draw": "number"}
COLUMNS = ["title", "category", "price", "currency", "url", "location", *ATTRIBUTES]
FILTERS = {
    "1%": "draw < 10",
    "10%": "draw < 100",
    "50%": "draw < 500",
    "category": "category = 'c7'",
}
BATCH = 5000


def unit(vectors: NDArray[np.float32]) -> Embeddings:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, dtype=np.float32)


class Clustered:
    """Vectors of products in categories, three images each."""

    def __init__(self, rows: int, size: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        spectrum = np.arange(1, size + 1) ** -0.5
        self._spectrum = (spectrum / np.linalg.norm(spectrum)).astype(np.float32)
        common = self._rng.normal(size=size).astype(np.float32)
        self._common = 0.53 * common / np.linalg.norm(common)
        self._categories = self._part(200)
        self._category_of = self._rng.integers(0, 200, rows // 3 + 1)
        self._products = np.concatenate(
            [
                self._part(min(BATCH, len(self._category_of) - a))
                for a in range(0, rows // 3 + 1, BATCH)
            ]
        )
        self._rows = rows

    def _part(self, n: int) -> NDArray[np.float32]:
        return (
            self._rng.standard_normal((n, len(self._spectrum)), dtype=np.float32) * self._spectrum
        )

    def _images(self, products: NDArray[np.int64], noise: float) -> Embeddings:
        centres = 0.5 * self._categories[self._category_of[products]]
        own = 0.57 * self._products[products] + noise * self._part(len(products))
        return unit(self._common + centres + own)

    def batches(self) -> Iterator[tuple[Embeddings, NDArray[np.int64]]]:
        for start in range(0, self._rows, BATCH):
            products = np.arange(start, min(start + BATCH, self._rows)) // 3
            yield self._images(products, 0.38), self._category_of[products]

    def queries(self, n: int) -> Embeddings:
        return self._images(self._rng.integers(0, self._rows // 3, n), 0.6)


class Perturbed:
    """Given embeddings, moved at random along the lines between their neighbours."""

    def __init__(self, given: Embeddings, rows: int, queries: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        order = self._rng.permutation(len(given))
        self._queries = given[order[:queries]]
        self._base = given[order[queries:]]
        self._near = np.argpartition(-(self._base @ self._base.T), 30, axis=1)[:, :30]
        centres = self._base[self._rng.choice(len(self._base), 200, replace=False)]
        self._category_of = np.argmax(self._base @ centres.T, axis=1)
        self._rows = rows

    def batches(self) -> Iterator[tuple[Embeddings, NDArray[np.int64]]]:
        size = self._base.shape[1]
        for start in range(0, self._rows, BATCH):
            n = min(BATCH, self._rows - start)
            at = self._rng.integers(0, len(self._base), n)
            one, other = (self._near[at, self._rng.integers(0, 30, n)] for _ in range(2))
            step = 0.6 * self._rng.random((n, 1), dtype=np.float32)
            noise = 0.1 / np.sqrt(size) * self._rng.standard_normal((n, size), dtype=np.float32)
            moved = self._base[at] + step * (self._base[one] - self._base[other]) + noise
            yield unit(moved), self._category_of[at]

    def queries(self, n: int) -> Embeddings:
        return self._queries[:n]


def rows_of(
    start: int, categories: NDArray[np.int64], rng: np.random.Generator
) -> list[dict[str, object]]:
    draws = rng.integers(0, 1000, len(categories))
    return [
        {
            "image_id": f"image-{number:08d}",
            "product_id": f"product-{number // 3}",
            "title": f"Product {number // 3} with a title of usual length",
            "category": f"c{category}",
            "price": number // 3 % 997 / 10,
            "currency": "EUR",
            "url": f"https://shop.example/products/{number // 3}",
            "location": f"images/{number // 3}/{number}.jpg",
            "brand": f"brand {number // 3 % 300}",
            "colour": f"colour {number // 3 % 12}",
            "material": f"material {number // 3 % 40}",
            "draw": float(draw),
        }
        for number, category, draw in zip(
            range(start, start + len(categories)), categories, draws, strict=True
        )
    ]


def timed_searches(
    index: EmbeddedIndex, queries: Embeddings, k: int, where: Filter | None
) -> tuple[list[list[Hit]], NDArray[np.float64]]:
    found, times = [], []
    for query in queries:
        start = time.perf_counter()
        found += index.search(query[np.newaxis], k=k, where=where, columns=COLUMNS)
        times.append((time.perf_counter() - start) * 1000)
    return found, np.array(times[len(times) // 10 :])


def recall(found: list[list[Hit]], truth: list[list[Hit]], k: int) -> float:
    shares = [
        len({hit.image_id for hit in hits[:k]} & {hit.image_id for hit in best[:k]})
        / max(1, len(best[:k]))
        for hits, best in zip(found, truth, strict=True)
    ]
    return float(np.mean(shares))


def disk_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def fill(index: EmbeddedIndex, source: Clustered | Perturbed) -> float:
    rng = np.random.default_rng(0)
    start, at = 0.0, 0
    for vectors, categories in source.batches():
        rows = image_rows(rows_of(at, categories, rng), vectors, ATTRIBUTES)
        before = time.perf_counter()
        index.upsert(rows)
        start += time.perf_counter() - before
        at += len(categories)
    return start


def measure(
    folder: Path, source: Clustered | Perturbed, size: int, args: argparse.Namespace
) -> dict[str, object]:
    index = EmbeddedIndex.create(folder, embedding_size=size)
    figures: dict[str, object] = {"upsert_s": fill(index, source)}
    start = time.perf_counter()
    index.optimise()
    figures["optimise_s"] = time.perf_counter() - start
    figures["disk_mb"] = disk_mb(folder)
    queries = source.queries(args.queries)
    filters = {
        "none": None,
        **{name: parse_filter(text, index.fields) for name, text in FILTERS.items()},
    }
    for name, where in filters.items():
        truth = index.search(queries, k=args.k, where=where, exact=True)
        timed_searches(index, queries[:10], args.k, where)
        found, times = timed_searches(index, queries, args.k, where)
        figures[name] = {
            "recall_at_10": recall(found, truth, 10),
            "recall_at_k": recall(found, truth, args.k),
            "p50_ms": float(np.percentile(times, 50)),
            "p99_ms": float(np.percentile(times, 99)),
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000, 30_000, 100_000])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[512, 1280], help="numbers a vector"
    )
    parser.add_argument("--vectors", type=Path, help=".npy of embeddings to perturb; sets the size")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("-k", type=int, default=50, help="hits a query")
    parser.add_argument("--exact-limit", type=int, help="try another EXACT_LIMIT")
    parser.add_argument("--folder", type=Path, help="keep the indexes here")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.exact_limit is not None:
        from findalike.index import lance_upkeep

        lance_upkeep.EXACT_LIMIT = args.exact_limit
    given = None if args.vectors is None else unit(np.load(args.vectors))
    folder = args.folder or Path(tempfile.mkdtemp())
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, k = {args.k}", file=sys.stderr)
    try:
        for size in args.sizes if given is None else [given.shape[1]]:
            for rows in args.rows:
                source = (
                    Clustered(rows, size, 0)
                    if given is None
                    else Perturbed(given, rows, args.queries, 0)
                )
                report(
                    rows, size, measure(folder / f"{rows}x{size}", source, size, args), args.json
                )
    finally:
        if args.folder is None:
            shutil.rmtree(folder)


def report(rows: int, size: int, figures: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"rows": rows, "size": size, **figures}), flush=True)
        return
    print(
        f"{rows:,} x {size}: upserts {figures['upsert_s']:.1f} s, optimise "
        f"{figures['optimise_s']:.1f} s, {figures['disk_mb']:.0f} MB"
    )
    print("  filter     recall@10  recall@k   p50 ms   p99 ms")
    for name, figure in figures.items():
        if isinstance(figure, dict):
            print(
                f"  {name:9}  {figure['recall_at_10']:9.4f}  {figure['recall_at_k']:8.4f}  "
                f"{figure['p50_ms']:7.2f}  {figure['p99_ms']:7.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
