"""From which cosine on are two pictures the same one? What `data.leak_cosine` rests on.

    python benchmarks/leak_cosine.py [--seed 0]

With the ImageNet encoder, which the leak check uses, on grocery photos of FINDALIKE_DATA:

- different photos: the largest cosine of each query with any training photo, for queries of
  products that are trained on and for others; none of these photos are copies of each other;
- copies: photos with themselves, cut by a share of each side and saved again as JPEG.

A good limit lies above the former and below the latter.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from findalike.config import DataSection
from findalike.data.prepare import prepare
from findalike.models.encoder import Encoder
from findalike.models.registry import IMAGENET_ENCODER
from findalike.types import Embeddings

TRAINING, QUERIES, COPIES = 600, 400, 200
CUTS = (0.03, 0.06, 0.1)
QUALITY = 70
BATCH = 64


def embed(encoder: Encoder, files: Iterable[bytes]) -> Embeddings:
    pixels = [prepare(data, encoder.input, name="photo").pixels for data in files]
    parts = [encoder.embed(np.stack(pixels[i : i + BATCH])) for i in range(0, len(pixels), BATCH)]
    return np.concatenate(parts)


def cut(data: bytes, share: float) -> bytes:
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    x, y = round(share * picture.width), round(share * picture.height)
    file = io.BytesIO()
    part = picture.crop((x, y, picture.width - x, picture.height - y))
    part.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--seed", type=int, default=0, help="draws the photos")
    parser.add_argument("--smoke", action="store_true", help="a tenth of the photos")
    args = parser.parse_args()
    folder, rng = args.data / "grocery", np.random.default_rng(args.seed)
    part = 10 if args.smoke else 1

    def drawn(rows: list[dict[str, str]], count: int) -> list[bytes]:
        chosen = rng.permutation(len(rows))[: count // part]
        return [(folder / rows[place]["img_path"]).read_bytes() for place in chosen]

    def table(name: str) -> list[dict[str, str]]:
        with (folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    split = {row["product_id"]: row["split"] for row in table("products.csv")}
    encoder = Encoder.load(IMAGENET_ENCODER)
    photos = drawn([row for row in table("train.csv") if row["domain"] == "user"], TRAINING)
    training = embed(encoder, photos)
    limit = DataSection.model_fields["leak_cosine"].default
    print(f"{'':30} least   1 %    10 %   median  90 %   largest  at {limit} or above")
    for kind in ("seen", "unseen"):
        rows = [row for row in table("queries.csv") if split[row["product_id"]] == kind]
        found = (embed(encoder, drawn(rows, QUERIES)) @ training.T).max(axis=1)
        show(f"nearest photo, {kind} products", found, limit)
    copied = photos[: COPIES // part]
    for share in CUTS:
        other = embed(encoder, (cut(photo, share) for photo in copied))
        show(
            f"copy cut by {share:.0%} a side", (other * training[: len(copied)]).sum(axis=1), limit
        )


def show(name: str, cosines: np.ndarray, limit: float) -> None:
    cells = "  ".join(f"{value:.3f}" for value in np.percentile(cosines, (0, 1, 10, 50, 90, 100)))
    print(f"{name:30} {cells}    {(cosines >= limit).mean():.1%} of {len(cosines)}")


if __name__ == "__main__":
    main()
