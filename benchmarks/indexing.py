"""How fast a catalogue becomes a shop, beside a loop of Pillow and torch.

    python benchmarks/indexing.py [--runs 3] [--images 2500] [--json]

Each run is a fresh process that starts from nothing and turns the same photos, those of
``clothing`` in the folder FINDALIKE_DATA (default ``../shared/data``), into embeddings by the same
backbone with the same weights:

- findalike: ``findalike index``, which also checks, hashes, stores and indexes them;
- plain: Pillow and torch eager, one photo after the other (``torch_loop.py``);
- batched: the same in batches of 32, photos decoded by a pool of threads.

The three take turns, so that a busy machine is unfair to none of them for long. A ratio is the
median over rounds, of wall-clock times within a round; CPU seconds are user and system time of
all threads. The embeddings of all three are compared at the end. Needs the extra ``dev``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from findalike.index.embedded import EmbeddedIndex
from findalike.index.schema import VECTOR, vectors_of
from findalike.models.registry import IMAGENET_ENCODER
from findalike.types import Embeddings

NAMES = ("findalike", "plain", "batched")
LOOP = Path(__file__).with_name("torch_loop.py")


@dataclass(frozen=True)
class Run:
    """One process: wall-clock and CPU seconds, peak memory."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Job:
    """The photos, in a CSV with a root, and as lines of a text file."""

    table: Path
    lines: Path
    root: Path
    images: int
    work: Path

    @classmethod
    def of(cls, data: Path, images: int, work: Path) -> Job:
        root = data / "clothing"
        with (root / "images.csv").open(encoding="utf-8", newline="") as file:
            paths = [row["img_path"] for row in csv.DictReader(file)][:images]
        table, lines = work / "photos.csv", work / "photos.txt"
        table.write_text("\n".join(["img_path", *paths, ""]), encoding="utf-8")
        lines.write_text("\n".join([*paths, ""]), encoding="utf-8")
        return cls(table, lines, root, len(paths), work)

    def command(self, name: str, out: Path) -> list[str]:
        if name == "findalike":
            program = [str(Path(sys.executable).with_name("findalike")), "index", str(self.table)]
            # The weights of the peers.
            program += ["--encoder", IMAGENET_ENCODER]
            return [*program, "--root", str(self.root), "--shop", str(out), "--json"]
        loop = [sys.executable, str(LOOP), str(self.lines), str(self.root), f"{out}.npy"]
        return [*loop, "--batch", "32"] if name == "batched" else loop


def run(command: Sequence[str]) -> Run:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {shlex.join(command)}")
    return Run(
        seconds=time.perf_counter() - start,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        # Linux counts in KiB, macOS in bytes.
        peak_mb=usage.ru_maxrss / (1e6 if platform.system() == "Darwin" else 1e3),
    )


def embeddings(job: Job, name: str, out: Path) -> Embeddings:
    """What a run made, in the order of the photos."""
    if name != "findalike":
        made: Embeddings = np.load(f"{out}.npy")
        return made
    found: dict[str, Embeddings] = {}
    for batch in EmbeddedIndex.open(out / "index").fetch(columns=["location", VECTOR]):
        found |= zip(batch["location"].to_pylist(), vectors_of(batch), strict=True)
    return np.stack([found[line] for line in job.lines.read_text("utf-8").split()])


def least_cosine(job: Job, outs: Mapping[str, Path]) -> float:
    """How far the runs agree: the lowest cosine of two embeddings of one photo."""
    ours, *peers = (embeddings(job, name, outs[name]) for name in NAMES)
    return min(float(np.einsum("nd,nd->n", ours, peer).min()) for peer in peers)


def measure(job: Job, rounds: int) -> tuple[dict[str, list[Run]], float]:
    found: dict[str, list[Run]] = {name: [] for name in NAMES}
    outs: dict[str, Path] = {}
    for number in range(rounds):
        for name in NAMES:
            outs[name] = job.work / f"{name}-{number}"
            found[name].append(run(job.command(name, outs[name])))
            print(
                f"round {number + 1}: {name} {found[name][-1].seconds:.1f} s, load "
                f"{os.getloadavg()[0]:.1f}",
                file=sys.stderr,
            )
    return found, least_cosine(job, outs)


def ratio(found: Mapping[str, Sequence[Run]], peer: str, attribute: str) -> float:
    pairs = zip(found[peer], found["findalike"], strict=True)
    return statistics.median(getattr(p, attribute) / getattr(f, attribute) for p, f in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--images", type=int, default=2500)
    parser.add_argument("--smoke", action="store_true", help="one run of 8 photos")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.runs, args.images = 1, 8
    with tempfile.TemporaryDirectory() as work:
        job = Job.of(args.data.resolve(), args.images, Path(work))
        found, cosine = measure(job, args.runs)
    figures = {
        "images": job.images,
        "least_cosine": cosine,
        "runs": {name: [asdict(r) for r in runs] for name, runs in found.items()},
        "times_plain": ratio(found, "plain", "seconds"),
        "times_batched": ratio(found, "batched", "seconds"),
        "times_plain_cpu": ratio(found, "plain", "cpu_seconds"),
        "times_batched_cpu": ratio(found, "batched", "cpu_seconds"),
    }
    if args.json:
        print(json.dumps(figures))
        return
    print(f"{job.images:,} photos, {args.runs} runs each, {os.cpu_count()} cores")
    print("              images/s   seconds   CPU seconds   peak MB")
    for name, runs in found.items():
        seconds = statistics.median(r.seconds for r in runs)
        print(
            f"{name:12}  {job.images / seconds:8.1f}  {seconds:8.1f}  "
            f"{statistics.median(r.cpu_seconds for r in runs):12.1f}  "
            f"{statistics.median(r.peak_mb for r in runs):8.0f}"
        )
    for peer in NAMES[1:]:
        wall, cpu = figures[f"times_{peer}"], figures[f"times_{peer}_cpu"]
        print(f"findalike is {wall:.2f} times as fast as {peer}, and takes 1/{cpu:.2f} of its CPU")
    print(f"lowest cosine between the embeddings of one photo: {cosine:.5f}")


if __name__ == "__main__":
    main()
