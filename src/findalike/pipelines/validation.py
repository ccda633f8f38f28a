"""Judging weights while they are trained: the shop's own evaluation, on a network in torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from findalike.config import ValidationData, resolve_path
from findalike.evaluation.result import EvaluationResult
from findalike.pipelines.evaluate import judge_rankings
from findalike.pipelines.evaluation_set import EvaluationSet, read_evaluation_set
from findalike.pipelines.ranking import rank_by_embedding
from findalike.types import Embeddings, InputSpec, Pixels

Embed = Callable[[Pixels], Embeddings]
"""(n, size, size, 3) uint8 → (n, d) float32, unit rows."""


@dataclass(frozen=True, slots=True)
class FunctionEmbedder:
    """A function as an `findalike.models.embedder.Embedder`."""

    name: str
    dimension: int
    input: InputSpec
    function: Embed

    def embed(self, pixels: Pixels) -> Embeddings:
        """See `Embedder`."""
        return self.function(pixels)


class Validator:
    """The validation sets of a run, read once and judged as often as asked.

    The photos go through the same reading, crop and ranking as in `findalike evaluate`.
    """

    def __init__(
        self,
        sections: Sequence[ValidationData],
        *,
        base: Path,
        spec: InputSpec,
        k: int,
        seed: int,
    ) -> None:
        """Read galleries and queries.

        Args:
            base: what the paths are relative to: the recipe's folder.
            spec: how photos become the network's input.
            k: depth of the rankings.
            seed: draws the queries where a set has a limit.

        Raises:
            CatalogueError, EvaluationError, RecipeError: if a set cannot be read.
        """
        self.spec = spec
        self.k = k
        self.seed = seed
        self.sets = {entry.name: read_validation_set(entry, base, seed) for entry in sections}

    def __call__(self, embed: Embed) -> dict[str, float]:
        """``NAME/map`` of each set, and their mean as ``map``."""
        figures = {
            f"{name}/map": float(result.figures.map_at_k)
            for name, result in self.results(embed).items()
        }
        if figures:
            figures["map"] = float(np.mean(list(figures.values())))
        return figures

    def results(self, embed: Embed, *, method: str = "network") -> dict[str, EvaluationResult]:
        """The whole judgement of each set, with intervals."""
        size = self.spec.size
        blank = np.full((1, size, size, 3), self.spec.fill, dtype=np.uint8)
        embedder = FunctionEmbedder(method, embed(blank).shape[1], self.spec, embed)
        return {
            name: judge_rankings(data, rank_by_embedding(data, embedder, k=self.k), k=self.k)
            for name, data in self.sets.items()
        }


def read_validation_set(entry: ValidationData, base: Path, seed: int) -> EvaluationSet:
    """Read one validation set, with only ``limit`` of its queries if it has a limit."""
    data = read_evaluation_set(
        resolve_path(entry.gallery, base=base),
        resolve_path(entry.queries, base=base),
        root=resolve_path(entry.root, base=base) if entry.root is not None else None,
        where=entry.where,
    )
    if entry.limit is None or entry.limit >= len(data.queries):
        return data
    drawn = np.random.default_rng(seed).permutation(len(data.queries))[: entry.limit]
    return data.only(np.sort(drawn).tolist())
