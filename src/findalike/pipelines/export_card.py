"""The model card and the figures of an encoder that was trained here."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from findalike.config import ValidationData
from findalike.evaluation.result import EvaluationResult
from findalike.models.manifest import Figure, Manifest
from findalike.pipelines.card_table import table
from findalike.pipelines.export_runs import data_section, recipe_section, training_section
from findalike.pipelines.machine_paths import without_machine_paths
from findalike.pipelines.run_to_export import RunToExport

_USE = """\
It finds, for a shopper's photo with a box around one thing, the photos of a seller that show the
same product. It was judged on the sets below and on nothing else: on other kinds of product it may
be far better or worse, so measure it on your own photos before you rely on it:
`findalike evaluate --gallery GALLERY --queries QUERIES --encoder {name}`.

- A cosine is no probability: it tells which of a shop's products is nearest, not that it is there.
- Background counts: a box drawn tight finds more.
- It is not made to recognise people, nor to tell a genuine product from an imitation.
- It was not taught what its training data has not got: kinds of product, cameras, light, places."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How an exported encoder compares with the network in torch.

    Attributes:
        precision: ``fp32``, ``fp16`` or ``int8``.
        photos: on how many photos embeddings were compared.
        calibrated_on: on how many others int8 was calibrated, 0 for the other precisions.
        photos_from: where they are from, in words.
        least_cosine: between torch's and the export's embedding of the worst photo.
        by_torch: validation set → what torch came to.
        exported: validation set → what the export came to.
        how: how its numbers are stored, in words.
    """

    precision: str
    photos: int
    calibrated_on: int
    photos_from: str
    least_cosine: float
    by_torch: Mapping[str, EvaluationResult]
    exported: Mapping[str, EvaluationResult]
    how: str

    @property
    def map_gap(self) -> float | None:
        """How far the mAP over all queries is above torch's; None without validation sets.

        Over all: among 141 queries, one whose match falls from first to third place is 0.005.
        """
        if not self.by_torch:
            return None
        return mean_map(self.exported.values()) - mean_map(self.by_torch.values())


def mean_map(results: Iterable[EvaluationResult]) -> float:
    """The mAP over the queries of several sets together."""
    figures = [result.figures for result in results]
    counts = [one.queries - one.queries_without_relevant for one in figures]
    return sum(one.map_at_k * count for one, count in zip(figures, counts, strict=True)) / sum(
        counts
    )


def figures_of(source: RunToExport, name: str, comparison: Comparison) -> tuple[Figure, ...]:
    """The mAP and R@1 of the exported encoder on each validation set, and the command."""
    sections = {entry.name: entry for entry in source.run.data.validation}
    found: list[Figure] = []
    for key, result in comparison.exported.items():
        figures = result.figures
        command = _command(sections[key], name, k=figures.k)
        low, high = figures.map_ci95
        queries = figures.queries - figures.queries_without_relevant
        found += [
            Figure(
                protocol=key,
                metric=f"mAP@{figures.k}",
                value=round(figures.map_at_k, 4),
                n=queries,
                ci95=(round(low, 3), round(high, 3)),
                command=command,
            ),
            Figure(
                protocol=key,
                metric="R@1",
                value=round(figures.recall_at_1, 4),
                n=queries,
                command=command,
            ),
        ]
    return tuple(found)


def trained_card(
    source: RunToExport,
    manifest: Manifest,
    comparison: Comparison,
    pictures: Mapping[str, Path],
) -> str:
    """The card as Markdown, without any path of the machine it is written on.

    Args:
        pictures: that it shows, by their names beside it.
    """
    parts = [
        f"# {manifest.name}",
        source.run.description,
        _facts(manifest, comparison),
        "## Intended use and limits",
        _USE.format(name=manifest.name),
        "## Trained on",
        data_section(source, manifest.licence),
        "## Figures",
        *_figures(comparison),
        "## Compared with torch",
        _compared(comparison),
        *training_section(source, pictures),
        *recipe_section(source),
        "## Versions",
        *_versions(source, manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(manifest: Manifest, comparison: Comparison) -> str:
    said = {
        "version": manifest.version,
        "backbone": f"`{manifest.source.backbone}`",
        "weights": manifest.source.weights,
        "licence of the weights": manifest.licence,
        "input": f"{manifest.input.size} x {manifest.input.size} pixels, {manifest.input.resize}, "
        f"context margin {manifest.input.context:g}, fill {manifest.input.fill}",
        "in the graph": f"mean {_numbers(manifest.mean)}, std {_numbers(manifest.std)}; "
        f"unit length",
        "embedding": f"{manifest.embedding_size:,} numbers",
        "precision": f"{comparison.precision}: {comparison.how}",
    }
    return table(("", ""), [[key, value] for key, value in said.items()])


def _figures(comparison: Comparison) -> Iterator[str]:
    if not comparison.exported:
        yield (
            "The run has no validation sets, so nothing was measured: `findalike evaluate` "
            "measures it."
        )
        return
    rows = []
    for name, result in comparison.exported.items():
        figures = result.figures
        low, high = figures.map_ci95
        rows.append(
            [
                name,
                f"{figures.queries:,}",
                f"{figures.gallery_images:,}",
                f"{figures.map_at_k:.4f} ({low:.3f}-{high:.3f})",
                f"{figures.recall_at_1:.4f}",
                f"{comparison.by_torch[name].figures.map_at_k:.4f}",
            ]
        )
    k = next(iter(comparison.exported.values())).figures.k
    header = ("protocol", "queries", "gallery", f"mAP@{k} (95 %)", "R@1", f"mAP@{k} by torch")
    yield table(header, rows)
    yield "\n".join(
        f"- **{name}**: {result.protocol}" for name, result in comparison.exported.items()
    )
    yield (
        "The commands are in `encoder.json`. Weights were chosen by these very sets if the "
        "recipe says so (`validate`, `finish`): new photos may find them somewhat worse."
    )


def _compared(comparison: Comparison) -> str:
    text = (
        f"On {comparison.photos:,} real photos ({comparison.photos_from}) the cosine between the "
        f"embeddings of torch and of this file is {comparison.least_cosine:.6f} or more."
    )
    if comparison.calibrated_on:
        text += (
            f" The ranges of its integers come from {comparison.calibrated_on:,} other photos of "
            f"the same source."
        )
    gap = comparison.map_gap
    if gap is not None:
        text += f" Over the queries of all sets its mAP is {gap:+.4f} of torch's."
    return text


def _versions(source: RunToExport, manifest: Manifest) -> Iterator[str]:
    yield f"Exported with {manifest.source.made_by.partition(';')[0]}."
    rows = [[key, value] for key, value in _flat(without_machine_paths(dict(source.environment)))]
    if rows:
        yield table(("trained with", ""), rows)


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, entry in value.items():
        if isinstance(entry, dict):
            yield from _flat(entry, f"{above}{key} ")
        elif entry is not None and entry != []:
            text = ", ".join(map(str, entry)) if isinstance(entry, list) else str(entry)
            yield f"{above}{key}", text


def _command(section: ValidationData, name: str, *, k: int) -> str:
    if section.limit is not None:
        return f"findalike export, on {section.limit} of the queries, drawn by the run's seed"
    words = ["findalike", "evaluate", "--gallery", section.gallery, "--queries", section.queries]
    if section.root is not None:
        words += ["--root", section.root]
    for condition in section.where:
        words += ["--where", condition]
    if k != 1000:
        words += ["-k", str(k)]
    words += ["--encoder", name]
    shown = [str(without_machine_paths(word)) for word in words]
    # Variables are for the shell to fill in; everything else is quoted where it must be.
    return " ".join(word if "${" in word else shlex.quote(word) for word in shown)


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
