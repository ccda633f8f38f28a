"""One step of contrastive loss with a cross-batch memory: time and peak memory of three forms.

    python benchmarks/xbm_step.py [--quick] [--json]

A step takes a batch of embeddings, writes it into a full memory, and works out the loss of the
batch with itself and with the memory, and its gradient by the batch. Three forms of the same loss,
on the same embeddings:

ours        findalike's `XbmContrastiveLoss`;
peer        pytorch-metric-learning: ContrastiveLoss, and CrossBatchMemory around another one;
loop        one anchor after the other, pairs selected from its row of cosines, as the authors of
            XBM do (github.com/msight-tech/research-xbm), with the mean that the other two take.

Each runs in a process of its own, so that peak memory is its own; the processes take turns step by
step, so that a busy machine slows all of them. Time is wall time of a step; memory is `ru_maxrss`
at the end, and what of it came after the set-up (libraries loaded, memory filled). The embeddings
are points of classes in groups: negative pairs above the margin are there, and few, as in training.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

FORMS = ("ours", "peer", "loop")
MARGIN = 0.5


@dataclass(frozen=True)
class Sizes:
    memory: int = 55_000
    dimension: int = 512
    batch: int = 64
    rounds: int = 20
    threads: int = 0

    @property
    def classes(self) -> int:
        return self.memory // 10


class Data:
    """Embeddings from 100 groups of classes; positive pairs at cosine 0.68, groups at 0.5."""

    def __init__(self, sizes: Sizes) -> None:
        import torch

        self.sizes = sizes
        self.generator = torch.Generator().manual_seed(0)
        self.groups = self._points(100)
        self.classes = self._points(sizes.classes)

    def _points(self, count: int) -> Any:
        import torch

        points = torch.randn(count, self.sizes.dimension, generator=self.generator)
        return points.div_(self.sizes.dimension**0.5)

    def draw(self, count: int) -> tuple[Any, Any]:
        """Unit embeddings and labels."""
        import torch

        labels = torch.randint(self.sizes.classes, (count,), generator=self.generator)
        points = self._points(count).mul_(0.8)
        points += 0.6 * self.classes[labels] + self.groups[labels % 100]
        return torch.nn.functional.normalize(points), labels

    def fill(self) -> Iterator[tuple[Any, Any]]:
        """The memory's first contents, in parts, lest setting up be the peak."""
        left = self.sizes.memory
        while left:
            count = min(left, 500)
            yield self.draw(count)
            left -= count


Step = Callable[[Any, Any, Any], Any]


def ours(sizes: Sizes, data: Data) -> Step:
    import torch

    from findalike.losses import LabelledEmbeddings, XbmContrastiveLoss

    loss = XbmContrastiveLoss(sizes.dimension, size=sizes.memory, negative_margin=MARGIN)
    for features, labels in data.fill():
        # Ids that no batch has.
        ids = torch.arange(len(labels)) - 10**9
        loss.memory.enqueue(LabelledEmbeddings(features, labels, ids))
    return loss


def peer(sizes: Sizes, data: Data) -> Step:
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import ContrastiveLoss, CrossBatchMemory

    margins = {"pos_margin": 1, "neg_margin": MARGIN, "distance": CosineSimilarity()}
    pairs = ContrastiveLoss(**margins)
    memory = CrossBatchMemory(ContrastiveLoss(**margins), sizes.dimension, memory_size=sizes.memory)
    for features, labels in data.fill():
        memory.add_to_memory(features, labels, len(labels))
    return lambda embeddings, labels, ids: pairs(embeddings, labels) + memory(embeddings, labels)


def loop(sizes: Sizes, data: Data) -> Step:
    import torch

    features = torch.zeros(sizes.memory, sizes.dimension)
    targets = torch.zeros(sizes.memory, dtype=torch.int64)
    written = 0

    def enqueue(rows: Any, labels: Any) -> None:
        nonlocal written
        places = torch.arange(written, written + len(rows)) % sizes.memory
        features[places], targets[places] = rows.detach(), labels
        written += len(rows)

    def term(anchors: Any, labels: Any, others: Any, other_labels: Any) -> Any:
        cosines = anchors @ others.T
        pulls, pushes = [], []
        for row, label in zip(cosines, labels, strict=True):
            near = torch.masked_select(row, other_labels == label)
            pulls.append(1 - torch.masked_select(near, near < 1 - 1e-5))
            far = torch.masked_select(row, other_labels != label)
            pushes.append(torch.masked_select(far, far > MARGIN) - MARGIN)
        means = [torch.cat(part) for part in (pulls, pushes)]
        return sum(part.mean() for part in means if len(part))

    def step(embeddings: Any, labels: Any, ids: Any) -> Any:
        rows = torch.nn.functional.normalize(embeddings)
        enqueue(rows, labels)
        return term(rows, labels, rows, labels) + term(rows, labels, features, targets)

    for rows, labels in data.fill():
        enqueue(rows, labels)
    return step


