"""Judge a bundle by the protocols that took no part in making it, and write the figures into it.

    python recipes/shipped/add_figures.py build/findalike-lite0 --data ../shared/data --work WORK

The figures are those of `benchmarks/quality.py`; they go into ``encoder.json`` and, as a table,
into the model card, before the figures of the sets that the recipe itself looks at.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import quality

from findalike.models.bundle import CARD_NAME, MANIFEST_NAME
from findalike.models.manifest import Figure, Manifest, read_manifest

HEADING = "## Figures\n"

INTRODUCTION = """\
## Judged on what it never saw

No photo of these products was trained on, except those of grocery/seen, whose products were
(other photos of them). While the recipe was made, grocery/unseen and apparel/view were looked at
about 30 times, and features from inside the backbone were tried because such a look showed them
good at apparel/view: new shops may find it somewhat worse. Queries are phone photos and the gallery
seller photos (grocery), studio photos from other sides (apparel/view), or simulated photos with
true boxes.

| protocol | queries | mAP@1000 (95 % interval) | R@1 | mAP@1000 of its ImageNet start |
| --- | --- | --- | --- | --- |
"""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = Path(os.environ.get("FINDALIKE_DATA", "../shared/data"))
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, default=data, help="default: FINDALIKE_DATA")
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    rows = [
        row
        for family in quality.PROTOCOLS
        for row in quality.measure(
            quality.read(family, arguments.data, arguments.work),
            ["imagenet", str(arguments.bundle)],
            arguments.work,
        )
    ]
    add(arguments.bundle, rows)
    quality.print_tables(rows)


def add(bundle: Path, rows: list[quality.Row]) -> None:
    """Write the rows of the bundle into its description and its card."""
    manifest = read_manifest(bundle / MANIFEST_NAME)
    own = [row for row in rows if row.method == manifest.name]
    start = {row.protocol: row.map_at_k for row in rows if row.method != manifest.name}
    described = Manifest.model_validate(
        manifest.model_dump()
        | {"figures": tuple(f.model_dump() for f in [*_figures(own, manifest), *manifest.figures])}
    )
    (bundle / MANIFEST_NAME).write_text(described.model_dump_json(indent=2) + "\n", "utf-8")
    lines = [
        f"| {row.protocol} | {row.queries:,} | {row.map_at_k:.4f} ({row.map_ci95[0]:.3f}-"
        f"{row.map_ci95[1]:.3f}) | {row.recall_at_1:.4f} | {start[row.protocol]:.4f} |\n"
        for row in own
    ]
    card = (bundle / CARD_NAME).read_text("utf-8")
    if card.count(HEADING) != 1:
        raise SystemExit(f"{bundle / CARD_NAME} has no heading {HEADING.strip()!r}")
    text = INTRODUCTION + "".join(lines) + "\n" + HEADING
    (bundle / CARD_NAME).write_text(card.replace(HEADING, text), "utf-8")


def _figures(rows: list[quality.Row], manifest: Manifest) -> list[Figure]:
    command = f"python benchmarks/quality.py --only imagenet --encoder {manifest.name} --work WORK"
    figures = []
    for row in rows:
        low, high = row.map_ci95
        figures += [
            Figure(
                protocol=row.protocol,
                metric="mAP@1000",
                value=round(row.map_at_k, 4),
                n=row.queries,
                ci95=(round(low, 3), round(high, 3)),
                command=command,
            ),
            Figure(
                protocol=row.protocol,
                metric="R@1",
                value=round(row.recall_at_1, 4),
                n=row.queries,
                command=command,
            ),
        ]
    return figures


if __name__ == "__main__":
    main()
