"""What an evaluation found, as one value that is written to a folder and read back."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError
from findalike.evaluation.curves import Curves, Histogram
from findalike.evaluation.slices import Slice

FIGURES_FILE = "report.json"
QUERIES_FILE = "per_query.csv"
# R@10 and nDCG@10 are part of every result, whatever k is.
DEEPEST_FIXED_CUT = 10
_FORMAT = 1
_HEADER = (
    "user_img_id",
    "product_id",
    "relevant",
    "ap",
    "first_relevant_rank",
    "top_image_id",
    "top_score",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of a run; means over queries, larger is better, each within [0, 1].

    Attributes:
        map_at_k: mean of AP@k, its divisor being all relevant gallery images.
        map_ci95: its 95 % interval over products: what other products of this kind would give.
            The same as ``map_ci95_by_query`` where no product has two queries, or where there
            are fewer than five products to draw from.
        map_ci95_by_query: its 95 % interval over queries: what other photos of just these
            products would give.
        recall_at_1: share of queries whose first match is right; ``recall_at_5`` and
            ``recall_at_10`` those with any right match so far.
        mrr: mean of 1 / rank of the first right match, 0 where none is within k.
        precision_at_k: mean share of right ones among k ranks, also where the gallery is smaller.
        r_precision: mean precision at as many ranks as the query has right answers.
        ndcg_at_10: with relevance 0 or 1.
        queries: all queries, with those that have no relevant image.
        queries_without_relevant: how many of them have none.
        gallery_images: number of gallery images.
        k: depth of the ranking that was judged.
    """

    map_at_k: float
    map_ci95: tuple[float, float]
    map_ci95_by_query: tuple[float, float]
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    mrr: float
    precision_at_k: float
    r_precision: float
    ndcg_at_10: float
    queries: int
    queries_without_relevant: int
    gallery_images: int
    k: int


@dataclass(frozen=True, slots=True, eq=False)
class QueryOutcomes:
    """What became of each query, as columns.

    Attributes:
        query_ids: id of each query photo.
        product_ids: the product it shows, "" where unknown.
        relevant: int64 (q,), relevant images in the gallery.
        average_precision: float64 (q,), AP@k; NaN where nothing is relevant.
        first_relevant_rank: int64 (q,), counted from 1; 0 if none is within k.
        top_image_ids: id of the first match, "" for an empty ranking.
        top_scores: float64 (q,), its score; NaN where there is none.
    """

    query_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    relevant: NDArray[np.int64]
    average_precision: NDArray[np.float64]
    first_relevant_rank: NDArray[np.int64]
    top_image_ids: tuple[str, ...]
    top_scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query_ids)


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationResult:
    """One run of one encoder over one set of queries.

    Attributes:
        figures: the numbers.
        encoder: name of what made the rankings.
        seconds: how long it took, as the caller measured it.
        protocol: one paragraph that says how the numbers came about.
        slices: the same on parts of the queries.
        curves: what the report draws.
        outcomes: every query by itself.
    """

    figures: Figures
    encoder: str
    seconds: float
    protocol: str
    slices: tuple[Slice, ...]
    curves: Curves
    outcomes: QueryOutcomes

    def to_json(self) -> dict[str, Any]:
        """Everything but the single queries, ready for :func:`json.dumps`."""
        return {
            **asdict(self.figures),
            "encoder": self.encoder,
            "seconds": self.seconds,
            "protocol": self.protocol,
            "slices": [asdict(part) for part in self.slices],
            "curves": asdict(self.curves),
            "format": _FORMAT,
        }

    def save(self, folder: Path) -> None:
        """Write ``report.json`` and ``per_query.csv``, making the folder if it's missing."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
        (folder / FIGURES_FILE).write_text(text + "\n", encoding="utf-8")
        with (folder / QUERIES_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADER)
            writer.writerows(_query_rows(self.outcomes))

    @classmethod
    def load(cls, folder: Path) -> EvaluationResult:
        """Read what :meth:`save` wrote.

        Raises:
            EvaluationError: if the folder holds no evaluation, or a damaged one.
        """
        path = folder / FIGURES_FILE
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["format"] != _FORMAT:
                raise EvaluationError(
                    f"{path}: has format {stored['format']}, this version reads {_FORMAT}: "
                    f"evaluate again"
                )
            figures = _figures(stored)
            outcomes = _read_outcomes(folder / QUERIES_FILE)
            if len(outcomes) != figures.queries:
                raise EvaluationError(
                    f"{folder}: {QUERIES_FILE} has {len(outcomes)} queries, {FIGURES_FILE} tells "
                    f"of {figures.queries}: evaluate again"
                )
            return cls(
                figures=figures,
                encoder=str(stored["encoder"]),
                seconds=float(stored["seconds"]),
                protocol=str(stored["protocol"]),
                slices=tuple(
                    Slice(**{**part, "ci95": part["ci95"] and _pair(part["ci95"])})
                    for part in stored["slices"]
                ),
                curves=_curves(stored["curves"]),
                outcomes=outcomes,
            )
        except FileNotFoundError as error:
            raise EvaluationError(
                f"{folder}: holds no evaluation ({Path(str(error.filename)).name} is missing): "
                f"give a folder that `findalike evaluate --out` wrote"
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise EvaluationError(
                f"{folder}: the evaluation in it is damaged ({error!r}): evaluate again"
            ) from error


def _query_rows(outcomes: QueryOutcomes) -> list[list[str | int]]:
    # A number a row that repr writes is read back to the same float.
    return [
        [query, product, relevant, _cell(ap), rank or "", image, _cell(score)]
        for query, product, relevant, ap, rank, image, score in zip(
            outcomes.query_ids,
            outcomes.product_ids,
            outcomes.relevant.tolist(),
            outcomes.average_precision.tolist(),
            outcomes.first_relevant_rank.tolist(),
            outcomes.top_image_ids,
            outcomes.top_scores.tolist(),
            strict=True,
        )
    ]


def _read_outcomes(path: Path) -> QueryOutcomes:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return QueryOutcomes(
        query_ids=tuple(row["user_img_id"] for row in rows),
        product_ids=tuple(row["product_id"] for row in rows),
        relevant=np.array([int(row["relevant"]) for row in rows], dtype=np.int64),
        average_precision=np.array([_number(row["ap"]) for row in rows], dtype=np.float64),
        first_relevant_rank=np.array(
            [int(row["first_relevant_rank"] or 0) for row in rows], dtype=np.int64
        ),
        top_image_ids=tuple(row["top_image_id"] for row in rows),
        top_scores=np.array([_number(row["top_score"]) for row in rows], dtype=np.float64),
    )


def _figures(stored: Mapping[str, Any]) -> Figures:
    values = {field.name: stored[field.name] for field in fields(Figures)}
    for name in ("map_ci95", "map_ci95_by_query"):
        values[name] = _pair(values[name])
    return Figures(**values)


def _curves(stored: Mapping[str, Any]) -> Curves:
    scores = stored["scores"]
    histogram = None if scores is None else Histogram(**{k: tuple(v) for k, v in scores.items()})
    lines = {name: tuple(values) for name, values in stored.items() if name != "scores"}
    return Curves(**lines, scores=histogram)


def _pair(values: list[float]) -> tuple[float, float]:
    low, high = values
    return (float(low), float(high))


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def _number(text: str) -> float:
    return float(text) if text else math.nan
