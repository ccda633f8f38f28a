"""Make what the recipes `grocery` and `shipped` train on besides the photos themselves.

    python recipes/prepare.py --data ../shared/data --out recipes/build

writes tables of the grocery photos, and two simulated shops, into a folder. A second call does
nothing that is done already.

The protocols of the data (grocery/seen, grocery/unseen, apparel/view) take no part in any choice.
What is chosen by:

- ``dev``: 12 of the 42 products that may be trained on, held out by a fixed seed, against all 42
  seller photos: how well unknown products are found. `dev_train.csv` is the rest.
- ``val``: the photos with ``split=val`` of the products that are trained on.
- the simulated shop of another seed.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from findalike.data.simulate import simulate

HELD_OUT, SEED = 12, 0
TRAIN_PRODUCTS, TRAIN_SEED = 400, 101
DEV_PRODUCTS, DEV_SEED = 120, 900

Row = dict[str, str]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("FINDALIKE_DATA", "../shared/data")),
        help="folder with grocery/, clothing/ and apparel/",
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "build")
    arguments = parser.parse_args()
    prepare(arguments.data, arguments.out)
    print(f"tables and simulated shops are in {arguments.out}")


def prepare(data: Path, out: Path) -> None:
    """Write the tables and the shops."""
    rows = _read(data / "grocery" / "train.csv")
    products = sorted({row["product_id"] for row in rows}, key=int)
    drawn = np.random.default_rng(SEED).permutation(len(products))[:HELD_OUT]
    held = {products[place] for place in drawn}
    users = [row for row in rows if row["domain"] == "user"]
    out.mkdir(parents=True, exist_ok=True)
    _write(
        out / "dev_train.csv",
        ["img_path", "product_id", "domain", "split"],
        [row for row in rows if row["product_id"] not in held],
    )
    _write_queries(out / "dev_queries.csv", [r for r in users if r["product_id"] in held])
    _write_queries(
        out / "val_queries.csv",
        [row for row in users if row["split"] == "val"],
    )
    _write_queries(
        out / "dev_val_queries.csv",
        [r for r in users if r["split"] == "val" and r["product_id"] not in held],
    )
    _write(
        out / "gallery.csv",
        ["seller_img_id", "img_path", "product_id"],
        [{"seller_img_id": r["img_path"], **r} for r in rows if r["domain"] == "seller"],
    )
    simulate(out / "simulated_train", products=TRAIN_PRODUCTS, seed=TRAIN_SEED)
    simulate(out / "simulated_dev", products=DEV_PRODUCTS, seed=DEV_SEED)


def _write_queries(path: Path, rows: Sequence[Row]) -> None:
    names = ["user_img_id", "img_path", "product_id"]
    _write(path, names, [{"user_img_id": row["img_path"], **row} for row in rows])


def _read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(path: Path, names: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