def peak_mb() -> float:
    """Largest resident set of this process so far; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def work(form: str, sizes: Sizes) -> None:
    """Make a step for each line of standard input, and answer each with a line of JSON."""
    import torch

    if sizes.threads:
        torch.set_num_threads(sizes.threads)
    data = Data(sizes)
    step = {"ours": ours, "peer": peer, "loop": loop}[form](sizes, data)
    ids = torch.arange(sizes.batch)
    print(json.dumps({"set_up_mb": peak_mb(), "threads": torch.get_num_threads()}), flush=True)
    for number, _ in enumerate(sys.stdin):
        embeddings, labels = data.draw(sizes.batch)
        embeddings.requires_grad_()
        start = time.perf_counter()
        loss = step(embeddings, labels, ids + number * sizes.batch)
        loss.backward()
        seconds = time.perf_counter() - start
        answer = {
            "seconds": seconds,
            "loss": loss.item(),
            "gradient": embeddings.grad.norm().item(),
            "peak_mb": peak_mb(),
        }
        print(json.dumps(answer), flush=True)


class Worker:
    """A process that makes steps of one form."""

    def __init__(self, form: str, sizes: Sizes) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", form, "--sizes", json.dumps(asdict(sizes))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.set_up = self._answer()
        self.steps: list[dict[str, float]] = []

    def step(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        self.steps.append(self._answer())

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> dict[str, float]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker ended with {self.process.wait()}")
        answer: dict[str, float] = json.loads(line)
        return answer

    def figures(self) -> dict[str, float]:
        # The first step also loads kernels and wakes threads.
        times = [step["seconds"] * 1e3 for step in self.steps[1:]]
        peak = self.steps[-1]["peak_mb"]
        return {
            "median_ms": statistics.median(times),
            "min_ms": min(times),
            "peak_mb": peak,
            "step_mb": peak - self.set_up["set_up_mb"],
            "threads": self.set_up["threads"],
        }


def measure(sizes: Sizes) -> dict[str, dict[str, float]]:
    workers = {form: Worker(form, sizes) for form in FORMS}
    for _ in range(sizes.rounds + 1):
        for worker in workers.values():
            worker.step()
    for worker in workers.values():
        worker.close()
    for form in FORMS[1:]:
        for mine, other in zip(workers["ours"].steps, workers[form].steps, strict=True):
            for what in ("loss", "gradient"):
                gap = abs(mine[what] - other[what]) / abs(mine[what])
                if gap > 1e-4:
                    raise SystemExit(f"{what} of 'ours' and {form!r} differ by {gap:.1e}")
    return {form: worker.figures() for form, worker in workers.items()}


def show(found: dict[str, dict[str, float]], sizes: Sizes) -> None:
    base = found["ours"]
    print(
        f"memory {sizes.memory:,} x {sizes.dimension}, batch {sizes.batch}, {sizes.rounds} rounds, "
        f"{base['threads']:.0f} threads, load {os.getloadavg()[0]:.1f} at the end\n"
    )
    print("| form | median ms | min ms | x ours | peak MB | of a step MB | x ours |")
    print("|---|---|---|---|---|---|---|")
    for form, row in found.items():
        times_memory = f"{row['step_mb'] / base['step_mb']:.1f}" if base["step_mb"] else "-"
        print(
            f"| {form} | {row['median_ms']:.1f} | {row['min_ms']:.1f} "
            f"| {row['median_ms'] / base['median_ms']:.1f} "
            f"| {row['peak_mb']:.0f} | {row['step_mb']:.0f} "
            f"| {times_memory} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--memory", type=int, default=Sizes.memory)
    parser.add_argument("--dimension", type=int, default=Sizes.dimension)
    parser.add_argument("--batch", type=int, default=Sizes.batch)
    parser.add_argument("--rounds", type=int, default=Sizes.rounds)
    parser.add_argument("--threads", type=int, default=0, help="0 for what torch takes by itself")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", choices=FORMS, help=argparse.SUPPRESS)
    parser.add_argument("--sizes", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, Sizes(**args.sizes))
        return
    sizes = Sizes(args.memory, args.dimension, args.batch, args.rounds, args.threads)
    if args.quick:
        sizes = Sizes(memory=2_000, dimension=32, batch=16, rounds=3, threads=args.threads)
    found = measure(sizes)
    if args.json:
        print(json.dumps({"sizes": asdict(sizes), "forms": found}))
    else:
        show(found, sizes)


if __name__ == "__main__":
    main()
