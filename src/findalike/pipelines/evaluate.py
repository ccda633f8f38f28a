"""The use case of `findalike evaluate`: rank, judge, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from findalike.evaluation.judging import Protocol, judge
from findalike.evaluation.rankings import save_rankings
from findalike.evaluation.result import EvaluationResult
from findalike.evaluation.table import TableRow
from findalike.models.encoder import Encoder
from findalike.pipelines.evaluation_report import write_report
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.pipelines.ranking import Rankings, rank_by_embedding, rank_by_sift

SIFT = "sift"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One method, judged.

    Attributes:
        report: the HTML file, None if none was asked for.
    """

    rankings: Rankings
    result: EvaluationResult
    report: Path | None

    @property
    def row(self) -> TableRow:
        """Its line in a table of methods."""
        note = "random weights" if self.result.encoder.endswith("-random") else ""
        dimensions = self.rankings.dimensions
        return TableRow.from_result(self.result, dimensions=dimensions, note=note)


def evaluate_methods(
    data: EvaluationSet,
    methods: Sequence[str],
    *,
    k: int = 1000,
    seed: int = 0,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Evaluation]:
    """Evaluate one method after the other on the same gallery and queries.

    Args:
        methods: names or folders of encoder bundles, or "sift".
        k: depth of the rankings.
        seed: of the confidence intervals.
        out: folder for the reports; with several methods each gets a folder of its own in it.
        progress: called with (method, photos done, photos in all).

    Raises:
        BundleError: if there is no such encoder.
        EvaluationError: if there is nothing to judge.
    """
    for method in methods:

        def show(done: int, total: int, name: str = method) -> None:
            if progress is not None:
                progress(name, done, total)

        if method == SIFT:
            rankings = rank_by_sift(data, k=k, progress=show)
        else:
            rankings = rank_by_embedding(data, Encoder.load(method), k=k, progress=show)
        folder = out / rankings.method if out is not None and len(methods) > 1 else out
        yield evaluate_rankings(data, rankings, k=k, seed=seed, out=folder)


def evaluate_rankings(
    data: EvaluationSet, rankings: Rankings, *, k: int, seed: int = 0, out: Path | None = None
) -> Evaluation:
    """Judge rankings and write the report, if a folder for it is given."""
    result = judge_rankings(data, rankings, k=k, seed=seed)
    report = write_report(data, rankings, result, out) if out is not None else None
    return Evaluation(rankings, result, report)


def write_rankings(data: EvaluationSet, rankings: Rankings, path: Path) -> None:
    """Write the challenge's array; see `save_rankings`."""
    save_rankings(path, rankings.positions, data.gallery_ids)


def judge_rankings(
    data: EvaluationSet, rankings: Rankings, *, k: int, seed: int = 0
) -> EvaluationResult:
    """Judge rankings against the truth of their set.

    Args:
        seed: of the confidence intervals.

    Raises:
        EvaluationError: if a ranking repeats an image, or no query has a right answer.
    """
    boxed = sum(query.box is not None for query in data.queries)
    crop = {0: "the whole photo", len(data.queries): "the given box"}.get(
        boxed, f"the given box ({boxed} queries), else the whole photo"
    )
    return judge(
        rankings.positions,
        data.relevance,
        queries=data.query_table,
        gallery_ids=data.gallery_ids,
        protocol=Protocol(
            setting="unknown" if rankings.scores is None else "inductive",
            query_crop=crop,
            relevance=data.truth,
            ranking=rankings.how,
        ),
        encoder=rankings.method,
        seconds=rankings.seconds,
        k=k,
        scores=rankings.scores,
        seed=seed,
    )
