"""The report of a run: one HTML file that needs no network, no script and no other file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from findalike.evaluation.charts import precision_chart, recall_chart, score_chart
from findalike.evaluation.curves import RECALL_LEVELS, Curves
from findalike.evaluation.examples import (
    Example,
    ExampleMatch,
    Showcase,
    choose_examples,
    example,
)
from findalike.evaluation.result import EvaluationResult
from findalike.evaluation.slices import Slice
from findalike.evaluation.table import TABLE_HEADER, TableRow, best_first, table_cells
from findalike.evaluation.templating import render
from findalike.evaluation.thumbnails import jpeg_data_uri, thumbnail
from findalike.types import Box, Pixels

# 3 groups × 5 queries × 10 pictures at most, 9 kB each: under 2 MB in base64.
EXAMPLES = 5
SHOWN_MATCHES = 8
SLICES_SHOWN = 20

_GROUPS = {
    "worst": "Worst queries",
    "median": "Median queries",
    "best": "Best queries",
}


def render_report(
    result: EvaluationResult,
    *,
    title: str = "Evaluation",
    showcase: Showcase | None = None,
    table: Sequence[TableRow] = (),
) -> str:
    """Write the report as one HTML page of at most 3 MB.

    Args:
        result: the run.
        title: heading of the page.
        showcase: rankings and pictures of the same queries, for the rows of pictures; None
            leaves them out.
        table: runs to be listed beside each other; none leaves the table out.
    """
    return render(
        "report.html.j2",
        title=title,
        result=result,
        figures=result.figures,
        tiles=_tiles(result),
        charts=_charts(result.curves),
        slices=_slices(result.slices),
        table=_table(table),
        galleries=[] if showcase is None else _galleries(result, showcase),
    )


def write_report(
    path: Path,
    result: EvaluationResult,
    *,
    title: str = "Evaluation",
    showcase: Showcase | None = None,
    table: Sequence[TableRow] = (),
) -> None:
    """Write :func:`render_report` to a file, making its folder if it's missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = render_report(result, title=title, showcase=showcase, table=table)
    path.write_text(page, encoding="utf-8")


def render_table(rows: Sequence[TableRow], *, title: str = "Runs side by side") -> str:
    """Write a table of runs as an HTML page of its own.

    Raises:
        SettingError: if there are no rows.
    """
    best_first(rows)
    return render("table.html.j2", title=title, table=_table(rows))


def _tiles(result: EvaluationResult) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each figure beside the mAP."""
    figures = result.figures
    return [
        ("R@1", f"{figures.recall_at_1:.3f}", "first match is right"),
        ("R@5", f"{figures.recall_at_5:.3f}", "any of the first 5 is right"),
        ("R@10", f"{figures.recall_at_10:.3f}", "any of the first 10 is right"),
        ("MRR", f"{figures.mrr:.3f}", "mean of 1 / rank of the first right match"),
        ("nDCG@10", f"{figures.ndcg_at_10:.3f}", "right matches, weighted by rank"),
        ("R-precision", f"{figures.r_precision:.3f}", "precision at as many ranks as right images"),
        (
            f"P@{figures.k}",
            f"{figures.precision_at_k:.4f}",
            f"right ones among {figures.k:,} ranks",
        ),
    ]


def _charts(curves: Curves) -> list[dict[str, Any]]:
    charts = [
        {
            "name": "Recall by rank",
            "svg": recall_chart(curves),
            "legend": _recall_legend(curves),
            "header": ("rank", "any right", "share found"),
            "rows": [
                (f"{rank:,}", f"{any_right:.3f}", f"{share:.3f}")
                for rank, any_right, share in zip(
                    curves.ranks, curves.recall, curves.found_share, strict=True
                )
            ],
        },
        {
            "name": "Precision by recall",
            "svg": precision_chart(curves),
            "legend": [("accent", "best precision at this recall or beyond, mean over queries")],
            "header": ("recall", "precision"),
            "rows": [
                (f"{level:.1f}", f"{precision:.3f}")
                for level, precision in zip(RECALL_LEVELS, curves.precision, strict=True)
            ],
        },
    ]
    if curves.scores is not None:
        scores = curves.scores
        charts.append(
            {
                "name": "Scores of first matches",
                "svg": score_chart(scores),
                "legend": [
                    ("right", f"{sum(scores.right):,} right"),
                    ("wrong", f"{sum(scores.wrong):,} wrong"),
                ],
                "header": ("score from", "right", "wrong"),
                "rows": [
                    (f"{edge:.3f}", f"{right:,}", f"{wrong:,}")
                    for edge, right, wrong in zip(
                        scores.edges[:-1], scores.right, scores.wrong, strict=True
                    )
                ],
            }
        )
    return charts


def _recall_legend(curves: Curves) -> list[tuple[str, str]]:
    if curves.recall == curves.found_share:
        return [("accent", "right image found so far (one for each query)")]
    return [
        ("accent", "any right image found so far (R@k)"),
        ("second", "share of right images found so far"),
    ]


def _slices(slices: Sequence[Slice]) -> list[dict[str, Any]]:
    """The slices by column, long columns cut to those with most queries."""
    columns: dict[str, list[Slice]] = {}
    for part in slices:
        columns.setdefault(part.column, []).append(part)
    return [
        {
            "column": column,
            "parts": parts[:SLICES_SHOWN],
            "more": max(0, len(parts) - SLICES_SHOWN),
            "grouped": any(part.products != part.queries for part in parts),
        }
        for column, parts in columns.items()
    ]


def _table(rows: Sequence[TableRow]) -> dict[str, Any] | None:
    if not rows:
        return None
    cells = table_cells(rows)
    # Columns without a single entry, often the notes, are left out.
    used = [column for column in range(len(TABLE_HEADER)) if any(row[column] for row in cells)]
    return {
        "header": [TABLE_HEADER[column] for column in used],
        "rows": [
            {"cells": [row[column] for column in used], "run": run}
            for row, run in zip(cells, best_first(rows), strict=True)
        ],
    }


def _galleries(result: EvaluationResult, showcase: Showcase) -> list[dict[str, Any]]:
    chosen = choose_examples(result.outcomes, count=EXAMPLES)
    return [
        {
            "title": _GROUPS[name],
            "queries": [
                _query(result, showcase, example(showcase, row, shown=SHOWN_MATCHES))
                for row in rows
            ],
        }
        for name, rows in chosen.items()
        if rows
    ]


def _query(result: EvaluationResult, showcase: Showcase, shown: Example) -> dict[str, Any]:
    outcomes, row = result.outcomes, shown.row
    first = int(outcomes.first_relevant_rank[row])
    return {
        "id": outcomes.query_ids[row],
        "product": outcomes.product_ids[row],
        "precision": f"{outcomes.average_precision[row]:.3f}",
        "relevant": int(outcomes.relevant[row]),
        "first": f"rank {first:,}" if first else f"none within {result.figures.k:,}",
        "picture": _uri(showcase.query_picture(row), showcase.query_box(row)),
        "matches": [_match(showcase, match) for match in shown.matches],
        "further": None if shown.first_right is None else _match(showcase, shown.first_right),
    }


def _match(showcase: Showcase, match: ExampleMatch) -> dict[str, Any]:
    return {
        "rank": match.rank,
        "right": match.right,
        "score": "" if match.score is None else f"{match.score:.3f}",
        "title": showcase.gallery_title(match.position),
        "picture": _uri(showcase.gallery_picture(match.position)),
    }


def _uri(pixels: Pixels | None, box: Box | None = None) -> str | None:
    return None if pixels is None else jpeg_data_uri(thumbnail(pixels, box=box))
