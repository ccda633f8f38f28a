"""What it costs, in time and in truth, to decode a large JPEG at a part of its size.

    python benchmarks/decoding.py [--photos 40] [--gaps 1e9 2.5 1.75] [--json]

`findalike.data.prepare` has the decoder scale a photo down as long as `DRAFT_GAP` times the wanted
size is left. For each gap: CPU milliseconds of one photo of 1,600 x 1,200 pixels (those of
`benchmarks/serving.py`), and how its picture and its embedding differ from those of the photo
decoded in full, which is the first gap.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from serving import phone_photos

from findalike.data.prepare import prepare
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER

ROUNDS = 3
module = sys.modules["findalike.data.prepare"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER, help="name or folder of a bundle")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--gaps", type=float, nargs="+", default=[1e9, 2.5, 1.75])
    parser.add_argument("--json", action="store_true", help="machine-readable figures")
    args = parser.parse_args()
    with (args.data / "grocery" / "queries.csv").open(encoding="utf-8", newline="") as file:
        paths = [row["img_path"] for row in csv.DictReader(file)]
    step = max(1, len(paths) // args.photos)
    photos = phone_photos([(args.data / "grocery" / p).read_bytes() for p in paths[::step]])
    encoder = Encoder.load(args.encoder, threads=1)
    rows = []
    for gap in args.gaps:
        module.DRAFT_GAP = gap  # type: ignore[attr-defined]
        times = []
        for _ in range(ROUNDS):
            began = time.thread_time()
            pixels = np.stack([prepare(p, encoder.input, name="photo").pixels for p in photos])
            times.append((time.thread_time() - began) * 1000 / len(photos))
        vectors = encoder.embed(pixels)
        if not rows:
            whole, right = pixels.astype(np.int16), vectors
        apart = np.abs(pixels - whole).mean(axis=(1, 2, 3))
        cosines = (vectors * right).sum(axis=1)
        rows.append(
            {
                "gap": gap,
                "cpu_ms": min(times),
                "pixels_apart_of_255": float(apart.mean()),
                "pixels_apart_worst": float(apart.max()),
                "cosine": float(cosines.mean()),
                "cosine_worst": float(cosines.min()),
                "photos": len(photos),
            }
        )
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print("gap      CPU ms   apart (of 255)   worst   cosine    worst")
    for row in rows:
        print(
            f"{row['gap']:<8g}{row['cpu_ms']:7.1f}{row['pixels_apart_of_255']:17.2f}"
            f"{row['pixels_apart_worst']:8.2f}{row['cosine']:9.5f}{row['cosine_worst']:9.5f}"
        )


if __name__ == "__main__":
    main()
