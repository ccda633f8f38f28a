"""Write a simulated shop to a folder, resuming where an earlier run was stopped."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np

from findalike.data.simulate.model import Model
from findalike.data.simulate.plan import (
    SELLER_STREAM,
    USER_STREAM,
    PlannedProduct,
    draw_prop,
    plan,
    stream,
)
from findalike.data.simulate.products import KINDS
from findalike.data.simulate.seller import STUDIOS, seller_jpeg
from findalike.data.simulate.spec import ProductSpec
from findalike.data.simulate.user import Neighbours, UserPhoto, user_photo
from findalike.errors import SettingError, StorageError

VERSION = 1
"""Raised by one whenever a change gives other pictures for the same seed."""

MOST_PRODUCTS = 1_000_000

GALLERY_COLUMNS = ("seller_img_id", "img_path", "product_id", "view")
QUERY_COLUMNS = (
    "user_img_id",
    "img_path",
    "product_id",
    "bbox_x",
    "bbox_y",
    "bbox_w",
    "bbox_h",
    "blur",
    "occlusion",
    "light",
    "box_size",
    "clutter",
    "perspective",
    "turn",
    "noise",
    "jpeg_quality",
    "difficulty",
    "level",
)
PRODUCT_COLUMNS = (
    "product_id",
    "title",
    "category",
    "variant_of",
    "variant_axis",
    "price",
    "currency",
    "brand",
    "kind",
    "shape",
    "material",
    "colour",
    "trim",
    "pattern",
    "motif",
    "in_stock",
    "tags",
)

_MANIFEST = "simulation.json"
_JOURNAL = "simulation.partial.jsonl"
_PROPS = 24
_LOOK_BACK = 12

Row: TypeAlias = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class SimulatedShop:
    """A simulated shop on disk.

    Attributes:
        root: its folder, to which the paths in the tables are relative.
        gallery: table of the sellers' pictures.
        queries: table of the shoppers' photos with their boxes and difficulty.
        products: table of the products.
        seed: that it was made from.
        product_count, seller_images, user_images: how many of each there are.
    """

    root: Path
    gallery: Path
    queries: Path
    products: Path
    seed: int
    product_count: int
    seller_images: int
    user_images: int


@lru_cache(maxsize=96)
def _model(spec: ProductSpec) -> Model:
    return KINDS[spec.kind].build(spec)


def simulate(
    out: Path,
    *,
    products: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> SimulatedShop:
    """Make a shop with sellers' pictures and shoppers' photos.

    The same seed gives the same files, byte for byte, with the same versions of the libraries,
    whatever the number of workers; the first products of a larger shop are those of a smaller one.
    A run that was stopped is continued by the same call.

    Args:
        out: folder to write to; new, empty, or holding the same simulation.
        products: how many products to make, 1 to 1,000,000.
        seed: 0 or above.
        progress: called with the products done and the products in all.
        workers: threads; by default one for each processor.

    Raises:
        SettingError: for numbers out of range, or a folder with something else in it.
        StorageError: if the folder cannot be written.
    """
    _check(products, seed, workers)
    planned = list(plan(seed, products))
    try:
        return _make_shop(out, planned, seed, progress, workers or os.cpu_count() or 1)
    except OSError as error:
        raise StorageError(
            f"cannot write the simulated shop to {out}: {error}; check that the folder can be "
            f"written and the disk has room, and run it again: it continues where it stopped"
        ) from error


def _make_shop(
    out: Path,
    planned: Sequence[PlannedProduct],
    seed: int,
    progress: Callable[[int, int], None] | None,
    workers: int,
) -> SimulatedShop:
    _claim(out, planned, seed)
    shop = SimulatedShop(
        root=out,
        gallery=out / "gallery.csv",
        queries=out / "queries.csv",
        products=out / "products.csv",
        seed=seed,
        product_count=len(planned),
        seller_images=sum(len(item.views) for item in planned),
        user_images=sum(item.user_images for item in planned),
    )
    rows = _draw_missing(shop, planned, progress, workers)
    if rows is not None:
        _write_tables(shop, planned, rows)
    (out / _JOURNAL).unlink(missing_ok=True)
    return shop


def _draw_missing(
    shop: SimulatedShop,
    planned: Sequence[PlannedProduct],
    progress: Callable[[int, int], None] | None,
    workers: int,
) -> dict[int, list[Row]] | None:
    """Draw what an earlier run has not; returns the rows of queries.csv, None if it is written."""
    finished = all(p.is_file() for p in (shop.gallery, shop.queries, shop.products))
    journal = shop.root / _JOURNAL
    rows = _read_journal(journal)
    missing = [
        item
        for item in planned
        if not (finished or item.index in rows) or not _pictures_exist(shop.root, item)
    ]
    done = len(planned) - len(missing)
    if progress is not None:
        progress(done, len(planned))
    with ThreadPoolExecutor(workers) as pool, journal.open("a", encoding="utf-8") as log:
        tasks = [pool.submit(_make_product, shop, planned, item) for item in missing]
        try:
            for task in as_completed(tasks):
                index, found = task.result()
                rows[index] = found
                log.write(json.dumps({"index": index, "rows": found}) + "\n")
                log.flush()
                done += 1
                if progress is not None:
                    progress(done, len(planned))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return None if finished else rows


def _check(products: int, seed: int, workers: int | None) -> None:
    if not 1 <= products <= MOST_PRODUCTS:
        raise SettingError(
            f"products is {products}: give a number from 1 to {MOST_PRODUCTS:,} (--products 80)"
        )
    if seed < 0:
        raise SettingError(f"seed is {seed}: give 0 or a larger whole number (--seed 1)")
    if workers is not None and workers < 1:
        raise SettingError(f"workers is {workers}: give 1 or more, or leave it out")


def _claim(out: Path, planned: Sequence[PlannedProduct], seed: int) -> None:
    """Make the folder ours, or check that it already is."""
    manifest = {
        "simulator": "findalike",
        "version": VERSION,
        "seed": seed,
        "products": len(planned),
    }
    path = out / _MANIFEST
    if out.exists() and not out.is_dir():
        raise SettingError(f"{out} is a file: give a folder to write the simulated shop to")
    if path.is_file():
        try:
            found = json.loads(path.read_text("utf-8"))
        except ValueError:
            found = {}
        if found != manifest:
            raise SettingError(
                f"{out} holds another simulation ({_words(found)}), not ({_words(manifest)}): "
                f"give another folder, or delete this one"
            )
    elif out.is_dir() and any(out.iterdir()):
        raise SettingError(
            f"{out} is not empty and holds no simulated shop: give a new or empty folder"
        )
    else:
        # Before anything else, so that a run killed right here can be continued.
        out.mkdir(parents=True, exist_ok=True)
        _write_text(path, json.dumps(manifest, indent=1) + "\n")
    for folder in (out / "seller", out / "user"):
        folder.mkdir(exist_ok=True)
    _write_text(out / "README.txt", _readme(len(planned), seed))


def _words(manifest: Mapping[str, object]) -> str:
    wanted = ("products", "seed", "version")
    return ", ".join(f"{key} {manifest.get(key, 'unknown')}" for key in wanted)


def _readme(products: int, seed: int) -> str:
    return (
        "A simulated shop. Every picture was drawn by a program; brands and products are "
        "invented.\n\n"
        f"Made by: findalike data simulate --products {products} --seed {seed}\n"
        f"Simulator version: {VERSION}\n\n"
        "gallery.csv   sellers' pictures (seller_img_id, img_path, product_id, view)\n"
        "queries.csv   shoppers' photos with the box of the product, and what makes each hard\n"
        "products.csv  the products; variant_axis names the one thing a variant differs in\n"
        "seller/       pictures on white\n"
        "user/         photos\n"
    )


def _seller_path(item: PlannedProduct, number: int) -> str:
    view = KINDS[item.spec.kind].views[item.views[number]].name
    return f"seller/{item.product_id}_{number}_{view}.jpg"


def _user_path(item: PlannedProduct, number: int) -> str:
    return f"user/{item.product_id}_{number}.jpg"


def _pictures_exist(out: Path, item: PlannedProduct) -> bool:
    paths = [_seller_path(item, k) for k in range(len(item.views))]
    paths += [_user_path(item, k) for k in range(item.user_images)]
    return all((out / path).is_file() for path in paths)


def _neighbours(planned: Sequence[PlannedProduct], item: PlannedProduct, seed: int) -> Neighbours:
    """Lend earlier products of the shop, and props, that may lie in the same places."""
    places = set(KINDS[item.spec.kind].grounds)
    earlier = planned[max(item.index - _LOOK_BACK, 0) : item.index]
    near = [p.spec for p in earlier if places & set(KINDS[p.spec.kind].grounds)]

    def lend(count: int, rng: np.random.Generator) -> list[Model]:
        lent: list[Model] = []
        while len(lent) < count:
            if near and rng.random() < 0.5:
                lent.append(_model(near[int(rng.integers(len(near)))]))
                continue
            prop = _prop(seed, int(rng.integers(_PROPS)))
            if places & set(KINDS[prop.kind].grounds):
                lent.append(_model(prop))
        return lent

    return lend


@lru_cache(maxsize=4 * _PROPS)
def _prop(seed: int, number: int) -> ProductSpec:
    return draw_prop(seed, number)


def _make_product(
    shop: SimulatedShop, planned: Sequence[PlannedProduct], item: PlannedProduct
) -> tuple[int, list[Row]]:
    """Draw all pictures of one product; returns its rows of queries.csv."""
    kind = KINDS[item.spec.kind]
    model = _model(item.spec)
    # A maker's photographer keeps to one studio for the whole family.
    studio_number = item.spec.grain % STUDIOS
    for number, view in enumerate(item.views):
        rng = stream(shop.seed, SELLER_STREAM, item.index, number)
        data = seller_jpeg(model, kind.views[view], rng, studio_number)
        _write_bytes(shop.root / _seller_path(item, number), data)
    rows = []
    for number in range(item.user_images):
        rng = stream(shop.seed, USER_STREAM, item.index, number)
        photo = user_photo(kind, model, _neighbours(planned, item, shop.seed), rng)
        _write_bytes(shop.root / _user_path(item, number), photo.jpeg())
        rows.append(_query_row(item, number, photo))
    return item.index, rows


def _query_row(item: PlannedProduct, number: int, photo: UserPhoto) -> Row:
    d = photo.difficulty
    return {
        "user_img_id": item.first_user + number,
        "img_path": _user_path(item, number),
        "product_id": item.product_id,
        "bbox_x": round(photo.box.x),
        "bbox_y": round(photo.box.y),
        "bbox_w": round(photo.box.w),
        "bbox_h": round(photo.box.h),
        "blur": round(d.blur, 3),
        "occlusion": round(d.occlusion, 3),
        "light": round(d.light, 3),
        "box_size": round(d.box_size, 4),
        "clutter": d.clutter,
        "perspective": round(d.perspective, 3),
        "turn": round(d.turn, 1),
        "noise": round(d.noise, 2),
        "jpeg_quality": d.jpeg_quality,
        "difficulty": round(d.score, 3),
        "level": d.level,
    }


def _product_row(item: PlannedProduct) -> Row:
    spec = item.spec
    return {
        "product_id": item.product_id,
        "title": item.title,
        "category": item.category,
        "variant_of": item.variant_of,
        "variant_axis": item.axis,
        "price": f"{item.price:.2f}",
        "currency": "EUR",
        "brand": spec.brand,
        "kind": spec.kind,
        "shape": spec.shape,
        "material": spec.material,
        "colour": spec.colour,
        "trim": spec.trim,
        "pattern": spec.pattern,
        "motif": spec.motif,
        "in_stock": "true" if item.in_stock else "false",
        "tags": "|".join(item.tags),
    }


def _write_tables(
    shop: SimulatedShop, planned: Sequence[PlannedProduct], rows: Mapping[int, list[Row]]
) -> None:
    gallery: list[Row] = [
        {
            "seller_img_id": item.first_seller + number,
            "img_path": _seller_path(item, number),
            "product_id": item.product_id,
            "view": KINDS[item.spec.kind].views[view].name,
        }
        for item in planned
        for number, view in enumerate(item.views)
    ]
    queries = [row for item in planned for row in rows[item.index]]
    _write_csv(shop.products, PRODUCT_COLUMNS, (_product_row(item) for item in planned))
    _write_csv(shop.gallery, GALLERY_COLUMNS, gallery)
    _write_csv(shop.queries, QUERY_COLUMNS, queries)


def _read_journal(path: Path) -> dict[int, list[Row]]:
    """Rows of the products finished by an earlier run; a line cut short by a kill is left out."""
    rows: dict[int, list[Row]] = {}
    if path.is_file():
        for line in path.read_text("utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            rows[int(entry["index"])] = entry["rows"]
    return rows


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)


def _write_bytes(path: Path, data: bytes) -> None:
    """Write all or nothing: a picture that exists is whole."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def _write_text(path: Path, text: str) -> None:
    _write_bytes(path, text.encode("utf-8"))
