"""Metrics on ranked ids, exact rankings, statistics and reports.

Nothing here embeds a picture or reads a catalogue: rankings, truth and pictures are handed in.
The usual way is :func:`exact_top_k` → :func:`judge` → :func:`write_report`.
"""

from findalike.evaluation.calibration_error import calibration_error
from findalike.evaluation.comparison import Comparison, compare
from findalike.evaluation.contact_sheet import (
    SheetMatch,
    SheetRow,
    contact_sheet,
    contact_sheet_html,
)
from findalike.evaluation.curves import Curves, Histogram, draw_curves, interpolated_precision
from findalike.evaluation.examples import Showcase
from findalike.evaluation.judging import Protocol, QueryTable, judge
from findalike.evaluation.matches import Matches, find_matches
from findalike.evaluation.metrics import (
    EmptyPolicy,
    apply_policy,
    average_precision_at_k,
    first_relevant_rank,
    found_share_at_k,
    mean_over_queries,
    ndcg_at_k,
    precision_at_k,
    r_precision,
    recall_at_k,
    reciprocal_rank,
)
from findalike.evaluation.rankings import load_rankings, save_rankings
from findalike.evaluation.relevance import Ranking, Relevance
from findalike.evaluation.report import render_report, render_table, write_report
from findalike.evaluation.result import EvaluationResult, Figures, QueryOutcomes
from findalike.evaluation.significance import (
    Interval,
    PairedTest,
    bootstrap_mean,
    paired_permutation_test,
)
from findalike.evaluation.slices import Slice, slice_by
from findalike.evaluation.table import TABLE_HEADER, TableRow, table_cells
from findalike.evaluation.thumbnails import jpeg_data_uri, thumbnail
from findalike.evaluation.topk import TopK, exact_top_k

__all__ = [
    "TABLE_HEADER",
    "Comparison",
    "Curves",
    "EmptyPolicy",
    "EvaluationResult",
    "Figures",
    "Histogram",
    "Interval",
    "Matches",
    "PairedTest",
    "Protocol",
    "QueryOutcomes",
    "QueryTable",
    "Ranking",
    "Relevance",
    "SheetMatch",
    "SheetRow",
    "Showcase",
    "Slice",
    "TableRow",
    "TopK",
    "apply_policy",
    "average_precision_at_k",
    "bootstrap_mean",
    "calibration_error",
    "compare",
    "contact_sheet",
    "contact_sheet_html",
    "draw_curves",
    "exact_top_k",
    "find_matches",
    "first_relevant_rank",
    "found_share_at_k",
    "interpolated_precision",
    "jpeg_data_uri",
    "judge",
    "load_rankings",
    "mean_over_queries",
    "ndcg_at_k",
    "paired_permutation_test",
    "precision_at_k",
    "r_precision",
    "recall_at_k",
    "reciprocal_rank",
    "render_report",
    "render_table",
    "save_rankings",
    "slice_by",
    "table_cells",
    "thumbnail",
    "write_report",
]
