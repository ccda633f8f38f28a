"""How fast an encoder is beside the ImageNet encoder: images/s as ratios of the same process.

    python benchmarks/encoder_speed.py [--bundles findalike-lite0 OTHER …] [--rounds 15] [--json]

Bundles are names or folders; each is compared with ``--reference``, by default the ImageNet
encoder. The fp32, fp16 and int8 exports of one run are compared by naming all three. Measured on
photos of ``clothing`` in the folder FINDALIKE_DATA (default ``../shared/data``):

- photo, 1: a photo's bytes to its embedding, one after the other, as a search does it;
- photo, 32: the same in batches, decoded by a thread for each CPU, as an import does it;
- embed, 1 and embed, 32: prepared pictures to embeddings alone.

In each round every bundle has a short turn at each of the four, the order turned from round to
round, so that a busy machine is unfair to none of them. A ratio is that of two turns of one round;
the table has its median over the rounds and the middle half of them. CPU is the ratio of the CPU
time a picture takes, all threads together, which a busy machine hardly changes.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from findalike.data.prepare import prepare
from findalike.models.cpus import usable_cpus
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER, IMAGENET_ENCODER
from findalike.types import InputSpec, Pixels

BATCH = 32
ONE_BY_ONE, BATCHES = 12, 1
"""Photos of a turn that takes them singly, and batches of one that does not."""

Turn = Callable[[], None]


@dataclass(frozen=True)
class Pace:
    """One turn: images a second, and CPU milliseconds of each."""

    images_per_s: float
    cpu_ms: float


@dataclass(frozen=True)
class Row:
    """A bundle in one measure; ratios are to the reference, above 1 where the bundle is faster."""

    bundle: str
    measure: str
    images_per_s: float
    times: float
    times_middle_half: tuple[float, float]
    times_cpu: float
    rounds: int


def turns(encoder: Encoder, photos: Sequence[bytes], pool: ThreadPoolExecutor) -> dict[str, Turn]:
    """What each measure does with an encoder."""
    picture = partial(prepared, encoder.input)
    pixels = np.stack([picture(data) for data in photos])
    single = range(min(ONE_BY_ONE, len(photos)))
    starts = range(0, len(photos), BATCH)

    def photo_1() -> None:
        for at in single:
            encoder.embed(picture(photos[at])[None])

    def photo_32() -> None:
        for at in starts:
            encoder.embed(np.stack(list(pool.map(picture, photos[at : at + BATCH]))))

    def embed_1() -> None:
        for at in single:
            encoder.embed(pixels[at : at + 1])

    def embed_32() -> None:
        for at in starts:
            encoder.embed(pixels[at : at + BATCH])

    return {
        "photo, 1": photo_1, "photo, 32": photo_32, "embed, 1": embed_1, "embed, 32": embed_32
    }  # fmt: skip


def prepared(spec: InputSpec, data: bytes) -> Pixels:
    return prepare(data, spec, name="photo").pixels


def timed(turn: Turn, images: int) -> Pace:
    cpu, wall = time.process_time(), time.perf_counter()
    turn()
    seconds = time.perf_counter() - wall
    return Pace(images / seconds, (time.process_time() - cpu) * 1e3 / images)


def measure(
    encoders: Mapping[str, Encoder], photos: Sequence[bytes], rounds: int
) -> dict[tuple[str, str], list[Pace]]:
    """Bundle and measure → a pace a round."""
    found: dict[tuple[str, str], list[Pace]] = {}
    with ThreadPoolExecutor(usable_cpus()) as pool:
        work = {name: turns(encoder, photos, pool) for name, encoder in encoders.items()}
        names = list(encoders)
        for number in range(-1, rounds):
            turned = [names[(number + place) % len(names)] for place in range(len(names))]
            for what in next(iter(work.values())):
                images = len(photos) if what.endswith(str(BATCH)) else min(ONE_BY_ONE, len(photos))
                for name in turned:
                    pace = timed(work[name][what], images)
                    # The first round only warms up.
                    if number >= 0:
                        found.setdefault((name, what), []).append(pace)
    return found


def rows(found: Mapping[tuple[str, str], Sequence[Pace]], reference: str) -> list[Row]:
    made = []
    for (name, what), paces in found.items():
        peers = found[reference, what]
        times = [p.images_per_s / q.images_per_s for p, q in zip(paces, peers, strict=True)]
        low, high = np.quantile(times, [0.25, 0.75])
        cpu = [q.cpu_ms / p.cpu_ms for p, q in zip(paces, peers, strict=True)]
        made.append(
            Row(
                bundle=name,
                measure=what,
                images_per_s=statistics.median(p.images_per_s for p in paces),
                times=statistics.median(times),
                times_middle_half=(float(low), float(high)),
                times_cpu=statistics.median(cpu),
                rounds=len(paces),
            )
        )
    return made


def read_photos(data: Path, count: int) -> list[bytes]:
    root = data / "clothing"
    with (root / "images.csv").open(encoding="utf-8", newline="") as file:
        paths = [row["img_path"] for row in csv.DictReader(file)][:count]
    return [(root / path).read_bytes() for path in paths]


def print_table(made: Sequence[Row], reference: str) -> None:
    print(f"{made[0].rounds} rounds, {usable_cpus()} CPUs, load {os.getloadavg()[0]:.1f}")
    print(f"times: images/s, as a multiple of {reference}; CPU: its CPU time by the bundle's")
    print("bundle                          measure     images/s   times  middle half       CPU")
    for row in sorted(made, key=lambda row: row.measure):
        low, high = row.times_middle_half
        print(
            f"{row.bundle[-30:]:30}  {row.measure:10}  {row.images_per_s:8.1f}  {row.times:6.3f}"
            f"  {low:.3f} to {high:.3f}  {row.times_cpu:6.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--bundles", nargs="+", default=[DEFAULT_ENCODER], metavar="BUNDLE")
    parser.add_argument("--reference", default=IMAGENET_ENCODER, metavar="BUNDLE")
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--smoke", action="store_true", help="one round of 4 photos")
    parser.add_argument("--json", action="store_true", help="one line a row")
    args = parser.parse_args()
    photos = read_photos(args.data, 4 if args.smoke else BATCHES * BATCH)
    names = dict.fromkeys([args.reference, *args.bundles])
    encoders = {name: Encoder.load(name) for name in names}
    made = rows(measure(encoders, photos, 1 if args.smoke else args.rounds), args.reference)
    if args.json:
        for row in made:
            print(json.dumps(asdict(row)))
    else:
        print_table(made, args.reference)


if __name__ == "__main__":
    main()
