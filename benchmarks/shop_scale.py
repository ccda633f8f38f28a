"""A shop of 100,000 photos: how soon a phone photo has its answer, and how right the answer is.

    python benchmarks/shop_scale.py --work WORK [--images 100000] [--queries 300] [--json]

The photos of the folder FINDALIKE_DATA (default ``../shared/data``) are embedded by the shipped
encoder. Some of the phone photos become queries. The embeddings of the others are moved at random
along the lines between neighbours until there are as many products as wanted, two images each;
with titles, categories, prices and attributes they are put into a shop, which stays in WORK.

Measured, in a fresh process: ``Shop.search`` from the bytes of a JPEG to ten products with their
attributes, one search at a time; the same with a filter that keeps 1 % of the products; how many
of the ten exact answers are among those given (recall). The peers in the same process are the
encoder and decoder alone, which no index can beat, and NumPy comparing with every vector.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from findalike.data.image_source import ImageSource
from findalike.index.embedded import EmbeddedIndex
from findalike.index.filters import parse_filter
from findalike.index.schema import VECTOR, image_rows, vectors_of
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER
from findalike.shop.photos import embed_photos
from findalike.shop.shop import Shop
from findalike.types import Embeddings, FieldType

ATTRIBUTES: dict[str, FieldType] = {
    "brand": "text",
    "colour": "text",
    "sold_out": "boolean",
    "stock": "number",
    "tags": "list",
}
FILTERS = {"all": None, "1 %": "brand = 'Brand 7'"}
BRANDS = 100
K = 10
VIEWS = 2
NEIGHBOURS = 30
BATCH = 5000
WARM_UP = 20


@dataclass(frozen=True)
class Photos:
    """Real phone photos, some of them held out as queries, and the embeddings of the others."""

    base: Embeddings
    labels: list[str]
    queries: list[bytes]

    @classmethod
    def of(cls, data: Path, queries: int, limit: int | None, cache: Path) -> Photos:
        listed = list(_listed(data))
        order = np.random.default_rng(0).permutation(len(listed))[:limit]
        chosen = [listed[number] for number in order]
        source = ImageSource(data, allow_urls=False)
        asked, rest = chosen[:queries], chosen[queries:]
        if cache.exists():
            base: Embeddings = np.load(cache)
        else:
            photos = [(path, None) for path, _ in rest]
            encoder = Encoder.load(DEFAULT_ENCODER)
            parts = embed_photos(photos, source=source, encoder=encoder)
            base = np.concatenate([embeddings for _, embeddings, _ in parts])
            np.save(cache, base)
        return cls(base, [label for _, label in rest], [source.read(path) for path, _ in asked])


def _listed(data: Path) -> Iterator[tuple[str, str]]:
    """Path and category of every phone photo."""
    with (data / "clothing" / "images.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield f"clothing/{row['img_path']}", f"Clothing/{row['label']}"
    with (data / "grocery" / "queries.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield f"grocery/{row['img_path']}", f"Grocery/{row['product_id']}"


class Catalogue:
    """Products made of real embeddings, batch by batch."""

    def __init__(self, photos: Photos, images: int) -> None:
        self._rng = np.random.default_rng(1)
        self._photos = photos
        self._images = images
        base = photos.base
        wanted = min(NEIGHBOURS, len(base) - 1)
        self._near = np.argpartition(-(base @ base.T), wanted, axis=1)[:, :wanted]

    def batches(self) -> Iterator[tuple[list[dict[str, object]], Embeddings]]:
        made = 0
        while made < self._images:
            products = min(BATCH, self._images - made) // VIEWS
            at = self._rng.integers(0, len(self._photos.base), products)
            centres = self._photos.base[at] + self._step(at, 0.6)
            views = [_unit(centres + self._step(at, 0.3)) for _ in range(VIEWS)]
            vectors = np.stack(views, axis=1).reshape(products * VIEWS, -1)
            yield self._rows(made // VIEWS, at), vectors
            made += products * VIEWS

    def _step(self, at: NDArray[np.int64], reach: float) -> NDArray[np.float32]:
        """Along the line between two neighbours, and a little in no direction."""
        base, n = self._photos.base, len(at)
        columns = self._rng.integers(0, self._near.shape[1], (2, n))
        one, other = (self._near[at, column] for column in columns)
        share = reach * self._rng.random((n, 1), dtype=np.float32)
        noise = self._rng.standard_normal((n, base.shape[1]), dtype=np.float32)
        step: NDArray[np.float32] = share * (base[one] - base[other])
        return step + 0.1 / np.sqrt(base.shape[1], dtype=np.float32) * noise

    def _rows(self, first: int, at: NDArray[np.int64]) -> list[dict[str, object]]:
        now = datetime.now(UTC)
        return [
            {
                "image_id": f"image-{number}-{view}",
                "product_id": f"product-{number}",
                "title": f"Product {number} with a title of usual length",
                "category": self._photos.labels[base],
                "price": round(5 + self._rng.pareto(2.0) * 20, 2),
                "currency": "EUR",
                "url": f"https://shop.example/products/{number}",
                "location": f"images/{number // 1000}/{number}-{view}.jpg",
                "domain": "seller",
                "sha256": f"{number:062x}{view:02x}",
                "row_hash": f"{number:016x}",
                "added_at": now,
                "brand": f"Brand {brand}",
                "colour": f"colour {number % 12}",
                "sold_out": number % 9 == 0,
                "stock": float(number % 50),
                "tags": ["new", "sale"][: number % 3],
            }
            for number, (base, brand) in enumerate(
                zip(at.tolist(), self._rng.integers(0, BRANDS, len(at)).tolist(), strict=True),
                start=first,
            )
            for view in range(VIEWS)
        ]


def _unit(vectors: NDArray[np.float32]) -> Embeddings:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def build(folder: Path, photos: Photos, images: int) -> dict[str, float]:
    """Make the shop; seconds of the upserts and of the optimisation."""
    Shop.create(folder)
    index = EmbeddedIndex.open(folder / "index")
    upserts = 0.0
    for rows, vectors in Catalogue(photos, images).batches():
        table = image_rows(rows, vectors, ATTRIBUTES)
        start = time.perf_counter()
        index.upsert(table)
        upserts += time.perf_counter() - start
    start = time.perf_counter()
    index.optimise()
    return {"upsert_s": upserts, "optimise_s": time.perf_counter() - start}


def exact_products(index: EmbeddedIndex, queries: Embeddings, where: str | None) -> list[list[str]]:
    """The ids of the ten nearest products of each query, by comparing with every vector."""
    kept = parse_filter(where, index.fields) if where else None
    found = index.search(queries, k=K * VIEWS, where=kept, exact=True)
    return [list(dict.fromkeys(hit.product_id for hit in hits))[:K] for hits in found]


@dataclass(frozen=True)
class Searches:
    """What many searches, one after the other, took in milliseconds and found."""

    total: NDArray[np.float64]
    stages: dict[str, NDArray[np.float64]]
    products: list[list[str]]

    @classmethod
    def of(cls, shop: Shop, photos: Sequence[bytes], where: str | None) -> Searches:
        for photo in photos[:WARM_UP]:
            shop.search(photo, k=K, where=where)
        total, stages, products = [], [], []
        for photo in photos:
            start = time.perf_counter()
            answer = shop.search(photo, k=K, where=where)
            total.append((time.perf_counter() - start) * 1000)
            stages.append(answer.timings_ms)
            products.append([hit.product.product_id for hit in answer.products])
        names = list(stages[0])
        by_stage = {name: np.array([timings[name] for timings in stages]) for name in names}
        return cls(np.array(total), by_stage, products)

    def figures(self, truth: Sequence[Sequence[str]]) -> dict[str, object]:
        pairs = zip(self.products, truth, strict=True)
        recalls = [len(set(found) & set(right)) / len(right) for found, right in pairs]
        return {
            "p50_ms": float(np.percentile(self.total, 50)),
            "p95_ms": float(np.percentile(self.total, 95)),
            "p99_ms": float(np.percentile(self.total, 99)),
            "recall_at_10": float(np.mean(recalls)),
            "stages_p50_ms": {name: float(np.median(ms)) for name, ms in self.stages.items()},
        }


def numpy_scan_ms(index: EmbeddedIndex, queries: Embeddings) -> float:
    """Median milliseconds of NumPy to compare one query with every vector in memory."""
    vectors = np.concatenate([vectors_of(batch) for batch in index.fetch(columns=[VECTOR])])
    times = []
    for query in queries[:30]:
        start = time.perf_counter()
        scores = vectors @ query
        np.argpartition(-scores, K * VIEWS)
        times.append((time.perf_counter() - start) * 1000)
    return float(np.median(times))


def measure(folder: Path, photos: Sequence[bytes]) -> dict[str, object]:
    start = time.perf_counter()
    shop = Shop.open(folder)
    shop.search(photos[0], k=K)
    figures: dict[str, object] = {"open_and_first_ms": (time.perf_counter() - start) * 1000}
    searched = {name: Searches.of(shop, photos, where) for name, where in FILTERS.items()}
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    pictures = [shop._prepare(photo, None).pixels for photo in photos]
    queries = np.concatenate([shop.encoder.embed(picture[np.newaxis]) for picture in pictures])
    index = EmbeddedIndex.open(folder / "index")
    for name, where in FILTERS.items():
        figures[name] = searched[name].figures(exact_products(index, queries, where))
    figures["numpy_scan_ms"] = numpy_scan_ms(index, queries)
    return figures


def alone(work: object, *arguments: object) -> dict[str, object]:
    """Run a function of this file in a fresh process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(work, *arguments).result()  # type: ignore[arg-type,return-value]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--work", type=Path, required=True, help="keeps the shop for later runs")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--smoke", action="store_true", help="600 images, 4 queries")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.images, args.queries = 600, 4
    args.work.mkdir(parents=True, exist_ok=True)
    limit = args.queries + 60 if args.smoke else None
    cache = args.work / f"embeddings-{args.queries}-{limit}.npy"
    photos = Photos.of(args.data, args.queries, limit, cache)
    folder = args.work / f"shop-{args.images}"
    figures: dict[str, object] = {"images": args.images, "queries": args.queries}
    if not folder.exists():
        figures |= alone(build, folder, photos, args.images)
    figures["disk_mb"] = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6
    figures |= alone(measure, folder, photos.queries)
    if args.json:
        print(json.dumps(figures))
    else:
        report(figures)


def report(figures: dict[str, object]) -> None:
    print(f"{figures['images']:,} images, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    if "upsert_s" in figures:
        print(f"built: {figures['upsert_s']:.1f} s upserts, {figures['optimise_s']:.1f} s optimise")
    memory = figures["peak_rss_mb"]
    print(f"disk {figures['disk_mb']:,.0f} MB, peak memory of searching {memory:,.0f} MB")
    print(f"opening and first search {figures['open_and_first_ms']:.0f} ms")
    print("filter   p50 ms   p95 ms   p99 ms   recall@10   median ms of the stages")
    for name in FILTERS:
        found = figures[name]
        assert isinstance(found, dict)
        stages = ", ".join(f"{stage} {ms:.2f}" for stage, ms in found["stages_p50_ms"].items())
        print(
            f"{name:6}  {found['p50_ms']:7.2f}  {found['p95_ms']:7.2f}  {found['p99_ms']:7.2f}  "
            f"{found['recall_at_10']:10.4f}   {stages}"
        )
    print(f"NumPy comparing with every vector in memory: {figures['numpy_scan_ms']:.1f} ms")


if __name__ == "__main__":
    main()
