"""From rankings to a result: every figure, slice and curve of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError
from findalike.evaluation.curves import draw_curves
from findalike.evaluation.matches import Matches, find_matches
from findalike.evaluation.metrics import (
    EmptyPolicy,
    PerQuery,
    apply_policy,
    average_precision_at_k,
    first_relevant_rank,
    mean_over_queries,
    ndcg_at_k,
    precision_at_k,
    r_precision,
    recall_at_k,
    reciprocal_rank,
)
from findalike.evaluation.relevance import Ranking, Relevance
from findalike.evaluation.result import (
    DEEPEST_FIXED_CUT,
    EvaluationResult,
    Figures,
    QueryOutcomes,
)
from findalike.evaluation.significance import RESAMPLES, Interval, bootstrap_mean
from findalike.evaluation.slices import FEWEST_UNITS, slice_by

Setting = Literal["inductive", "transductive", "unknown"]

_SETTINGS: dict[Setting, str] = {
    "inductive": "Inductive: each query is ranked by itself, as in a live shop.",
    "transductive": (
        "Transductive: rankings use statistics of the other queries, which a live shop, seeing "
        "one photo at a time, doesn't have."
    ),
    "unknown": "Rankings made elsewhere: whether they use the other queries is not known.",
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """What the caller knows about how the rankings were made.

    Attributes:
        setting: whether a ranking depends on the other queries.
        query_crop: which part of a query photo was searched, in words, such as "the given box".
        relevance: what makes a gallery image right, such as "the same product_id".
        ranking: how images are put in order, such as "exact cosine".
    """

    setting: Setting
    query_crop: str
    relevance: str
    ranking: str


@dataclass(frozen=True, slots=True, eq=False)
class QueryTable:
    """Who the queries are, as columns.

    Attributes:
        ids: id of each query photo, unique.
        products: product each shows, None where unknown; queries of one product are drawn
            together by the bootstrap.
        columns: further cells by column name, one a query, to slice by.
    """

    ids: Sequence[str]
    products: Sequence[str | None]
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)


def judge(
    ranked: Ranking,
    relevance: Relevance,
    *,
    queries: QueryTable,
    gallery_ids: Sequence[str],
    protocol: Protocol,
    encoder: str,
    seconds: float,
    k: int = 1000,
    scores: NDArray[np.float32] | None = None,
    empty: EmptyPolicy = "skip",
    seed: int = 0,
) -> EvaluationResult:
    """Judge rankings against the truth.

    Args:
        ranked: signed integers (q, n), gallery positions in rank order, -1 after the last; at
            least min(max(k, 10), gallery) columns.
        relevance: the right answers of the same queries.
        queries: ids, products and columns of the same queries.
        gallery_ids: id of each gallery image, by position.
        protocol: how the rankings were made; becomes part of the result's text.
        encoder: name of what made them.
        seconds: how long that took.
        k: depth of AP, P and MRR.
        scores: float32 (q, n), descending, the score of each ranked image; None if unknown.
        empty: what queries without relevant images do to the means.
        seed: of the bootstrap.

    Raises:
        EvaluationError: if sizes disagree, rankings are too short or malformed, or no query can
            be judged.
        SettingError: if k is below 1 or the policy unknown.
    """
    _check_queries(ranked, relevance, queries)
    _check_ranks(ranked, gallery_ids, k=k, scores=scores)
    matches = find_matches(ranked, relevance, gallery_ids=gallery_ids)
    precision = average_precision_at_k(matches, k)
    kept = apply_policy(precision, empty)
    groups = _groups(queries.products)
    judged = [row for row in range(len(matches)) if empty == "zero" or matches.relevant[row] > 0]
    by_query = bootstrap_mean(kept, seed=seed)
    by_product = bootstrap_mean(kept, groups=[groups[row] for row in judged], seed=seed)
    products = by_product.units
    if products < FEWEST_UNITS:
        by_product = by_query
    top_scores = np.full(len(matches), np.nan)
    if scores is not None:
        top_scores[matches.retrieved > 0] = scores[matches.retrieved > 0, 0]
    return EvaluationResult(
        figures=_figures(
            matches, (by_product, by_query), k=k, empty=empty, gallery_images=len(gallery_ids)
        ),
        encoder=encoder,
        seconds=seconds,
        protocol=_describe(
            protocol, matches, k=k, empty=empty, interval=by_product, products=products, seed=seed
        ),
        slices=slice_by(
            queries.columns,
            np.nan_to_num(precision) if empty == "zero" else precision,
            groups=groups,
            seed=seed,
        ),
        curves=draw_curves(
            matches, k, empty=empty, first_scores=None if scores is None else scores[:, 0]
        ),
        outcomes=QueryOutcomes(
            query_ids=tuple(queries.ids),
            product_ids=tuple(product or "" for product in queries.products),
            relevant=matches.relevant,
            average_precision=precision,
            first_relevant_rank=first_relevant_rank(matches, k),
            top_image_ids=tuple(
                gallery_ids[first] if first >= 0 else "" for first in ranked[:, 0].tolist()
            ),
            top_scores=top_scores,
        ),
    )


def _check_queries(ranked: Ranking, relevance: Relevance, queries: QueryTable) -> None:
    sizes = {
        "rankings": len(ranked),
        "right answers": len(relevance),
        "query ids": len(queries.ids),
        "query products": len(queries.products),
    }
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{count} {name}" for name, count in sizes.items())
        raise EvaluationError(f"there are {told}: give one of each for every query")
    repeated = [name for name, count in Counter(queries.ids).items() if count > 1]
    if repeated:
        raise EvaluationError(
            f"query id {repeated[0]!r} occurs more than once: ids of queries must be unique, "
            f"since runs are compared by them"
        )


def _check_ranks(
    ranked: Ranking, gallery_ids: Sequence[str], *, k: int, scores: NDArray[np.float32] | None
) -> None:
    needed = min(max(k, DEEPEST_FIXED_CUT), len(gallery_ids))
    if ranked.ndim == 2 and ranked.shape[1] < needed:
        raise EvaluationError(
            f"rankings are {ranked.shape[1]} deep, but k = {k} and R@10 over "
            f"{len(gallery_ids)} gallery images need {needed}: rank deeper, or fill short rows "
            f"with -1"
        )
    if scores is not None and scores.shape != ranked.shape:
        raise EvaluationError(
            f"scores have the shape {scores.shape}, rankings {ranked.shape}: give one each"
        )


def _groups(products: Sequence[str | None]) -> list[Hashable]:
    # A query of unknown product stands for itself; the tuple can't be another's product id.
    return [product or ("query", row) for row, product in enumerate(products)]


def _figures(
    matches: Matches,
    intervals: tuple[Interval, Interval],
    *,
    k: int,
    empty: EmptyPolicy,
    gallery_images: int,
) -> Figures:
    def mean(values: PerQuery) -> float:
        return mean_over_queries(values, empty=empty)

    by_product, by_query = intervals
    return Figures(
        map_at_k=by_product.mean,
        map_ci95=(by_product.low, by_product.high),
        map_ci95_by_query=(by_query.low, by_query.high),
        recall_at_1=mean(recall_at_k(matches, 1)),
        recall_at_5=mean(recall_at_k(matches, 5)),
        recall_at_10=mean(recall_at_k(matches, 10)),
        mrr=mean(reciprocal_rank(matches, k)),
        precision_at_k=mean(precision_at_k(matches, k)),
        r_precision=mean(r_precision(matches)),
        ndcg_at_10=mean(ndcg_at_k(matches, 10)),
        queries=len(matches),
        queries_without_relevant=int((matches.relevant == 0).sum()),
        gallery_images=gallery_images,
        k=k,
    )


def _describe(
    protocol: Protocol,
    matches: Matches,
    *,
    k: int,
    empty: EmptyPolicy,
    interval: Interval,
    products: int,
    seed: int,
) -> str:
    without = int((matches.relevant == 0).sum())
    fate = {
        "skip": "are left out of every mean",
        "zero": "count as 0 in every mean",
        "error": "are refused",
    }[empty]
    judged = len(matches) - (without if empty == "skip" else 0)
    drawn = f"{judged:,} queries"
    if interval.units < judged:
        drawn = f"{products:,} products with all their queries"
    elif products < judged:
        drawn += f" (their {products} products are too few to draw from)"
    return " ".join(
        (
            _SETTINGS[protocol.setting],
            f"Query: {protocol.query_crop}. Right answer: {protocol.relevance}.",
            f"Ranking: {protocol.ranking}, judged to rank {k:,}; AP is divided by all relevant "
            f"gallery images, also those below that rank.",
            f"Queries without a relevant image ({without:,} of {len(matches):,}) {fate}.",
            f"Interval: 95 % BCa bootstrap, {RESAMPLES:,} resamples of {drawn}, seed {seed}.",
        )
    )
