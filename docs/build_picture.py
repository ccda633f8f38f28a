"""Writes the README's picture, docs/pictures/matches.png, from what the demo made.

    make demo && python docs/build_picture.py demo

Run it when the pictures of the simulator, or the contact sheet, have changed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

from findalike.data.queries import read_queries
from findalike.pipelines.sheet import write_sheet
from findalike.shop.shop import Shop

TARGET = Path(__file__).parent / "pictures" / "matches.png"
ROWS, WIDTH = 4, 1000


def build(demo: Path) -> None:
    """Search the demo's shop with some of its photos, and draw the answers."""
    photos = demo / "photos"
    shop = Shop.open(demo / "shop")
    queries, _ = read_queries(photos / "queries.csv")
    # Every demo's first photo is of the same kind of product; the others show more of them.
    shown = queries[len(queries) // 6 :: len(queries) // 6][:ROWS]
    places = [photos / query.location for query in shown]
    answers = shop.search_batch(places, boxes=[query.box for query in shown], k=5)
    truths = [query.product_id for query in shown]
    with tempfile.TemporaryDirectory() as scratch:
        sheet = Path(scratch) / "sheet.png"
        write_sheet(shop, list(zip(places, answers, truths, strict=True)), sheet)
        picture = Image.open(sheet).convert("RGB")
    height = round(picture.height * WIDTH / picture.width)
    small = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
    TARGET.parent.mkdir(exist_ok=True)
    small.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(TARGET, optimize=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
    sys.stdout.write(f"wrote {TARGET}, {TARGET.stat().st_size:,} bytes\n")
